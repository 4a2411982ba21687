// Compares weft_yjs with Yjs on random histories.
// Usage: node run.mjs --server PROGRAM [--seed N] [--rounds N] [--python PROGRAM]
// The Python is one with pycrdt.
import * as Y from 'yjs'
import { parseArgs } from 'node:util'
import { OracleServer, novelty, operation } from './server.mjs'
import {
  Random, appearanceOf, contentOf, documentOf, edit as editSomewhere, emptyUpdate, makeHistory, makeRivals, mixOf, textOf
} from './history.mjs'
import { Corpora } from './corpora.mjs'
import { makeV2Checks } from './v2.mjs'
import { Reading } from './reading.mjs'

const { values: options } = parseArgs({
  options: { server: { type: 'string' }, seed: { type: 'string' }, rounds: { type: 'string', default: '100' }, python: { type: 'string' } }
})
if (!options.server) {
  console.error('usage: node run.mjs --server PROGRAM [--seed N] [--rounds N] [--python PROGRAM]')
  process.exit(2)
}
const firstSeed = options.seed !== undefined ? Number(options.seed) : Math.floor(Math.random() * 2 ** 31)
console.log(`seed ${firstSeed}`)

const server = new OracleServer(options.server)
const shownMax = 10
let passed = 0
let failed = 0
let contradictedMerges = 0
let checksOfV2 = 0
let seed = firstSeed

const report = (good, what, details) => {
  if (good) {
    passed++
    return
  }
  if (failed++ < shownMax) console.log(`FAILED seed ${seed}: ${what}${details ? `\n${details}` : ''}`)
}

const same = (a, b) => a !== null && a !== undefined && Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0
const hex = bytes => bytes ? Buffer.from(bytes.subarray(0, 400)).toString('hex') : String(bytes)
const compareBytes = (what, ours, theirs) =>
  report(same(ours, theirs), what, same(ours, theirs) ? '' : `  weft ${hex(ours)}\n  yjs  ${hex(theirs)}`)
const ask = async (op, ...list) => (await server.ask(op, list))

const checkBytes = async (random, updates, docs) => {
  const list = mixOf(random, updates, Y.mergeUpdates)
  const merged = Y.mergeUpdates(list)
  compareBytes(`merge of ${list.length}`, (await ask(operation.merge, ...list))?.[0], merged)
  const states = docs.map(doc => Y.encodeStateAsUpdate(doc))
  compareBytes('merge of states', (await ask(operation.merge, ...states, ...list))?.[0], Y.mergeUpdates([...states, ...list]))
  for (const update of [merged, states[0], updates[random.below(updates.length)]]) {
    compareBytes('state vector', (await ask(operation.stateVector, update))?.[0], Y.encodeStateVectorFromUpdate(update))
    const known = Y.decodeStateVector(Y.encodeStateVectorFromUpdate(merged))
    const vector = new Map()
    for (const [client, clock] of known) if (random.chance(80)) vector.set(client, random.below(clock + 2))
    const encoded = Y.encodeStateVector(vector)
    compareBytes('diff', (await ask(operation.diff, update, encoded))?.[0], Y.diffUpdate(update, encoded))
  }
}

/** Does Yjs' comparison contradict itself, for a GC and an Item stand at the same clock? */
const isContradictory = readers => {
  const kinds = new Map()
  return readers.some(({ curr }) => {
    const key = `${curr.id.client} ${curr.id.clock}`
    if (!kinds.has(key)) kinds.set(key, curr.constructor)
    return kinds.get(key) !== curr.constructor
  })
}

/** Merges in which V8's sort of 64 and more readers, which is no plain insertion, decides what comes out. */
const checkContradictions = async (random, states, updates) => {
  const sort = Array.prototype.sort
  for (const list of [random.shuffle([...states, ...updates]), makeRivals(random), makeRivals(random)]) {
    let contradicted = false
    // eslint-disable-next-line no-extend-native
    Array.prototype.sort = function (compare) {
      contradicted ||= this.length >= 64 && this[0].curr !== undefined && isContradictory(this)
      return sort.call(this, compare)
    }
    let merged
    try {
      merged = Y.mergeUpdates(list)
    } finally {
      // eslint-disable-next-line no-extend-native
      Array.prototype.sort = sort
    }
    if (contradicted) contradictedMerges++
    compareBytes(`merge of ${list.length}, contradictory order: ${contradicted}`, (await ask(operation.merge, ...list))?.[0], merged)
  }
}

const compareStates = (what, ours, theirs, show = contentOf) => {
  const a = show(ours)
  const b = show(theirs)
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  const around = text => text.slice(Math.max(0, at - 80), at + 80)
  report(a === b, what, `  at ${at}\n  weft ${around(a)}\n  yjs  ${around(b)}`)
}

