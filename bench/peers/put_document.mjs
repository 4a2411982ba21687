// Types a document into a server as one y-websocket client does, an update for every edit, as fast
// as the server takes them, while a second client watches.
//   node put_document.mjs ws://HOST:PORT/NAME DIR     (DIR as made by make_document.mjs)
// Prints JSON: seconds until the watcher had the last insert, and whether a client that joined
// afterwards read the same text. Exit status 1 when it did not.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import WebSocket from 'ws'
import * as Y from 'yjs'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

const SYNC = 0
const STEP1 = 0
const STEP2 = 1
const UPDATE = 2
const UNSENT_BYTES_MAX = 1 << 20
const TIMEOUT_MS = 120_000

const [url, dir] = process.argv.slice(2)
if (dir === undefined) {
  console.error('usage: put_document.mjs ws://HOST:PORT/NAME DIR')
  process.exit(2)
}

function* records(path) {
  const bytes = readFileSync(path)
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32LE(at)
    yield bytes.subarray(at + 4, end)
    at = end
  }
}

function syncMessage(step, body) {
  const out = encoding.createEncoder()
  encoding.writeVarUint(out, SYNC)
  encoding.writeVarUint(out, step)
  encoding.writeVarUint8Array(out, body)
  return encoding.toUint8Array(out)
}

/** A client that has synced; onUpdate(update, step) sees every update, the answer included. */
function joinAs(onUpdate) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url)
    socket.binaryType = 'arraybuffer'
    socket.on('error', reject)
    socket.on('close', (code) => reject(new Error(`closed: ${code}`)))
    socket.on('open', () => socket.send(syncMessage(STEP1, Uint8Array.of(0))))
    socket.on('message', (data) => {
      const input = decoding.createDecoder(new Uint8Array(data))
      if (decoding.readVarUint(input) !== SYNC) return
      const step = decoding.readVarUint(input)
      const body = decoding.readVarUint8Array(input)
      if (step === STEP1) return socket.send(syncMessage(STEP2, Uint8Array.of(0, 0)))
      onUpdate(body, step)
      if (step === STEP2) resolve(socket)
    })
  })
}

const expected = new Y.Doc()
Y.applyUpdate(expected, readFileSync(join(dir, 'state.bin')))
const [[writer, finalClock]] = Y.decodeStateVector(Y.encodeStateVector(expected))

let sawLast
const lastSeen = new Promise((resolve) => { sawLast = resolve })
await joinAs((update) => {
  if ((Y.parseUpdateMeta(update).to.get(writer) ?? 0) >= finalClock) sawLast()
})
const typist = await joinAs(() => {})
const timer = setTimeout(() => {
  console.log(JSON.stringify({ error: 'the watcher did not see the last edit in time' }))
  process.exit(1)
}, TIMEOUT_MS)

let updates = 0
const begin = performance.now()
for (const update of records(join(dir, 'updates.bin'))) {
  typist.send(syncMessage(UPDATE, update))
  updates++
  while (typist.bufferedAmount > UNSENT_BYTES_MAX) {
    await new Promise((resolve) => { setImmediate(resolve) })
  }
}
await lastSeen
const seconds = (performance.now() - begin) / 1000

// A delete may still be under way behind the last insert: a new client reads until it has both.
const reader = new Y.Doc()
const text = expected.getText('content').toString()
const complete = () => reader.getText('content').toString() === text
await joinAs((update) => Y.applyUpdate(reader, update))
while (!complete() && performance.now() - begin < TIMEOUT_MS) {
  await new Promise((resolve) => { setTimeout(resolve, 50) })
}
clearTimeout(timer)
const result = { updates, seconds, updates_per_second: updates / seconds, verified: complete() }
console.log(JSON.stringify(result))
process.exit(result.verified ? 0 : 1)
