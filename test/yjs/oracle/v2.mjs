// What run.mjs checks of format v2.
import * as Y from 'yjs'
import * as encoding from 'lib0/encoding'
import { errc, operation } from './server.mjs'
import { documentOf, mixOf } from './history.mjs'

/** Values that format v2 carries in Embed and Format content, and v1 cannot or changes. */
const valuesOfV2 = [undefined, 12n, [undefined, 1], { a: undefined, b: -0 }, NaN, -Infinity, new Uint8Array([0, 255]), { deep: [{ n: 2n ** 40n }] }, 0.1, 1e300, { 10: 'x', 9: 'y', _: '\u0001\n"\\' }]

/** Updates of a text whose embeds and formats have such values. */
export const exoticUpdates = (random) => {
  const updates = []
  const doc = new Y.Doc({ gc: random.chance(50) })
  doc.clientID = 1 + random.below(1000)
  doc.on('updateV2', update => updates.push(update))
  const text = doc.getText('t')
  text.insert(0, 'a text')
  for (let n = 2 + random.below(12); n > 0; n--) {
    const at = random.below(text.length + 1)
    const value = random.pick(valuesOfV2)
    switch (random.below(4)) {
      case 0: text.insertEmbed(at, value ?? [value]); break
      case 1: text.insert(at, 'text', { mark: value }); break
      case 2: if (text.length > at) text.format(at, text.length - at, { mark: value }); break
      default: if (text.length > at) text.delete(at, 1)
    }
  }
  return updates
}

const jsonTexts = ['undefined', 'null', '-0', '[]', '{"b":1,"a":{"2":[],"1":0.50}}', ' [ 1e21 , 1E-7, 123456789012345678 ]', '"\\ud83d\\ude00 \\u00e9\\n"', '{"k":1,"k":2,"__proto__":3}', '1e400', 'false']

/** A v1 update with what only old Yjs wrote, and JSON that JSON.stringify does not write. */
const legacyUpdate = (random) => encoding.encode(encoder => {
  const client = 1 + random.below(2)
  const count = 1 + random.below(5)
  for (const n of [1, count, client, random.below(3)]) encoding.writeVarUint(encoder, n)
  for (let i = 0; i < count; i++) {
    const ref = random.pick([2, 5, 6])
    const origin = random.chance(50)
    encoding.writeUint8(encoder, ref | (origin ? 128 : 0) | 32)
    if (origin) for (const n of [random.below(4), random.below(9)]) encoding.writeVarUint(encoder, n)
    else encoding.writeVarUint(encoder, 1)
    if (!origin) for (const name of ['t', 'sub']) encoding.writeVarString(encoder, name)
    if (ref === 6) encoding.writeVarString(encoder, random.pick(['bold', '']))
    const length = ref === 2 ? random.below(4) : 1
    if (ref === 2) encoding.writeVarUint(encoder, length)
    for (let n = 0; n < length; n++) encoding.writeVarString(encoder, random.pick(ref === 2 ? jsonTexts : jsonTexts.slice(1)))
  }
  encoding.writeVarUint(encoder, 0)
})

const attempt = (what) => {
  try { return what() } catch { return null }
}

