// Random histories of several clients, reproducible from a seed.
import * as Y from 'yjs'

/** SplitMix32-like generator: small, seeded, good enough to explore. */
export class Random {
  constructor (seed) { this.state = seed >>> 0 }

  next () {
    this.state = (this.state + 0x9e3779b9) >>> 0
    let z = this.state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }

  below (end) { return this.next() % end }
  chance (percent) { return this.below(100) < percent }
  pick (list) { return list[this.below(list.length)] }
  shuffle (list) {
    for (let i = list.length - 1; i > 0; i--) {
      const k = this.below(i + 1)
      ;[list[i], list[k]] = [list[k], list[i]]
    }
    return list
  }

  /** The bytes with a few others in them, or cut short. */
  damaged (source) {
    const bytes = Uint8Array.from(source)
    for (let n = this.below(3); n >= 0; n--) bytes[this.below(bytes.length)] = this.chance(50) ? this.below(256) : this.below(12)
    return this.chance(20) ? bytes.subarray(0, this.below(bytes.length)) : bytes
  }
}

/** Some of the updates: shuffled, repeated, dropped, partly merged. */
export const mixOf = (random, updates, merge) => {
  let list = updates.slice(0, 1 + random.below(updates.length))
  if (random.chance(60)) random.shuffle(list)
  if (random.chance(40)) list = list.filter(() => random.chance(85))
  if (random.chance(40)) list = list.concat(list.filter(() => random.chance(20)))
  if (random.chance(40)) {
    const cut = random.below(list.length + 1)
    list = [merge(list.slice(0, cut)), ...list.slice(cut)]
  }
  return list
}

const words = ['a', 'bc', ' weft ', 'é', '漢字', '😀', '👩‍🚀', 'x😀y', '\n', 'lorem ipsum dolor', '"quoted"']
const keys = ['k', 'kk', 'ключ', '7', '']

const value = (random, depth = 0) => {
  switch (random.below(depth > 2 ? 9 : 12)) {
    case 0: return random.below(100)
    case 1: return -random.below(1e6)
    case 2: return random.next() / 7
    case 3: return 2 ** random.below(60)
    case 4: return random.pick(words)
    case 5: return random.chance(50)
    case 6: return null
    case 7: return 0.5 * random.below(9) - 2
    case 8: return BigInt(random.next())
    case 9: return [value(random, depth + 1), value(random, depth + 1)]
    case 10: return { [random.pick(keys)]: value(random, depth + 1), 3: value(random, depth + 1) }
    default: return new Uint8Array([1, 2, random.below(256)])
  }
}

const json = (random) => random.pick([
  { image: 'a.png' }, { 'a\nb': [1, 2.5, -0.25, 1e21, 1e-7, 'é😀'] }, 'text', true, { 2: 'b', 1: 'a' }
])

const nested = (random) => random.pick([
  () => new Y.Text(random.pick(words)), () => new Y.Map(), () => new Y.Array(), () => new Y.XmlText('x'),
  () => new Y.XmlElement('p')])()

const editText = (random, text) => {
  const at = random.below(text.length + 1)
  switch (random.below(7)) {
    case 0: case 1: case 2:
      return text.insert(at, random.pick(words))
    case 3:
      if (text.length > 0) text.delete(Math.min(at, text.length - 1), 1 + random.below(Math.min(5, text.length - Math.min(at, text.length - 1))))
      return
    case 4:
      if (text.length > at) text.format(at, 1 + random.below(text.length - at), { [random.pick(['bold', 'em'])]: random.pick([true, null, 'x', { c: 1 }]) })
      return
    case 5: return text.insertEmbed(at, json(random))
    default: return text.insert(at, random.pick(words), { bold: random.pick([true, null]) })
  }
}

