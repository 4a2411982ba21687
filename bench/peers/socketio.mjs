// The work of Weft's Socket.IO gateway, written with npm `socket.io` as its documentation does it, in
// memory: a client joins the room of its document by the handshake; an edit's envelope is read and
// checked, gets a position, goes to the others as payload and position, and is acknowledged.
//   PORT=8080 HOST=127.0.0.1 node socketio.mjs
import { createServer } from 'node:http'
import { Server } from 'socket.io'

const log = 'memory'
const documents = new Map() // name of the room in socket.io -> { topic, edits: payloads by offset }

function documentOf (room, roomId) {
  let document = documents.get(room)
  if (document === undefined) {
    document = { topic: `sync-${roomId}`, edits: [] }
    documents.set(room, document)
  }
  return document
}

const isName = (value) => typeof value === 'string' && value !== ''
const isCount = (value) => value === undefined || (Number.isSafeInteger(value) && value >= 0)

// Cuts an envelope into metadata and payload; throws what a client is told.
function readEnvelope (envelope) {
  if (!Buffer.isBuffer(envelope) || envelope.length < 2) throw new Error('not an envelope')
  const end = 2 + envelope.readUInt16LE(0)
  if (envelope.length < end) throw new Error('the envelope is shorter than it says')
  const metadata = JSON.parse(envelope.toString('utf8', 2, end))
  const { roomId, docId, channel, version, senderId, timestamp } = metadata
  if (!isName(roomId) || !isName(docId) || channel !== 'doc') throw new Error('roomId, docId or channel is wrong')
  if (!isCount(version) || !isCount(timestamp)) throw new Error('version and timestamp are integers')
  if (senderId !== undefined && typeof senderId !== 'string') throw new Error('senderId is a string')
  const payload = envelope.subarray(end)
  if (payload.length < 3 || payload[0] !== 0 || payload[1] !== 2) throw new Error('the payload is no update')
  return { metadata, payload }
}

const http = createServer((_, response) => response.end())
const io = new Server(http, { transports: ['websocket'] })

io.on('connection', (socket) => {
  const { roomId, docId } = socket.handshake.query
  if (!isName(roomId) || !isName(docId)) return socket.disconnect(true)
  const room = `${roomId}/${docId}`
  const names = { roomId, docId, channel: 'doc' }
  const document = documentOf(room, roomId)
  const position = (offset) => ({ topic: document.topic, partition: 0, log, offset, version: offset })
  socket.join(room)

  socket.on('sync-request', (_, acknowledge) => {
    document.edits.forEach((payload, offset) => {
      socket.emit('protocol-message', payload, { ...names, ...position(offset) })
    })
    const version = document.edits.length === 0 ? null : document.edits.length - 1
    acknowledge({ log, version, recovery: 'full', reason: 'no-version' })
  })

  socket.on('protocol-message', (envelope, acknowledge) => {
    let read
    try {
      read = readEnvelope(envelope)
      if (read.metadata.roomId !== roomId || read.metadata.docId !== docId) throw new Error('another document')
    } catch (error) {
      return acknowledge({ error: { code: 'bad-envelope', message: error.message, retry: false } })
    }
    const offset = document.edits.push(read.payload) - 1
    const where = position(offset)
    socket.to(room).emit('protocol-message', read.payload, { ...names, ...where })
    acknowledge(where)
  })
})

http.listen(Number(process.env.PORT), process.env.HOST)