const checkStates = async (random, updates, stale) => {
  // One transaction on either side: Yjs tidies formats after each, so even its own result depends
  // on how updates arrive.
  const all = Y.mergeUpdates(updates)
  const full = documentOf(all)
  const shuffled = random.shuffle(updates.slice())
  for (const input of [updates, shuffled, [Y.encodeStateAsUpdate(full)], [Y.encodeStateAsUpdate(full), ...shuffled]]) {
    const compacted = (await ask(operation.compact, ...input))?.[0]
    report(compacted !== undefined, 'compact accepts')
    if (compacted === undefined) continue
    compareStates('compact, new client', documentOf(compacted), full)
    compareBytes('compact twice', (await ask(operation.compact, compacted))?.[0], compacted)
    for (const old of stale) {
      const vector = Y.encodeStateVector(documentOf(old))
      compareBytes('indexed diff', (await ask(operation.indexedDiff, compacted, vector))?.[0], Y.diffUpdate(compacted, vector))
    }
    for (const old of [...stale, Y.mergeUpdates(updates.slice(0, random.below(updates.length + 1)))]) {
      compareStates('compact, stale client', documentOf(old, compacted), documentOf(old, all))
      const doc = documentOf(old)
      Y.applyUpdate(doc, (await ask(operation.diff, compacted, Y.encodeStateVector(doc)))[0])
      compareStates('diff of compact, stale client', doc, documentOf(old, all))
    }
    const gone = documentOf(compacted)
    compareStates('compact, then further updates', documentOf(compacted, ...updates), documentOf(all, ...updates))
    gone.destroy()
  }
  // With gaps a document keeps what it cannot apply yet; once the rest arrives all must agree.
  const some = updates.filter(() => random.chance(70))
  const rest = updates.filter(update => !some.includes(update))
  const partial = (await ask(operation.compact, ...some))[0]
  compareStates('compact with gaps', documentOf(partial), documentOf(Y.mergeUpdates(some)))
  compareStates('compact with gaps, then the rest', documentOf(partial, ...rest), documentOf(Y.mergeUpdates(some), ...rest))
}

const checkParts = async (random, updates, stale) => {
  const whole = random.chance(50) ? Y.encodeStateAsUpdate(documentOf(...updates)) : Y.mergeUpdates(updates)
  const limit = Buffer.alloc(4)
  limit.writeUInt32LE(random.pick([1, 50, 200, 1000]))
  const parts = await ask(operation.split, whole, limit)
  report(parts !== null, 'split accepts')
  if (parts === null) return
  const doc = new Y.Doc()
  for (const part of parts) {
    Y.applyUpdate(doc, part)
    report(doc.store.pendingStructs === null && doc.store.pendingDs === null, `split at ${limit.readUInt32LE()}: nothing is pending`)
  }
  // Yjs tidies formats after each transaction, so formats may differ by how updates arrive.
  compareStates('split, new client', doc, documentOf(whole), textOf)
  compareStates('split, merged again', documentOf(Y.mergeUpdates(parts)), documentOf(whole))
  for (const old of stale) compareStates('split, stale client', documentOf(old, ...parts), documentOf(old, whole), textOf)
}

const checkKnowledge = async (random, updates) => {
  const cut = random.below(updates.length + 1)
  const held = updates.slice(0, cut)
  const all = Y.mergeUpdates(updates)
  const reduced = (await ask(operation.reduce, all, ...held))[0]
  compareStates('reduce', documentOf(...held, reduced), documentOf(...held, all))
  report((await ask(operation.reduce, reduced, ...updates))[0].length === 2, 'nothing is left of what is held')
  for (const update of updates) {
    const index = updates.indexOf(update)
    const contained = (await ask(operation.contains, update, ...held))[0][0] === 1
    const inherited = [0, 0, 2, 2][(await ask(operation.classify, update, ...held))[0][0]]
    if (index < cut) {
      report(contained, 'contains what it was given')
      report(inherited === novelty.contained || update.length === 2, 'classifies what it was given as contained')
    } else if (contained) {
      report(contentOf(documentOf(...held, update)) === contentOf(documentOf(...held)), 'what is contained changes nothing')
    }
  }
  report((await ask(operation.sameContent, all, ...updates))[0][0] === 1, 'a history has the same content as its updates')
  const state = Y.encodeStateAsUpdate(documentOf(...updates))
  report((await ask(operation.sameContent, state, ...updates))[0][0] === 1, 'a state has the same content as its history')
  report((await ask(operation.contains, all, state))[0][0] === 1, 'a history is contained in its state')
  const compacted = (await ask(operation.compact, ...updates))[0]
  report((await ask(operation.contains, all, compacted))[0][0] === 1, 'a history is contained in its compaction')
  report((await ask(operation.contains, compacted, all))[0][0] === 1, 'a compaction is contained in its history')
}

