// Updates that were not made here: those in the tests of Yjs 13.4 and of yrs, as the registries ship
// them, and those that pycrdt writes. All are fetched by `./dev setup test` and by the build, pinned
// by a checksum: package-lock.json, rust/bridge/Cargo.lock, test/e2e/requirements.txt.
import * as Y from 'yjs'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { operation } from './server.mjs'
import { contentOf, documentOf } from './history.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const yjsTests = join(here, 'node_modules/yjs-13.4/tests/compatibility.tests.js')
const bridgeLock = join(here, '../../../rust/bridge/Cargo.lock')
const yrsFiles = ['src/update.rs', 'src/alt.rs', 'src/tests/compatibility_tests.rs']
const pycrdtDocuments = 60

const attempt = (work) => {
  try {
    return work()
  } catch {
    return null
  }
}

/** Independent of the order of keys. */
const sorted = value => {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.keys(value).sort().map(key => [key, sorted(value[key])]))
}
const text = value => JSON.stringify(sorted(value))

/** The documents of Yjs 13.4's tests, each with what it must show. */
const yjsDocuments = () => {
  const source = readFileSync(yjsTests, 'utf8')
  const documents = []
  for (const test of source.split('export const ').slice(1)) {
    const update = /const oldDoc = '([A-Za-z0-9+/=]+)'/.exec(test)
    const value = /const oldVal = (?:JSON\.parse\('(.*)'\)|\/\*\*.*\*\/ \((.*)\)|(.*))$/m.exec(test)
    const shown = /doc\.get(Array|Map|Text)\('(\w+)'\)\.(toJSON|toDelta)\(\)/.exec(test)
    if (update === null) continue
    documents.push({
      name: test.slice(0, test.indexOf(' ')),
      update: Uint8Array.from(Buffer.from(update[1], 'base64')),
      expected: attempt(() => JSON.parse(value[1]?.replaceAll("\\'", "'").replaceAll('\\\\', '\\') ?? value[2] ?? value[3])),
      show: doc => doc[`get${shown[1]}`](shown[2])[shown[3]]()
    })
  }
  return documents
}

/** Every list of bytes in yrs' own tests, from where cargo keeps the sources it has verified. */
const yrsLists = () => {
  const version = /name = "yrs"\nversion = "([^"]+)"/.exec(readFileSync(bridgeLock, 'utf8'))[1]
  const registries = join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'registry/src')
  const crate = readdirSync(registries).map(name => join(registries, name, `yrs-${version}`)).find(existsSync)
  const lists = []
  for (const file of yrsFiles) {
    for (const [, numbers] of readFileSync(join(crate, file), 'utf8').matchAll(/\[((?:\s*\d+\s*,)+\s*\d+\s*,?\s*)\]/g)) {
      const bytes = numbers.split(',').map(n => n.trim()).filter(n => n !== '').map(Number)
      if (bytes.every(n => n < 256)) lists.push({ file, update: Uint8Array.from(bytes) })
    }
  }
  return { version, lists }
}

export class Corpora {
  constructor ({ server, report, compareBytes, python }) {
    Object.assign(this, { server, report, compareBytes, python })
  }

  async run (seed) {
    await this.guarded('Yjs 13.4', () => this.checkYjs())
    await this.guarded('yrs', () => this.checkYrs())
    await this.guarded('pycrdt', () => this.checkPycrdt(seed))
  }

  /** A corpus that is not on this machine is skipped, and said to be. */
  async guarded (name, work) {
    let reason = null
    try {
      reason = await work()
    } catch (e) {
      reason = e.message.split('\n')[0]
    }
    if (reason !== null) console.log(`SKIP updates of ${name}: ${reason}`)
  }

  async ask (op, ...list) { return (await this.server.ask(op, list))?.[0] }

  /** Whatever the codec makes of an update shows what the update shows. */
  async checkUpdate (what, update) {
    this.report(await this.server.ask(operation.validate, [update]) !== null, `${what}: validate`)
    this.compareBytes(`${what}: state vector`, await this.ask(operation.stateVector, update), Y.encodeStateVectorFromUpdate(update))
    const empty = Uint8Array.from([0])
    this.compareBytes(`${what}: diff`, await this.ask(operation.diff, update, empty), Y.diffUpdate(update, empty))
    this.compareBytes(`${what}: merge`, await this.ask(operation.merge, update, update), Y.mergeUpdates([update, update]))
    const v2 = Y.convertUpdateFormatV1ToV2(update)
    this.compareBytes(`${what}: to v2`, await this.ask(operation.v1ToV2, update), v2)
    this.compareBytes(`${what}: to v2 and back`, await this.ask(operation.v2ToV1, v2), Y.convertUpdateFormatV2ToV1(v2))
    const content = contentOf(documentOf(update))
    const limit = Buffer.alloc(4)
    limit.writeUInt32LE(64)
    const parts = await this.server.ask(operation.split, [update, limit])
    this.report(parts !== null && contentOf(documentOf(Y.mergeUpdates(parts))) === content, `${what}: split`)
    const compacted = await this.ask(operation.compact, update)
    this.report(compacted !== undefined && contentOf(documentOf(compacted)) === content, `${what}: compact`)
    await this.checkYrsReads(what, compacted, update)
    return compacted
  }

