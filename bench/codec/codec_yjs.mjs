// The same measurements as codec_bench.cc, by Yjs.
// Usage: node codec_yjs.mjs DIR [NAME]…
// An operation that would take longer than 15 s, by what the smaller sizes took, is left out: there
// is no line for it. (Yjs' mergeUpdates grows with the square of the number of updates.)
import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(new URL('../peers/package.json', import.meta.url))
const Y = require('yjs')
const { records } = await import('../peers/client.mjs')

const RUNS_MAX = 5
const TOTAL_MS_MAX = 2000
const EXPECTED_MS_MAX = 15_000

const [directory, ...chosen] = process.argv.slice(2)
if (directory === undefined) {
  console.error('usage: node codec_yjs.mjs DIR [NAME]…')
  process.exit(2)
}

/** Median milliseconds of a few runs, and what the last returned. */
function time(work) {
  const times = []
  let result
  for (let total = 0; times.length < RUNS_MAX && total < TOTAL_MS_MAX;) {
    const start = performance.now()
    result = work()
    times.push(performance.now() - start)
    total += times.at(-1)
  }
  times.sort((a, b) => a - b)
  return [times[times.length >> 1], result]
}

/** A document that holds the updates: what encodeStateAsUpdate then writes is compact. */
function apply(updates) {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

const paces = new Map() // "workload operation" -> { items, ms, exponent } of the last size

/** Measures one operation and prints the line; false when it was left out. */
function measure(kind, items, operation, input_bytes, work) {
  const known = paces.get(`${kind} ${operation}`)
  const growth = known === undefined ? 1 : items / known.items
  if (known !== undefined && known.ms * growth ** known.exponent > EXPECTED_MS_MAX) return false
  const [ms, output_bytes] = time(work)
  const exponent = growth > 1 ? Math.max(1, Math.log(ms / known.ms) / Math.log(growth)) : 1.5
  paces.set(`${kind} ${operation}`, { items, ms, exponent })
  console.log(JSON.stringify({ workload: kind, items, operation, input_bytes, output_bytes, ms }))
  return true
}

function run(kind, items) {
  const name = `${kind}-${items}`
  const updates = [...records(join(directory, `${name}.updates`))]
  const updatesBytes = updates.reduce((sum, update) => sum + update.length, 0)
  const whole = readFileSync(join(directory, `${name}.whole`))
  const vector = readFileSync(join(directory, `${name}.vector`))
  const does = (operation, bytes, work) => measure(kind, items, operation, bytes, work)
  does('merge', updatesBytes, () => Y.mergeUpdates(updates).length)
  const compacts = does('compact', updatesBytes, () => Y.encodeStateAsUpdate(apply(updates)).length)
  does('diff', whole.length, () => Y.diffUpdate(whole, vector).length)
  if (compacts) {
    const held = Y.snapshot(apply([whole]))
    does('contains', whole.length, () => Number(Y.snapshotContainsUpdate(held, whole)))
  }
  does('validate', whole.length, () => Y.decodeUpdate(whole).structs.length)
  does('v1 to v2', whole.length, () => Y.convertUpdateFormatV1ToV2(whole).length)
  const v2 = Y.convertUpdateFormatV1ToV2(whole)
  does('v2 to v1', v2.length, () => Y.convertUpdateFormatV2ToV1(v2).length)
  const tiny = updates.map((update) => Y.convertUpdateFormatV1ToV2(update))
  const tinyBytes = tiny.reduce((sum, update) => sum + update.length, 0)
  does('merge v2', tinyBytes, () => Y.mergeUpdatesV2(tiny).length)
}

const KINDS = ['typing', 'scattered', 'deletes', 'paper']
const found = readdirSync(directory)
  .map((file) => /^(.*)-(\d+)\.updates$/.exec(file))
  .filter((match) => match !== null)
  .map(([, kind, items]) => [kind, Number(items)])
  .filter(([kind, items]) => chosen.length === 0 || chosen.includes(`${kind}-${items}`))
  .sort(([a, m], [b, n]) => KINDS.indexOf(a) - KINDS.indexOf(b) || m - n)
for (const [kind, items] of found) run(kind, items)
