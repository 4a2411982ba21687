// Compares typed reading (weft_crdt) with what Yjs itself shows of a document.
import * as Y from 'yjs'
import { operation } from './server.mjs'
import { documentOf } from './history.mjs'

/** What JSON cannot say, as src/weft/crdt/README.md says it is written. */
const toJson = value => {
  if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) return null
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof Y.Doc) return { guid: value.guid }
  if (value instanceof Y.AbstractType) return toJson(value.toJSON())
  if (Array.isArray(value)) return value.map(toJson)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined).map(([k, v]) => [k, toJson(v)]))
}

/** Independent of the order of keys. */
const canonical = value => {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  return `{${Object.keys(value).sort().map(key => `${JSON.stringify(key)}:${canonical(value[key])}`).join()}}`
}

const isXml = value => value instanceof Y.XmlElement || value instanceof Y.XmlText

/** What the kinds of roots come to where they are told from content; undefined: it cannot be told. */
const rootsOf = doc => {
  const roots = {}
  const text = doc.getText('t')
  const delta = text.toDelta()
  if (delta.some(op => !(op.insert instanceof Y.AbstractType))) roots.t = text
  const array = doc.getArray('a')
  if (array.length > 0 && !array.toArray().every(isXml)) roots.a = array
  if (doc.getMap('m').size > 0) roots.m = doc.getMap('m')
  if (doc.getXmlFragment('x').length > 0) roots.x = doc.getXmlFragment('x')
  return roots
}

export class Reading {
  static async start (server, report) {
    const reading = new Reading()
    reading.server = server
    reading.report = report
    reading.available = (await server.ask(operation.canRead, []))[0][0] === 1
    if (!reading.available) console.log('SKIP reading: the oracle server was built without rust/bridge')
    return reading
  }

  async ask (op, ...list) {
    const answer = await this.server.ask(op, list.map(entry => typeof entry === 'string' ? Buffer.from(entry) : entry))
    return answer === null ? null : Buffer.from(answer[0]).toString()
  }

  compare (what, ours, theirs) {
    let at = 0
    while (ours !== null && at < ours.length && ours[at] === theirs[at]) at++
    const around = text => String(text).slice(Math.max(0, at - 80), at + 120)
    this.report(ours === theirs, what, `  at ${at}\n  weft ${around(ours)}\n  yjs  ${around(theirs)}`)
  }

  parsed (text) { return text === null ? null : canonical(JSON.parse(text)) }

  async check (random, updates, docs) {
    if (!this.available) return
    // Yjs tidies formats after each transaction; its state has them tidied, so both see the same.
    for (const doc of [...docs, documentOf(...updates), documentOf(...random.shuffle(updates.filter(() => random.chance(70))))]) {
      await this.checkDocument(doc)
    }
    const list = random.shuffle(updates.slice())
    for (const input of [updates, list, list.filter(() => random.chance(80))]) {
      const compacted = (await this.server.ask(operation.compact, input))[0]
      const difference = await this.ask(operation.sameDocument, compacted, ...input)
      this.report(difference === '', 'yrs sees a compacted update as it sees its inputs', difference)
    }
  }

  async checkDocument (doc) {
    const update = Y.encodeStateAsUpdate(doc)
    const shown = await this.ask(operation.readJson, update)
    this.report(shown !== null, 'read_json accepts')
    if (shown === null) return
    // What a document holds back may fit by now, although Yjs has not tried it again: whether it shows
    // then depends on how the updates came.
    if (doc.store.pendingStructs !== null) return
    const json = JSON.parse(shown)
    for (const [name, root] of Object.entries(rootsOf(doc))) {
      this.compare(`read_json of ${name}`, json[name] === undefined ? null : canonical(json[name]), canonical(toJson(root)))
    }
    if ('t' in json) {
      const text = doc.getText('t')
      this.compare('read_delta', this.parsed(await this.ask(operation.readDelta, update, 't')), canonical(toJson(text.toDelta())))
      if (rootsOf(doc).t) this.compare('read_text', await this.ask(operation.readText, update, 't'), text.toString())
    }
    if (rootsOf(doc).x) this.compare('read_xml', await this.ask(operation.readXml, update, 'x'), doc.getXmlFragment('x').toString())
  }
}