  async checkYrsReads (what, compacted, ...updates) {
    if ((await this.ask(operation.canRead))[0] !== 1) return
    const difference = Buffer.from(await this.ask(operation.sameDocument, compacted, ...updates) ?? 'refused').toString()
    this.report(difference === '', `${what}: yrs sees the compacted update as it sees the update`, difference)
  }

  async checkYjs () {
    if (!existsSync(yjsTests)) return 'no node_modules/yjs-13.4; ./dev setup test brings it'
    const documents = yjsDocuments()
    this.report(documents.length > 0, 'Yjs 13.4 ships documents')
    for (const { name, update, expected, show } of documents) {
      const compacted = await this.checkUpdate(name, update)
      this.report(expected !== null && text(show(documentOf(compacted))) === text(expected), `${name}: what its test expects`)
    }
    console.log(`${documents.length} documents of Yjs 13.4's tests`)
    return null
  }

  async checkYrs () {
    const found = attempt(yrsLists)
    if (found === null) return 'cargo has no sources of it; building with rust/bridge brings them'
    const skipped = new Map()
    let checked = 0
    for (const [index, { file, update }] of found.lists.entries()) {
      const what = `yrs ${found.version} ${file}, list ${index}`
      const kind = this.kindOf(update)
      if (kind === 'v1') {
        await this.checkUpdate(what, update)
      } else if (kind === 'v2') {
        const v1 = Y.convertUpdateFormatV2ToV1(update)
        this.compareBytes(`${what}: v2 to v1`, await this.ask(operation.v2ToV1, update), v1)
        await this.checkUpdate(what, v1)
      } else {
        skipped.set(kind, (skipped.get(kind) ?? 0) + 1)
        continue
      }
      checked++
    }
    this.report(checked > 0, 'yrs ships updates')
    console.log(`${checked} updates of yrs ${found.version}'s tests`)
    for (const [kind, count] of skipped) console.log(`SKIP ${count} lists of numbers in yrs' tests: ${kind}`)
    return null
  }

  /** What a list of bytes in a test is, by what Yjs itself makes of it. */
  kindOf (bytes) {
    const carries = decoded => decoded !== null && (decoded.structs.length > 0 || decoded.ds.clients.size > 0)
    if (bytes[0] === 0 && carries(attempt(() => Y.decodeUpdateV2(bytes)))) return 'v2'
    if (carries(attempt(() => Y.decodeUpdate(bytes)))) return 'v1'
    return 'no update that Yjs reads (a state vector, an expected value, or an encoding by itself)'
  }

  async checkPycrdt (seed) {
    if (!this.python || !existsSync(this.python)) return 'no Python with it; ./dev setup test brings it'
    const python = (args, input) => execFileSync(this.python, [join(here, 'pycrdt_documents.py'), ...args], { input, maxBuffer: 2 ** 28 })
      .toString().trim().split('\n').map(line => JSON.parse(line))
    const bytesOf = encoded => Uint8Array.from(Buffer.from(encoded, 'base64'))
    const documents = python(['make', String(seed), String(pycrdtDocuments)])
    const written = []
    let updateCount = 0
    for (const [index, { updates: encoded, state, shown }] of documents.entries()) {
      const what = `pycrdt document ${index}`
      const updates = encoded.map(bytesOf)
      updateCount += updates.length
      written.push({ what: `${what}, its state`, shown, update: await this.checkUpdate(what, bytesOf(state)) })
      if (updates.length === 0) continue
      const merged = await this.ask(operation.merge, ...updates)
      this.compareBytes(`${what}: merge of its edits`, merged, Y.mergeUpdates(updates))
      const compacted = await this.ask(operation.compact, ...updates)
      written.push({ what: `${what}, merged edits`, shown, update: merged })
      written.push({ what: `${what}, compacted edits`, shown, update: compacted })
      await this.checkYrsReads(what, compacted, ...updates)
      const doc = documentOf(compacted)
      const ours = { t: doc.getText('t').toString(), a: doc.getArray('a').toJSON(), m: doc.getMap('m').toJSON() }
      const { t, a, m } = shown
      this.report(text(ours) === text({ t, a, m }), `${what}: Yjs shows of its compacted edits what pycrdt shows`, `  yjs    ${text(ours)}\n  pycrdt ${text({ t, a, m })}`)
    }
    const read = python(['read'], written.map(({ update }) => Buffer.from(update).toString('base64')).join('\n') + '\n')
    for (const [index, { what, shown }] of written.entries()) {
      this.report(text(read[index]) === text(shown), `${what}: pycrdt reads of what Weft wrote what it had`, `  now  ${text(read[index])}\n  then ${text(shown)}`)
    }
    console.log(`${documents.length} documents and ${updateCount} updates of pycrdt`)
    return null
  }
}