/** Everything in which what Yjs makes of an update is not what Weft promises; see the pages in docs/formats. */
const peculiarities = ({ structs, ds }) => {
  const numbers = structs.flatMap(s => [s.id.client, s.id.clock + s.length, s.origin?.client ?? 0, s.origin?.clock ?? 0, s.rightOrigin?.client ?? 0, s.rightOrigin?.clock ?? 0, s.parent?.client ?? 0, s.parent?.clock ?? 0])
  let ascending = true
  for (const [client, items] of ds.clients) {
    let before = 0
    for (const { clock, len } of items) {
      numbers.push(client, clock + len)
      if (clock < before || len === 0) ascending = false
      before = clock + len
    }
  }
  const names = structs.map(s => s.content).flatMap(c => [c instanceof Y.ContentFormat ? c.key : '', c?.type instanceof Y.XmlElement ? c.type.nodeName : '', c?.type instanceof Y.XmlHook ? c.type.hookName : ''])
  const texts = structs.flatMap(s => [typeof s.parent === 'string' ? s.parent : '', s.parentSub ?? '', s.content?.str ?? '', s.content?.doc?.guid ?? ''])
  const lists = structs.filter(s => s.content instanceof Y.ContentJSON).map(s => JSON.stringify(s.content.arr))
  // A key clock below zero names nothing; XML elements then call themselves UNDEFINED.
  const nameless = names.some(name => name === undefined || name === 'UNDEFINED')
  return {
    unsafe: nameless || !numbers.every(n => Number.isSafeInteger(n) && n >= 0),
    ascending,
    halves: ![...names, ...texts].every(text => String(text).isWellFormed()),
    halvesInJson: lists.some(text => /\\ud[89a-f]/.test(text))
  }
}

