// Sends the updates of a document to a server and waits until the server says that it has them all.
//   node put_updates.mjs ws://HOST:PORT/NAME DIR [y | hocuspocus]   (DIR as made by make_large.mjs)
// Prints JSON, then keeps its connection, so that the server keeps the document, until its standard
// input ends.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as Y from 'yjs'
import { Client, STEP1, records, sleep } from './client.mjs'

const TIMEOUT_MS = 120_000

const [url, dir, dialect = 'y'] = process.argv.slice(2)
if (dir === undefined) {
  console.error('usage: put_updates.mjs ws://HOST:PORT/NAME DIR [y | hocuspocus]')
  process.exit(2)
}
const wanted = Y.encodeStateVectorFromUpdate(readFileSync(join(dir, 'state.bin')))
const wantedClocks = Y.decodeStateVector(wanted)

/** True when the server's state vector, which it tells every client that joins, is the wanted one. */
async function serverHasAll() {
  const client = new Client(url, dialect)
  const told = new Promise((resolve) => {
    client.onSync = (step, body) => { if (step === STEP1) resolve(Y.decodeStateVector(body)) }
  })
  await client.open(wanted)
  const clocks = await told
  client.close()
  return [...wantedClocks].every(([id, clock]) => clocks.get(id) === clock)
}

const begin = performance.now()
const sender = await new Client(url, dialect).open(wanted)
for (const update of records(join(dir, 'updates.bin'))) await sender.sendUpdate(update)
while (!(await serverHasAll())) {
  if (performance.now() - begin > TIMEOUT_MS) {
    console.log(JSON.stringify({ error: 'the server did not take the whole document in time' }))
    process.exit(1)
  }
  await sleep(100)
}
console.log(JSON.stringify({ seconds: (performance.now() - begin) / 1000 }))
for await (const _ of process.stdin);
process.exit(0)