const editArray = (random, array) => {
  const at = random.below(array.length + 1)
  if (array.length > 0 && random.chance(30)) {
    const from = Math.min(at, array.length - 1)
    return array.delete(from, 1 + random.below(Math.min(3, array.length - from)))
  }
  switch (random.below(5)) {
    case 0: return array.insert(at, [nested(random)])
    case 1: return array.insert(at, [new Uint8Array([random.below(256), 9])])
    case 2: return array.insert(at, [new Y.Doc({ guid: `sub${random.below(99)}`, ...(random.chance(50) ? { autoLoad: true, meta: { m: 1 } } : { gc: random.chance(50) }) })])
    default: return array.insert(at, Array.from({ length: 1 + random.below(4) }, () => { const v = value(random); return typeof v === 'bigint' || v instanceof Uint8Array ? { v } : v }))
  }
}

const editMap = (random, map) => {
  const key = random.pick(keys)
  if (random.chance(20)) return map.delete(key)
  map.set(key, random.chance(30) ? nested(random) : value(random))
}

const editXml = (random, xml) => {
  const at = random.below(xml.length + 1)
  if (xml.length > 0 && random.chance(30)) return xml.delete(Math.min(at, xml.length - 1), 1)
  const element = random.chance(50) ? new Y.XmlElement(random.pick(['p', 'h1'])) : new Y.XmlText(random.pick(words))
  xml.insert(at, [element])
  if (element instanceof Y.XmlElement && random.chance(50)) element.setAttribute('id', random.pick(words))
}

/** Some type that can be edited: a root, or one nested in the roots. */
const pickTarget = (random, doc) => {
  const roots = [doc.getText('t'), doc.getText('t'), doc.getArray('a'), doc.getMap('m'), doc.getXmlFragment('x')]
  let target = random.pick(roots)
  for (let depth = 0; depth < 3 && random.chance(60); depth++) {
    const inner = target instanceof Y.Map ? [...target.values()]
      : target instanceof Y.Array || target instanceof Y.XmlFragment ? target.toArray() : []
    const types = inner.filter(v => v instanceof Y.AbstractType)
    if (types.length === 0) break
    target = random.pick(types)
  }
  return target
}

export const edit = (random, doc) => {
  const target = pickTarget(random, doc)
  if (target instanceof Y.Text) editText(random, target)
  else if (target instanceof Y.Array) editArray(random, target)
  else if (target instanceof Y.Map) editMap(random, target)
  else editXml(random, target)
}

/**
 * Every update of a session of several clients that edit, sync in part, and undo; in the order in
 * which they came about, which is causal. `updatesV2` are the same in format v2. `stale` holds causal
 * prefixes as documents saw them, `states` many whole states.
 */
export const makeHistory = (random) => {
  const clients = 2 + random.below(3)
  const docs = []
  const updates = []
  const updatesV2 = []
  const undo = []
  for (let i = 0; i < clients; i++) {
    const doc = new Y.Doc({ gc: random.chance(80) })
    doc.clientID = random.chance(30) ? 1 + i : 1 + random.below(2 ** 32 - 2)
    doc.on('update', (update, origin) => { if (origin !== 'sync') updates.push(update) })
    doc.on('updateV2', (update, origin) => { if (origin !== 'sync') updatesV2.push(update) })
    undo.push(new Y.UndoManager([doc.getText('t'), doc.getArray('a'), doc.getMap('m')], { captureTimeout: 0 }))
    docs.push(doc)
  }
  const stale = []
  const states = []
  const steps = 5 + random.below(120)
  for (let step = 0; step < steps; step++) {
    const i = random.below(clients)
    const doc = docs[i]
    const roll = random.below(100)
    if (roll < 70) {
      if (random.chance(25)) doc.transact(() => { for (let n = random.below(6); n >= 0; n--) edit(random, doc) })
      else edit(random, doc)
    } else if (roll < 76) {
      undo[i].undo()
    } else if (roll < 80) {
      undo[i].redo()
    } else if (roll < 84) {
      // Typing: what compaction is for.
      const text = doc.getText('t')
      let at = random.below(text.length + 1)
      for (const c of random.pick(words) + 'typed text') text.insert(at++, c)
    } else {
      const other = docs[random.below(clients)]
      Y.applyUpdate(other, Y.encodeStateAsUpdate(doc, Y.encodeStateVector(other)), 'sync')
    }
    if (random.chance(50)) states.push(Y.encodeStateAsUpdate(doc))
    if (random.chance(4)) stale.push(Y.encodeStateAsUpdate(random.pick(docs)))
  }
  return { updates, updatesV2, docs, stale, states }
}

