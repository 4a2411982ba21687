// Makes the document of the cold-join cells.
//   node make_document.mjs OUT_DIR [TRACE.json.gz] [--edits N] [--seed S]
// With a trace its patches are applied one by one; without one a long text is typed from a seed.
// Writes OUT_DIR/updates.bin  the update of every single edit: [length u32 LE][bytes]…
//        OUT_DIR/state.bin    the whole document as one update (v1)
//        OUT_DIR/about.json   counts and sizes
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import * as Y from 'yjs'
import { randomOf } from './random.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { edits: { type: 'string', default: '260000' }, seed: { type: 'string', default: '1' } },
})
const [outDir, tracePath] = positionals
if (outDir === undefined) {
  console.error('usage: make_document.mjs OUT_DIR [TRACE.json.gz] [--edits N] [--seed S]')
  process.exit(2)
}

/** Patches [position, deleted, inserted] of the trace. */
function* tracePatches(path) {
  const trace = JSON.parse(gunzipSync(readFileSync(path)).toString())
  if (trace.startContent) yield [0, 0, trace.startContent]
  for (const txn of trace.txns) yield* txn.patches
}

/** Typing as people do: runs of characters, some backspaces, now and then a jump. */
function* typedPatches(edits, seed) {
  const random = randomOf(seed)
  let length = 0
  let cursor = 0
  for (let i = 0; i < edits; i++) {
    if (length > 0 && random(60) === 0) cursor = random(length + 1)
    if (cursor > 0 && random(8) === 0) {
      cursor--
      length--
      yield [cursor, 1, '']
    } else {
      yield [cursor, 0, 'etaoin shrdlu cmfwyp'[random(20)]]
      cursor++
      length++
    }
  }
}

const doc = new Y.Doc()
doc.clientID = 271828182
const text = doc.getText('content')
const updates = []
doc.on('update', (update) => updates.push(update))
const patches = tracePath ? tracePatches(tracePath) : typedPatches(+values.edits, +values.seed)
let edits = 0
for (const [position, deleted, inserted] of patches) {
  doc.transact(() => {
    if (deleted > 0) text.delete(position, deleted)
    if (inserted !== '') text.insert(position, inserted)
  })
  edits++
}

mkdirSync(outDir, { recursive: true })
function writeRecords(name, records) {
  const out = createWriteStream(join(outDir, name))
  for (const record of records) {
    const head = Buffer.alloc(4)
    head.writeUInt32LE(record.length)
    out.write(head)
    out.write(record)
  }
  out.end()
}
writeRecords('updates.bin', updates)
const state = Y.encodeStateAsUpdate(doc)
writeFileSync(join(outDir, 'state.bin'), state)
const about = {
  source: tracePath ? 'trace' : `seed ${values.seed}`,
  edits,
  updates: updates.length,
  state_bytes: state.length,
  text_length: text.length,
}
writeFileSync(join(outDir, 'about.json'), JSON.stringify(about) + '\n')
console.log(JSON.stringify(about))
