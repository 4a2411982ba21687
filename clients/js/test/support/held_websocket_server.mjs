// A y-websocket server in memory whose commits can be held: it knows of an edit, as its SyncStep1
// says, before it shows it in an answer.

import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { WebSocketServer } from 'ws'
import * as Y from 'yjs'

const message = (kind, body) => {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, 0)
  encoding.writeVarUint(encoder, kind)
  encoding.writeVarUint8Array(encoder, body)
  return encoding.toUint8Array(encoder)
}

export class HeldWebSocketServer {
  constructor() {
    this.held = new Y.Doc({ gc: false }) // what was taken
    this.committed = new Y.Doc({ gc: false })
    this.holds = false
    this.answers = 0
    this.answer_bytes = 0
  }

  async start() {
    this.server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await new Promise((resolve) => this.server.once('listening', resolve))
    this.url = `ws://127.0.0.1:${this.server.address().port}`
    this.server.on('connection', (socket) => {
      socket.on('message', (data) => this.#take(socket, new Uint8Array(data)))
      socket.send(message(0, Y.encodeStateVector(this.held)))
    })
    return this
  }

  #take(socket, data) {
    const decoder = decoding.createDecoder(data)
    if (decoding.readVarUint(decoder) !== 0) return
    const kind = decoding.readVarUint(decoder)
    const body = decoding.readVarUint8Array(decoder)
    if (kind === 0) {
      const answer = Y.encodeStateAsUpdate(this.committed, body)
      this.answers += 1
      this.answer_bytes += answer.length
      return socket.send(message(1, answer))
    }
    Y.applyUpdate(this.held, body)
    if (!this.holds) this.commit()
  }

  commit() {
    Y.applyUpdate(this.committed, Y.encodeStateAsUpdate(this.held))
  }

  /** What was not committed is gone, with every connection. */
  crash() {
    this.held = new Y.Doc({ gc: false })
    Y.applyUpdate(this.held, Y.encodeStateAsUpdate(this.committed))
    for (const socket of this.server.clients) socket.terminate()
  }

  async stop() {
    for (const socket of this.server.clients) socket.terminate()
    await new Promise((resolve) => this.server.close(resolve))
  }
}
