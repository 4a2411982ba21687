// Types an editing trace through Yjs, one update for each edit, and writes them for codec_bench;
// then times Yjs' own mergeUpdates of the first COUNT of them (its time grows with the square).
// Usage: node type_trace.mjs TRACE.json.gz OUT [COUNT]
// The yjs package is that of test/yjs/oracle.
import { createRequire } from 'node:module'
import { createWriteStream, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

const require = createRequire(new URL('../../test/yjs/oracle/package.json', import.meta.url))
const Y = require('yjs')

const [source, target, count] = process.argv.slice(2)
if (!target) {
  console.error('usage: node type_trace.mjs TRACE.json.gz OUT [COUNT]')
  process.exit(2)
}
const trace = JSON.parse(gunzipSync(readFileSync(source)))
const doc = new Y.Doc()
doc.clientID = 1234567890
const text = doc.getText('text')
const updates = []
doc.on('update', update => updates.push(update))
for (const { patches } of trace.txns) {
  doc.transact(() => {
    for (const [position, removed, inserted] of patches) {
      if (removed > 0) text.delete(position, removed)
      if (inserted.length > 0) text.insert(position, inserted)
    }
  })
}
if (text.toString() !== trace.endContent) throw new Error('the typed text is not that of the trace')
const out = createWriteStream(target)
for (const update of updates) {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(update.length)
  out.write(length)
  out.write(update)
}
out.end()
const bytes = updates.reduce((sum, update) => sum + update.length, 0)
console.log(JSON.stringify({ what: 'trace', updates: updates.length, bytes }))
console.log(JSON.stringify({ what: 'yjs encodeStateAsUpdate', bytes: Y.encodeStateAsUpdate(doc).length }))
if (count) {
  const some = updates.slice(0, Number(count))
  const start = performance.now()
  const merged = Y.mergeUpdates(some)
  console.log(JSON.stringify({ what: 'yjs mergeUpdates', updates: some.length, ms: Math.round(performance.now() - start), bytes: merged.length }))
}