/** An edit that leads back to an earlier state, as Yjs shows it. */
const checkRevert = async (random, updates) => {
  const number = value => {
    const out = Buffer.alloc(4)
    out.writeUInt32LE(value)
    return out
  }
  const present = Y.mergeUpdates(updates)
  const past = Y.mergeUpdates([emptyUpdate, ...updates.slice(0, random.below(updates.length + 1))])
  // Client ids on either side of the others': conflicts are decided by them.
  const client = random.chance(50) ? 0 : 2 ** 32 - 1
  const edit = (await ask(operation.revert, past, present, number(client)))?.[0]
  report(edit !== undefined, 'revert finds an edit')
  if (edit === undefined) return
  const reverted = Y.mergeUpdates([present, edit])
  compareStates('revert, new client', documentOf(reverted), documentOf(past), appearanceOf)
  const text = doc => appearanceOf(doc, false)
  compareStates('revert, client at the present', documentOf(present, edit), documentOf(past), text)
  compareStates('revert, update by update', documentOf(...updates, edit), documentOf(past), text)
  const again = (await ask(operation.revert, past, reverted, number(8)))?.[0]
  report(again?.length === 2, 'what has been reverted needs no other edit')
  const back = (await ask(operation.revert, present, reverted, number(random.chance(50) ? 7 : 2 ** 32 - 2)))?.[0]
  report(back !== undefined, 'revert finds a way back')
  if (back !== undefined) {
    compareStates('revert and back', documentOf(Y.mergeUpdates([reverted, back])), documentOf(present), appearanceOf)
  }
  // Somebody who has not heard of it goes on editing: all agree in the end.
  const other = documentOf(present)
  other.clientID = 9
  const vector = Y.encodeStateVector(other)
  for (let n = random.below(8); n >= 0; n--) editSomewhere(random, other)
  const meanwhile = Y.encodeStateAsUpdate(other, vector)
  compareStates('revert beside another edit', documentOf(present, edit, meanwhile), documentOf(present, meanwhile, edit), textOf)
}

/** A damaged update: refused by both or by neither. */
const checkDamage = async (random, updates) => {
  for (let i = 0; i < 30; i++) {
    const bytes = random.damaged(random.pick(updates))
    let theirs = true
    let safe = true
    try {
      const { structs, ds } = Y.decodeUpdate(bytes)
      const numbers = structs.flatMap(s => [s.id.client, s.id.clock + s.length, s.origin?.client ?? 0, s.origin?.clock ?? 0, s.rightOrigin?.client ?? 0, s.rightOrigin?.clock ?? 0, s.parent?.client ?? 0, s.parent?.clock ?? 0])
      for (const [client, items] of ds.clients) for (const d of items) numbers.push(client, d.clock + d.len)
      safe = numbers.every(Number.isSafeInteger)
    } catch {
      theirs = false
    }
    const ours = (await ask(operation.validate, bytes)) !== null
    // Numbers beyond 2^53 - 1 are refused where Yjs rounds them.
    report(theirs && !safe ? !ours : ours === theirs, 'validate', `  yjs ${theirs} weft ${ours} ${hex(bytes)}`)
    if (!theirs || !ours || !safe) continue
    let merged
    try { merged = Y.mergeUpdates([bytes, updates[0], bytes]) } catch { continue }
    compareBytes('merge of damaged', (await ask(operation.merge, bytes, updates[0], bytes))?.[0], merged)
  }
}

const checkV2 = makeV2Checks({ server, report, compareBytes, compareStates, hex })

const main = async () => {
  const reading = await Reading.start(server, report)
  const error = console.error
  console.error = () => {} // Yjs warns of every damaged update
  const beforeCorpora = passed + failed
  await new Corpora({ server, report, compareBytes, python: options.python }).run(firstSeed)
  const checksOfCorpora = passed + failed - beforeCorpora
  for (let round = 0; round < Number(options.rounds); round++, seed++) {
    const random = new Random(seed)
    const history = makeHistory(random)
    const { updates, docs, stale, states } = history
    if (updates.length === 0) continue
    try {
      await checkBytes(random, updates, docs)
      await checkContradictions(random, states, updates)
      await checkStates(random, updates, stale)
      await checkParts(random, updates, stale)
      await checkKnowledge(random, updates)
      await checkRevert(random, updates)
      await checkDamage(random, updates)
      const before = passed + failed
      await checkV2(random, history)
      checksOfV2 += passed + failed - before
      await reading.check(random, updates, docs)
    } catch (e) {
      report(false, e.stack)
      if (server.child.exitCode !== null || server.child.signalCode !== null) break
    }
  }
  console.error = error
  server.close()
  // Of a few rounds none may have any; of many all would be a fault of this program.
  if (Number(options.rounds) >= 20) report(contradictedMerges > 0, 'contradictory orders came about')
  console.log(`${contradictedMerges} merges of 64 and more updates met a contradictory order`)
  console.log(`${passed} passed, ${failed} failed; ${checksOfV2} of format v2, ${checksOfCorpora} of updates not made here`)
  process.exitCode = failed === 0 ? 0 : 1
}
await main()
