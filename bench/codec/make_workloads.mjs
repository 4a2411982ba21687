// Makes the inputs of the codec cell, the same for every engine.
//   node make_workloads.mjs OUT_DIR PAPER_DIR    (PAPER_DIR as made by peers/make_document.mjs)
// Writes for each workload and size OUT_DIR/NAME-COUNT.updates, .whole and .vector:
//   updates  COUNT tiny updates: [length u32 LE][bytes]…
//   whole    what they carry, as one update in which no run is joined
//   vector   a state vector that holds about half of it
// typing     one client types one character after the other
// scattered  100 clients, each character behind a random older one: nothing joins
// deletes    every other character of a long text is deleted, one at a time, in random order: no
//            two ranges of the delete set ever join
// paper      the typed document of one author, all of it and its first 10,000 edits; its whole is
//            Yjs' encoding of it
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(new URL('../peers/package.json', import.meta.url))
const encoding = require('lib0/encoding')
const Y = require('yjs')
const { randomOf } = await import('../peers/random.mjs')
const { records } = await import('../peers/client.mjs')

const SIZES = [10_000, 100_000, 1_000_000]
const CLIENTS = 100
const FIRST_CLIENT = 2_000_000_000
const STRING = 4
const HAS_ORIGIN = 0x80

const [outDir, paperDir] = process.argv.slice(2)
if (paperDir === undefined) {
  console.error('usage: make_workloads.mjs OUT_DIR PAPER_DIR')
  process.exit(2)
}

/** Writes an Item with the characters `text`, behind `origin` = [client, clock] or the first one. */
function writeItem(out, text, origin) {
  if (origin === null) {
    encoding.writeUint8(out, STRING)
    encoding.writeVarUint(out, 1) // the parent is named
    encoding.writeVarString(out, 'text')
  } else {
    encoding.writeUint8(out, STRING | HAS_ORIGIN)
    encoding.writeVarUint(out, origin[0])
    encoding.writeVarUint(out, origin[1])
  }
  encoding.writeVarString(out, text)
}

/** An update of `sections` [client, clock, count, bytes] and `ranges` [clock, length] of one client. */
function writeUpdate(sections, deletedClient = 0, ranges = []) {
  const out = encoding.createEncoder()
  encoding.writeVarUint(out, sections.length)
  for (const [client, clock, count, bytes] of sections) {
    encoding.writeVarUint(out, count)
    encoding.writeVarUint(out, client)
    encoding.writeVarUint(out, clock)
    encoding.writeUint8Array(out, bytes)
  }
  encoding.writeVarUint(out, ranges.length === 0 ? 0 : 1)
  if (ranges.length > 0) {
    encoding.writeVarUint(out, deletedClient)
    encoding.writeVarUint(out, ranges.length)
    for (const [clock, length] of ranges) {
      encoding.writeVarUint(out, clock)
      encoding.writeVarUint(out, length)
    }
  }
  return encoding.toUint8Array(out)
}

/** State vector with half of every client's clocks. */
function halfVector(clocks) {
  const out = encoding.createEncoder()
  encoding.writeVarUint(out, clocks.length)
  for (const [client, clock] of clocks) {
    encoding.writeVarUint(out, client)
    encoding.writeVarUint(out, clock >> 1)
  }
  return encoding.toUint8Array(out)
}

/** `count` inserts of one character by `clients`; place(i) names the insert that number i follows. */
function makeInserts(count, clients, place) {
  const sections = Array.from({ length: clients }, () => encoding.createEncoder())
  const clocks = new Array(clients).fill(0)
  const ids = [] // [client, clock] of insert i
  const updates = []
  for (let i = 0; i < count; i++) {
    const who = i % clients
    const client = FIRST_CLIENT - who // descending, as sections must go
    const item = encoding.createEncoder()
    writeItem(item, String.fromCharCode(97 + (i % 26)), i === 0 ? null : ids[place(i)])
    const bytes = encoding.toUint8Array(item)
    updates.push(writeUpdate([[client, clocks[who], 1, bytes]]))
    encoding.writeUint8Array(sections[who], bytes)
    ids.push([client, clocks[who]++])
  }
  const whole = writeUpdate(sections.map((section, who) =>
    [FIRST_CLIENT - who, 0, clocks[who], encoding.toUint8Array(section)]))
  return { updates, whole, vector: halfVector(clocks.map((n, who) => [FIRST_CLIENT - who, n])) }
}

function makeDeletes(count) {
  const random = randomOf(3)
  const item = encoding.createEncoder()
  writeItem(item, 'x'.repeat(2 * count), null)
  const section = [FIRST_CLIENT, 0, 1, encoding.toUint8Array(item)]
  const places = Array.from({ length: count - 1 }, (_, i) => 2 * i)
  for (let i = places.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [places[i], places[j]] = [places[j], places[i]]
  }
  const updates = [writeUpdate([section])]
  for (const place of places) updates.push(writeUpdate([], FIRST_CLIENT, [[place, 1]]))
  const ranges = places.sort((a, b) => a - b).map((place) => [place, 1])
  return {
    updates,
    whole: writeUpdate([section], FIRST_CLIENT, ranges),
    vector: halfVector([[FIRST_CLIENT, 2 * count]])
  }
}

function write(name, { updates, whole, vector }) {
  const records = updates.flatMap((update) => {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(update.length)
    return [length, update]
  })
  writeFileSync(join(outDir, `${name}.whole`), whole)
  writeFileSync(join(outDir, `${name}.vector`), vector)
  writeFileSync(join(outDir, 'unfinished'), Buffer.concat(records))
  renameSync(join(outDir, 'unfinished'), join(outDir, `${name}.updates`))
}

mkdirSync(outDir, { recursive: true })
for (const size of SIZES) {
  const random = randomOf(7)
  const makers = {
    typing: () => makeInserts(size, 1, (i) => i - 1),
    scattered: () => makeInserts(size, CLIENTS, (i) => random(i)),
    deletes: () => makeDeletes(size)
  }
  for (const [name, make] of Object.entries(makers)) {
    if (!existsSync(join(outDir, `${name}-${size}.updates`))) write(`${name}-${size}`, make())
  }
}
const { updates: paperSize } = JSON.parse(readFileSync(join(paperDir, 'about.json')))
const vectorOf = (state) => halfVector([...Y.decodeStateVector(Y.encodeStateVectorFromUpdate(state))])
const paper = join(outDir, `paper-${paperSize}`)
if (!existsSync(`${paper}.updates`)) {
  const state = readFileSync(join(paperDir, 'state.bin'))
  writeFileSync(`${paper}.whole`, state)
  writeFileSync(`${paper}.vector`, vectorOf(state))
  copyFileSync(join(paperDir, 'updates.bin'), `${paper}.updates`)
}
if (!existsSync(join(outDir, `paper-${SIZES[0]}.updates`))) {
  const updates = [...records(join(paperDir, 'updates.bin'))].slice(0, SIZES[0])
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  const whole = Y.encodeStateAsUpdate(doc)
  write(`paper-${SIZES[0]}`, { updates, whole, vector: vectorOf(whole) })
}