export const emptyUpdate = new Uint8Array([0, 0])

/** A delta in which neighbours of the same format are one, however many marks lie between them. */
const joined = (delta) => {
  const out = []
  for (const op of delta) {
    const last = out[out.length - 1]
    const format = JSON.stringify(Object.entries(op.attributes ?? {}).sort())
    if (last !== undefined && typeof last.insert === 'string' && typeof op.insert === 'string' && last.format === format) {
      last.insert += op.insert
    } else {
      out.push({ insert: op.insert, format })
    }
  }
  return out
}

const uint = value => {
  const out = []
  for (; value > 127; value >>>= 7) out.push((value & 127) | 128)
  return [...out, value]
}

/**
 * Updates that no editor wrote: of a few clients, many GCs, Items and Skips of few and of no clocks
 * that start at the same and overlap. Clients may rise, or come twice.
 */
export const makeRivals = (random) => {
  const clients = 1 + random.below(4)
  const clocks = random.pick([2, 5, 30, 300])
  const structs = random.pick([1, 2, 6])
  const struct = () => {
    const length = random.below(4)
    switch (random.below(6)) {
      case 0: return [10, ...uint(length)]
      case 1: case 2: return [0, ...uint(length)]
      case 3: return [1, 1, 1, 116, ...uint(length)]
      default: return [4, 1, 1, 116, length, ...Array.from({ length }, () => 97 + random.below(26))]
    }
  }
  const section = () => {
    const count = 1 + random.below(structs)
    return [...uint(count), 1 + random.below(clients), ...uint(random.below(clocks)), ...Array.from({ length: count }, struct).flat()]
  }
  return Array.from({ length: random.pick([3, 40, 64, 65, 100, 127, 200, 500]) + random.below(3) }, () => {
    const count = random.chance(90) ? 1 : random.below(4)
    return Uint8Array.from([count, ...Array.from({ length: count }, section).flat(), 0])
  })
}

/** Everything a user can see of a document, and its state vector. */
export const contentOf = (doc, formats = true) => shownOf(doc, formats, type => type.toDelta(), true)

/** Everything a user can see of a document, however it came about. */
export const appearanceOf = (doc, formats = true) => shownOf(doc, formats, type => joined(type.toDelta()), false)

const shownOf = (doc, formats, deltaOf, withState) => {
  const show = (type) => {
    if (type instanceof Y.Doc) return { doc: type.guid }
    if (!formats && type instanceof Y.Text) return type.toDelta().map(op => typeof op.insert === 'string' ? op.insert : JSON.stringify(show(op.insert))).join('')
    if (type instanceof Y.Text) return { delta: deltaOf(type).map(op => ({ ...op, insert: show(op.insert) })) }
    if (type instanceof Y.Map) return Object.fromEntries([...type.entries()].sort(([a], [b]) => a < b ? -1 : 1).map(([k, v]) => [k, show(v)]))
    if (type instanceof Y.XmlElement) return { name: type.nodeName, attributes: type.getAttributes(), children: type.toArray().map(show) }
    if (type instanceof Y.Array || type instanceof Y.XmlFragment) return type.toArray().map(show)
    if (typeof type === 'bigint') return `${type}n`
    if (type instanceof Uint8Array) return { bytes: [...type] }
    return type
  }
  const state = withState ? [...Y.decodeStateVector(Y.encodeStateVector(doc))].sort(([a], [b]) => a - b) : []
  return JSON.stringify({
    text: show(doc.getText('t')), array: show(doc.getArray('a')), map: show(doc.getMap('m')), xml: show(doc.getXmlFragment('x')), state
  }, (_, v) => typeof v === 'bigint' ? `${v}n` : v)
}

/** The same without the formats of text. */
export const textOf = (doc) => contentOf(doc, false)

export const documentOf = (...updates) => {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}