export const makeV2Checks = ({ server, report, compareBytes, compareStates, hex }) => {
  const ask = async (op, ...list) => (await server.ask(op, list))?.[0]

  /** Ours and Yjs' conversion of one update, which neither may refuse. */
  const checkConversions = async (what, v1, v2) => {
    compareBytes(`v1 to v2 of ${what}`, await ask(operation.v1ToV2, v1), Y.convertUpdateFormatV1ToV2(v1))
    compareBytes(`v2 to v1 of ${what}`, await ask(operation.v2ToV1, v2), Y.convertUpdateFormatV2ToV1(v2))
    compareBytes(`v1 to v2 to v1 of ${what}`, await ask(operation.v2ToV1, await ask(operation.v1ToV2, v1)), Y.convertUpdateFormatV2ToV1(Y.convertUpdateFormatV1ToV2(v1)))
  }

  const checkMergeAndDiff = async (random, what, list) => {
    const merged = Y.mergeUpdatesV2(list)
    compareBytes(`merge v2 of ${list.length} ${what}`, await ask(operation.mergeV2, ...list), merged)
    for (const update of [merged, ...list.slice(0, 1)]) {
      const states = Y.encodeStateVectorFromUpdateV2(update)
      report(await server.ask(operation.validateV2, [update]) !== null, `validate v2 of ${what}`)
      compareBytes(`state vector v2 of ${what}`, await ask(operation.stateVectorV2, update), states)
      const vector = new Map()
      for (const [client, clock] of Y.decodeStateVector(states)) if (random.chance(80)) vector.set(client, random.below(clock + 2))
      const encoded = Y.encodeStateVector(vector)
      compareBytes(`diff v2 of ${what}`, await ask(operation.diffV2, update, encoded), Y.diffUpdateV2(update, encoded))
    }
    return merged
  }

  const checkHistory = async (random, updates, updatesV2, docs) => {
    const at = random.below(updates.length)
    await checkConversions('an edit', updates[at], updatesV2[at])
    for (const doc of docs) await checkConversions('a document', Y.encodeStateAsUpdate(doc), Y.encodeStateAsUpdateV2(doc))
    const mixed = mixOf(random, updates.map((update, i) => ({ update, v2: updatesV2[i] })), list => ({ update: Y.mergeUpdates(list.map(e => e.update)), v2: Y.mergeUpdatesV2(list.map(e => e.v2)) }))
    const merged = await checkMergeAndDiff(random, 'edits', mixed.map(e => e.v2))
    await checkConversions('merged edits', Y.mergeUpdates(mixed.map(e => e.update)), merged)
    // As in v1, the order of 64 and more updates is not always the same; see docs/formats/yjs_update_v1.md.
    const states = [...docs.map(doc => Y.encodeStateAsUpdateV2(doc)), ...mixed.map(e => e.v2)].slice(0, 63)
    await checkMergeAndDiff(random, 'states and edits', states)
    const all = Y.mergeUpdatesV2(updatesV2)
    compareStates('v2 to v1, new client', documentOf(await ask(operation.v2ToV1, all)), documentOf(Y.mergeUpdates(updates)))
  }

  /** Refused by both or by neither; and where both accept, the same bytes. */
  const checkAny = async (what, bytes, random, other) => {
    const ours = await server.ask(operation.validateV2, [bytes]) !== null
    const refusal = server.refusal
    if (refusal === errc.overLimit) return // Yjs would follow it without end
    const decoded = attempt(() => Y.decodeUpdateV2(bytes))
    const odd = decoded !== null && peculiarities(decoded)
    if (decoded !== null && odd.unsafe) return report(!ours, `validate v2 of ${what}: unsafe numbers`, `  ${hex(bytes)}`)
    report(ours === (decoded !== null), `validate v2 of ${what}`, `  yjs ${decoded !== null} weft ${refusal} ${hex(bytes)}`)
    if (!ours || decoded === null) return
    const v1 = attempt(() => Y.convertUpdateFormatV2ToV1(bytes))
    const converted = await ask(operation.v2ToV1, bytes)
    if (v1 === null) report(converted === undefined && server.refusal === errc.noV1Form, `v2 to v1 of ${what}: no form in v1`, `  weft ${server.refusal} ${hex(bytes)}`)
    else if (!odd.halvesInJson) compareBytes(`v2 to v1 of ${what}`, converted, v1)
    compareBytes(`state vector v2 of ${what}`, await ask(operation.stateVectorV2, bytes), Y.encodeStateVectorFromUpdateV2(bytes))
    if (odd.halves || odd.halvesInJson || !odd.ascending) return
    const list = [bytes, other, bytes]
    const merged = attempt(() => Y.mergeUpdatesV2(list))
    if (merged !== null) compareBytes(`merge v2 of ${what}`, await ask(operation.mergeV2, ...list), merged)
    const vector = Y.encodeStateVector(new Map(decoded.structs.map(s => [s.id.client, random.below(s.id.clock + s.length + 1)])))
    const rest = attempt(() => Y.diffUpdateV2(bytes, vector))
    if (rest !== null) compareBytes(`diff v2 of ${what}`, await ask(operation.diffV2, bytes, vector), rest)
  }

  const checkDamage = async (random, updates, updatesV2) => {
    for (let i = 0; i < 30; i++) {
      await checkAny('damaged', random.damaged(random.pick(updatesV2)), random, updatesV2[0])
      // v1 that no Yjs wrote, to v2.
      const bytes = random.damaged(random.pick(updates))
      const decoded = attempt(() => Y.decodeUpdate(bytes))
      if (decoded === null) continue
      const { unsafe, ascending } = peculiarities(decoded)
      const ours = await ask(operation.v1ToV2, bytes)
      if (unsafe) continue // what Weft's v1 refuses is checked where v1 is
      report(ours !== undefined || server.refusal === errc.tooLarge, 'v1 to v2 of damaged accepts', `  ${hex(bytes)}`)
      const theirs = ascending && attempt(() => Y.convertUpdateFormatV1ToV2(bytes))
      if (theirs && ours) compareBytes('v1 to v2 of damaged', ours, theirs)
    }
  }

  const checkExotic = async (random) => {
    const updates = exoticUpdates(random)
    await checkMergeAndDiff(random, 'exotic edits', random.shuffle(updates.slice()))
    for (const update of [Y.mergeUpdatesV2(updates), ...updates]) await checkAny('exotic', update, random, updates[0])
  }

  const checkLegacy = async (random) => {
    const list = [legacyUpdate(random), legacyUpdate(random)]
    const packed = list.map(Y.convertUpdateFormatV1ToV2)
    for (let i = 0; i < list.length; i++) await checkConversions('a legacy edit', list[i], packed[i])
    await checkMergeAndDiff(random, 'legacy edits', packed)
  }

  return async (random, { updates, updatesV2, docs }) => {
    await checkHistory(random, updates, updatesV2, docs)
    await checkDamage(random, updates, updatesV2)
    await checkExotic(random)
    await checkLegacy(random)
  }
}
