// Types a document into a server as one client does, an update for every edit, as fast as the server
// takes them, while a second client watches.
//   node put_document.mjs ws://HOST:PORT/NAME DIR [y | hocuspocus]   (DIR as made by make_document.mjs)
// Prints JSON: seconds until the watcher had the last insert, and whether a client that joined
// afterwards read the same text. Exit status 1 when it did not.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as Y from 'yjs'
import { Client, STEP1, records, sleep } from './client.mjs'

const TIMEOUT_MS = 120_000

const [url, dir, dialect = 'y'] = process.argv.slice(2)
if (dir === undefined) {
  console.error('usage: put_document.mjs ws://HOST:PORT/NAME DIR [y | hocuspocus]')
  process.exit(2)
}

/** A client that has synced; onUpdate(update) sees every update, the answer included. */
function joinAs(onUpdate) {
  const client = new Client(url, dialect)
  client.onSync = (step, body) => { if (step !== STEP1) onUpdate(body) }
  return client.open()
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
  await typist.sendUpdate(update)
  updates++
}
await lastSeen
const seconds = (performance.now() - begin) / 1000

// A delete may still be under way behind the last insert: a new client reads until it has both.
const reader = new Y.Doc()
const text = expected.getText('content').toString()
const complete = () => reader.getText('content').toString() === text
await joinAs((update) => Y.applyUpdate(reader, update))
while (!complete() && performance.now() - begin < TIMEOUT_MS) await sleep(50)
clearTimeout(timer)
const result = { updates, seconds, updates_per_second: updates / seconds, verified: complete() }
console.log(JSON.stringify(result))
process.exit(result.verified ? 0 : 1)
