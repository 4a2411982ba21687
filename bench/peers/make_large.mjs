// Makes a large document: many people's phrases, most at the end, some inside older ones, a few
// deleted again. Written as updates without a Y.Doc, so that it takes seconds; then applied to one,
// which says what the text must be.
//   node make_large.mjs OUT_DIR MEGABYTES [SEED]
// Writes OUT_DIR/updates.bin  updates of about 1 MB: [length u32 LE][bytes]…, each depends on those before
//        OUT_DIR/state.bin    the whole document as one update (v1), as Yjs encodes it
//        OUT_DIR/about.json   counts, sizes, the SHA-256 of the text
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { randomOf } from './random.mjs'

const PEOPLE = 20
const PART_BYTES = 1 << 20
const INSIDE_ONE_IN = 10 // phrases that go into an older one
const DELETED_ONE_IN = 20
const HAS_ORIGIN = 0x80
const HAS_RIGHT_ORIGIN = 0x40
const CONTENT_STRING = 4
const WORDS = ('river stone light garden winter paper cloud window silver harbour morning letter ' +
  'shadow candle forest island mirror orchard thread summer bridge lantern meadow').split(' ')

const [outDir, megabytes, seed = '1'] = process.argv.slice(2)
if (megabytes === undefined) {
  console.error('usage: make_large.mjs OUT_DIR MEGABYTES [SEED]')
  process.exit(2)
}
const random = randomOf(Number(seed))
// Sections go by descending client id, so the ids descend.
const ids = Array.from({ length: PEOPLE }, (_, i) => 3_000_000_000 - i * 100_003)
const clocks = ids.map(() => 0)
const phrases = [] // [person, clock, length] of every phrase so far
let last = null // [person, clock] of the last character of the text

function phrase() {
  const count = 8 + random(10)
  return Array.from({ length: count }, () => WORDS[random(WORDS.length)]).join(' ') + '. '
}

function writeId(out, [person, clock]) {
  encoding.writeVarUint(out, ids[person])
  encoding.writeVarUint(out, clock)
}

/** Writes one Item that inserts `text`, after `left` and before `right`. */
function writeItem(out, text, left, right) {
  encoding.writeUint8(out, CONTENT_STRING | (left ? HAS_ORIGIN : 0) | (right ? HAS_RIGHT_ORIGIN : 0))
  if (left) writeId(out, left)
  if (right) writeId(out, right)
  if (!left && !right) {
    encoding.writeVarUint(out, 1) // the parent is named
    encoding.writeVarString(out, 'content')
  }
  encoding.writeVarString(out, text)
}

/** One update in which everybody writes `rounds` phrases. */
function makeUpdate(rounds) {
  const sections = ids.map(() => encoding.createEncoder())
  const firstClocks = clocks.slice()
  const known = phrases.length // only phrases of older updates are cut or deleted
  const deleted = new Map()
  for (let round = 0; round < rounds; round++) {
    for (let person = 0; person < PEOPLE; person++) {
      const text = phrase()
      let [left, right] = [last, null]
      if (known > 0 && random(INSIDE_ONE_IN) === 0) {
        const [owner, clock, length] = phrases[random(known)]
        const at = clock + random(length - 1)
        left = [owner, at]
        right = [owner, at + 1]
      } else {
        last = [person, clocks[person] + text.length - 1]
      }
      writeItem(sections[person], text, left, right)
      phrases.push([person, clocks[person], text.length])
      clocks[person] += text.length
      if (known > 0 && random(DELETED_ONE_IN) === 0) {
        const [owner, clock, length] = phrases[random(known)]
        if (!deleted.has(owner)) deleted.set(owner, new Map())
        deleted.get(owner).set(clock, length)
      }
    }
  }
  const out = encoding.createEncoder()
  encoding.writeVarUint(out, PEOPLE)
  sections.forEach((section, person) => {
    encoding.writeVarUint(out, rounds)
    writeId(out, [person, firstClocks[person]])
    encoding.writeUint8Array(out, encoding.toUint8Array(section))
  })
  encoding.writeVarUint(out, deleted.size)
  for (const [person, ranges] of [...deleted].sort(([a], [b]) => a - b)) {
    encoding.writeVarUint(out, ids[person])
    encoding.writeVarUint(out, ranges.size)
    for (const [clock, length] of [...ranges].sort(([a], [b]) => a - b)) {
      encoding.writeVarUint(out, clock)
      encoding.writeVarUint(out, length)
    }
  }
  return encoding.toUint8Array(out)
}

const updates = []
let bytes = 0
const sample = makeUpdate(1)
updates.push(sample)
bytes += sample.length
const roundsPerUpdate = Math.max(1, Math.round(PART_BYTES / sample.length))
while (bytes < Number(megabytes) * 1e6) {
  const update = makeUpdate(roundsPerUpdate)
  updates.push(update)
  bytes += update.length
}

const doc = new Y.Doc()
for (const update of updates) Y.applyUpdate(doc, update)
const state = Y.encodeStateAsUpdate(doc)
const text = doc.getText('content').toString()
if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) {
  throw new Error('the document depends on something that is not in it')
}
mkdirSync(outDir, { recursive: true })
writeFileSync(join(outDir, 'updates.bin'), Buffer.concat(updates.flatMap((update) => {
  const head = Buffer.alloc(4)
  head.writeUInt32LE(update.length)
  return [head, update]
})))
writeFileSync(join(outDir, 'state.bin'), state)
const about = {
  source: `seed ${seed}`,
  items: phrases.length,
  updates: updates.length,
  bytes,
  state_bytes: state.length,
  text_length: text.length,
  text_sha256: createHash('sha256').update(text).digest('hex'),
}
writeFileSync(join(outDir, 'about.json'), JSON.stringify(about) + '\n')
console.log(JSON.stringify(about))
