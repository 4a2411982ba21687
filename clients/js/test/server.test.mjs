// The provider against the real server, over each transport that it has.
//   WEFT=build/release/weft node --test test/server.test.mjs

import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { createHmac, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { Random } from '../../../test/e2e/lib/random.mjs'
import { Server } from '../../../test/e2e/lib/server.mjs'
import { Connection } from '../dist/index.js'
import { close_all, equal, provide, saved, shows, synced, until } from './support/clients.mjs'
import { Gate } from './support/gate.mjs'

const weft = path.resolve(process.env.WEFT ?? fileURLToPath(new URL('../../../build/release/weft', import.meta.url)))
const seed = Number(process.env.DEV_SEED ?? Date.now() % 2 ** 31)
console.log(`seed ${seed}`)

async function probe() {
  const server = await Server.create({ weft })
  await server.start()
  const { status } = await server.get('/socket.io/?EIO=4&transport=polling')
  await server.dispose()
  return status === 200 ? ['socketio', 'websocket', 'http'] : ['websocket', 'http']
}
const transports = await probe()

async function with_server(run, options = {}) {
  const server = await Server.create({ weft, ...options })
  await server.start()
  try {
    await run(server)
  } catch (error) {
    console.log(server.tail(25))
    throw error
  } finally {
    await close_all()
    await server.dispose()
  }
}

/** A server that takes tokens alone, and who issues them. */
function with_guarded_server(run) {
  const key_file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'weft-key-')), 'key')
  const secret = randomBytes(32).toString('hex')
  fs.writeFileSync(key_file, secret)
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const issue = (sub, lifetime_s) => {
    const claims = { sub, exp: Date.now() / 1000 + lifetime_s, weft: { documents: [{ room: 'room' }] } }
    const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
  }
  const args = ['--authorization.enabled', 'on', '--authorization.key_file', key_file, '--hub.keepalive_interval', '200']
  return with_server((server) => run(server, issue), { args }).finally(() => fs.rmSync(path.dirname(key_file), { recursive: true }))
}

/** What the server holds, read over HTTP into a fresh document. */
async function stored(server, docId = 'doc') {
  const doc = new Y.Doc()
  const response = await fetch(`${server.http}/v1/documents/room/${encodeURIComponent(docId)}/update`)
  Y.applyUpdate(doc, new Uint8Array(await response.arrayBuffer()))
  return doc
}

for (const transport of transports) {
  const open = (server, options) => provide(server.http ?? server, { transports: [transport], ...options })

  test(`${transport}: two providers converge, are saved, and a newcomer sees the same`, () => with_server(async (server) => {
    const [a, b] = [open(server), open(server)]
    await synced(a, b)
    for (let i = 0; i < 50; i += 1) {
      a.text.insert(0, 'a')
      b.text.insert(b.text.length, 'b')
      if (i % 5 === 0) a.text.delete(0, 1)
      b.doc.getMap('map').set(`key${i % 7}`, i)
    }
    await saved(a, b)
    await equal(a, b)
    assert.equal(Y.encodeStateAsUpdate(await stored(server)).length, Y.encodeStateAsUpdate(a.doc).length)
    const c = open(server)
    await synced(c)
    await equal(a, c)
    assert.deepEqual([a.early, b.early], [[], []])
    if (transport !== 'websocket') {
      await until('versions', () => a.version !== null && a.version === b.version && a.version === c.version)
    }
  }))

  test(`${transport}: a token function is asked again when its token has expired, and nothing is lost`, () => with_guarded_server(async (server, issue) => {
    let asked = 0
    const a = open(server, { token: () => { asked += 1; return issue('ada', asked === 1 ? 2 : 600) } })
    const b = open(server, { token: () => issue('eve', 600) })
    await synced(a, b)
    a.text.insert(0, 'before ')
    await saved(a)
    await until('another token is asked for', () => asked > 1)
    a.text.insert(a.text.length, 'after')
    await saved(a)
    await until('it arrives', () => b.text.toString() === 'before after')
    assert.equal(a.refusal, null)
  }))

  test(`${transport}: a document that nobody ever wrote is synced, empty and saved`, () => with_server(async (server) => {
    const a = open(server, { docId: 'never' })
    await synced(a)
    assert.deepEqual([a.saved, a.pending, a.version, a.text.length], [true, 0, null, 0])
  }))

  test(`${transport}: names with spaces, slashes and other scripts`, () => with_server(async (server) => {
    const docId = 'Über/海 100%?#'
    const a = open(server, { docId })
    await synced(a)
    a.text.insert(0, 'gleich 🧵')
    await saved(a)
    assert.equal((await stored(server, docId)).getText('content').toString(), 'gleich 🧵')
  }))

  test(`${transport}: several documents and their subdocuments over one connection`, () => with_server(async (server) => {
    const connection = new Connection(server.http, { transports: [transport], WebSocketPolyfill: WebSocket })
    const documents = ['one', 'two', 'three'].map((docId) => provide(connection, { docId }))
    await synced(...documents)
    for (const provider of documents) {
      provider.text.insert(0, provider.name.docId)
      const part = new Y.Doc()
      provider.doc.getMap('parts').set('first', part)
      part.load()
      part.getText('content').insert(0, `part of ${provider.name.docId}`)
    }
    await until('all parts', () => documents.every(({ subdocs }) => subdocs.size === 1 && [...subdocs.values()].every((sub) => sub.synced && sub.saved)))
    await saved(...documents)
    const reader = provide(server.http, { docId: 'two', transports: [transport] })
    await shows(reader, 'two')
    const part = reader.doc.getMap('parts').get('first')
    part.load()
    await until('the part', () => part.getText('content').toString() === 'part of two')
    assert.equal((await stored(server, 'two')).getText('content').toString(), 'two', 'the part is no part of its parent')
  }))

  test(`${transport}: edits made offline meet those of others`, () => with_server(async (server) => {
    const [a, b] = [open(server), open(server)]
    await synced(a, b)
    a.text.insert(0, 'abcdef')
    await shows(b, 'abcdef')
    await saved(a)
    a.disconnect()
    a.text.delete(1, 2)
    a.text.insert(0, '>')
    b.text.insert(6, '<')
    assert.deepEqual([a.pending, a.saved], [2, false])
    a.connect()
    await equal(a, b)
    assert.equal(a.text.toString(), '>adef<')
    await saved(a, b)
  }))

  test(`${transport}: kill -9 with edits under way: what was saved is there, the rest is sent again`, () => with_server(async (server) => {
    const random = new Random(seed)
    const [a, b] = [open(server), open(server)]
    await synced(a, b)
    const tokens = a.doc.getArray('tokens')
    for (let round = 0; round < 4; round += 1) {
      const write = (count) => {
        for (let i = 0; i < count; i += 1) tokens.push([`${round}-${tokens.length}`])
      }
      write(1 + random.below(10))
      b.text.insert(0, 'b')
      await saved(a, b)
      const confirmed = tokens.toArray()
      write(20)
      for (let turns = random.below(30); turns > 0; turns -= 1) await new Promise(setImmediate)
      await server.stop('SIGKILL')
      for (const provider of [a, b]) provider.disconnect() // so that nothing comes again before it was looked at
      write(2)
      await server.start()
      const held = new Set((await stored(server)).getArray('tokens').toArray())
      assert.deepEqual(confirmed.filter((token) => !held.has(token)), [])
      for (const provider of [a, b]) provider.connect()
      const c = open(server)
      await saved(a, b)
      await synced(c)
      await equal(a, b, c)
      await c.destroy()
    }
    assert.deepEqual([a.early, b.early], [[], []])
    const held = (await stored(server)).getArray('tokens').toArray()
    assert.deepEqual(held, tokens.toArray())
    assert.equal(new Set(held).size, held.length)
  }))

  test(`${transport}: what was saved is on the server's disk when it is killed at that moment`, () => with_server(async (server) => {
    for (let round = 0; round < 3; round += 1) {
      const a = open(server)
      await synced(a)
      a.text.insert(0, `round ${round} `)
      a.text.delete(0, 1)
      await saved(a)
      await server.stop('SIGKILL')
      const expected = a.text.toString()
      await a.destroy()
      await server.start()
      assert.equal((await stored(server)).getText('content').toString(), expected)
    }
  }))

  test(`${transport}: a client that is killed with unacknowledged edits loses none`, () => with_server(async (server) => {
    const directory = path.join(server.scratch, 'store')
    const made = []
    const writer = async () => {
      const child = fork(fileURLToPath(new URL('support/writer.mjs', import.meta.url)), [server.http, transport, directory, 'killed'], { silent: true })
      let text = ''
      child.stdout.on('data', (chunk) => (text += chunk))
      child.tokens = () => [...text.matchAll(/^made (.*)$/gm)].map(([, token]) => token)
      await new Promise((resolve) => child.once('message', resolve))
      return child
    }
    const kill = async (child) => {
      const gone = new Promise((resolve) => child.once('close', resolve))
      child.kill('SIGKILL')
      await gone
      made.push(...child.tokens())
    }
    const write = (child, count) => {
      const done = new Promise((resolve) => child.once('message', resolve))
      child.send(count)
      return done
    }
    const online = await writer()
    await write(online, 40)
    await kill(online) // at once: some edits have not even been sent
    await server.stop('SIGKILL')
    const offline = await writer()
    await write(offline, 5)
    await kill(offline)
    await server.start()
    const last = await writer()
    await until('all tokens on the server', async () => {
      const held = (await stored(server, 'killed')).getArray('tokens').toArray()
      return held.length === 45 && made.every((token) => held.includes(token))
    })
    await kill(last)
    assert.equal(made.length, 45)
  }))
}

const with_socketio = { skip: transports.includes('socketio') ? false : 'this server has no Socket.IO' }

test('socketio: control messages reach the others; acknowledgements name the versions in order', with_socketio, () => with_server(async (server) => {
  const [a, b] = ['ada', 'grace'].map((senderId) => provide(server.http, { transports: ['socketio'], senderId }))
  await synced(a, b)
  const heard = []
  b.on('control', (message) => heard.push(message))
  assert.equal(a.sendControl({ type: 'ring', times: 2 }), true)
  await until('the control message', () => heard.length === 1)
  assert.deepEqual(heard, [{ type: 'ring', times: 2 }])
  for (let i = 0; i < 30; i += 1) {
    a.text.insert(0, 'a')
    b.text.insert(0, 'b')
  }
  await saved(a, b)
  await equal(a, b)
  await until('the last version', () => a.version === 59 && b.version === 59)
  assert.deepEqual([a.early, b.early], [[], []])
  const { records } = await (await fetch(`${server.http}/v1/documents/room/doc/history?since=start&limit=1000`)).json()
  assert.deepEqual(records.map(({ version }) => version), Array.from({ length: 60 }, (_, version) => version), 'nothing was appended twice')
  assert.deepEqual([...new Set(records.map(({ senderId }) => senderId))].sort(), ['ada', 'grace'])
}))

test('http: what is written between the state and the events is not missed, in a new document and in an old one', () => with_server(async (server) => {
  const writer = provide(server.http, { transports: ['http'] })
  await synced(writer)
  for (const text of ['first ', 'second ']) {
    let go
    const gone = new Promise((resolve) => (go = resolve))
    const late = async (url, init) => {
      if (String(url).includes('/events')) await gone
      return fetch(url, init)
    }
    const reader = provide(server.http, { transports: ['http'], fetch: late })
    await synced(reader)
    writer.text.insert(writer.text.length, text)
    await saved(writer)
    go()
    await equal(writer, reader)
    await reader.destroy()
  }
}))

test('every transport and the stock client edit one document at once and end equal', () => with_server(async (server) => {
  const random = new Random(seed + 1)
  const providers = transports.map((transport) => provide(server.http, { transports: [transport] }))
  const stock = new WebsocketProvider(`${server.ws}/ws`, 'room/doc', new Y.Doc(), { WebSocketPolyfill: WebSocket, disableBc: true })
  stock.text = stock.doc.getText('content')
  try {
    await synced(...providers)
    await until('the stock client', () => stock.synced)
    const all = [...providers, stock]
    for (let i = 0; i < 200; i += 1) {
      const { text } = random.pick(all)
      if (text.length > 5 && random.chance(0.3)) text.delete(random.below(text.length - 1), 1)
      else text.insert(random.below(text.length + 1), random.pick(['x', 'yz', '日', 'ä ']))
      if (i % 20 === 0) await new Promise(setImmediate)
    }
    await saved(...providers)
    await equal(...all)
  } finally {
    stock.doc.destroy()
    stock.destroy()
  }
}))

test('presence is seen between providers and the stock client, and goes with them', () => with_server(async (server) => {
  const stock = new WebsocketProvider(`${server.ws}/ws`, 'room/doc', new Y.Doc(), { WebSocketPolyfill: WebSocket, disableBc: true })
  try {
    stock.awareness.setLocalStateField('user', 'stock')
    const providers = transports.map((transport) => provide(server.http, { transports: [transport] }))
    for (const [index, provider] of providers.entries()) provider.awareness.setLocalStateField('user', transports[index])
    const users = ({ awareness }) => [...awareness.getStates().values()].map(({ user }) => user).sort().join()
    const everybody = ['stock', ...transports].sort().join()
    await until('everybody', () => [stock, ...providers].every((provider) => users(provider) === everybody))
    for (const [index, provider] of providers.entries()) {
      provider.disconnect()
      await until(`${transports[index]} is gone`, () => !users(stock).includes(transports[index]))
      provider.connect()
      await until('it is back', () => users(stock) === everybody && users(provider) === everybody)
    }
  } finally {
    stock.doc.destroy()
    stock.destroy()
  }
}))

test('a blocked transport gives way to the next, and the better one is taken again when it is free', () => with_server(async (server) => {
  const gate = await new Gate(server.port).start()
  try {
    gate.block('socketio', 'websocket')
    const a = provide(gate.url, { retryBetterAfter: 100 })
    const b = provide(server.http, { transports: ['websocket'] })
    const taken = []
    a.on('transport', (transport) => transport && taken.push(transport))
    await synced(a, b)
    assert.equal(a.transport, 'http')
    a.text.insert(0, 'over http ')
    await saved(a)
    gate.block('socketio')
    await until('websocket', () => a.transport === 'websocket')
    a.text.insert(0, 'over websocket ')
    await saved(a)
    await equal(a, b)
    a.awareness.setLocalStateField('user', 'Ada')
    await until('presence', () => b.awareness.getStates().get(a.doc.clientID)?.user === 'Ada')
    gate.block('socketio', 'websocket')
    gate.cut()
    await until('http again', () => a.transport === 'http' && a.synced)
    a.text.insert(0, 'once more ')
    await saved(a)
    await equal(a, b)
    assert.deepEqual([...new Set(taken)].sort(), ['http', 'websocket'])
  } finally {
    await gate.stop()
  }
}))

test('socketio: where no WebSocket gets through, long polling carries everything; the upgrade is told', with_socketio, () => with_server(async (server) => {
  const gate = await new Gate(server.port).start()
  try {
    gate.block('upgrade')
    const a = provide(gate.url)
    const b = provide(server.http)
    await synced(a, b)
    assert.deepEqual([a.transport, a.carrier], ['socketio', 'polling'])
    a.awareness.setLocalStateField('user', 'Ada')
    for (let i = 0; i < 20; i += 1) a.text.insert(0, 'a')
    b.text.insert(0, 'b')
    await saved(a, b)
    await equal(a, b)
    await until('presence', () => b.awareness.getStates().get(a.doc.clientID)?.user === 'Ada')
    gate.block()
    gate.cut()
    await until('a WebSocket', () => a.carrier === 'websocket' && a.synced)
    a.text.insert(0, 'over WebSocket ')
    await saved(a)
    await equal(a, b)
  } finally {
    await gate.stop()
  }
}))

test('while nothing can be reached it stays disconnected, and comes back when it can', () => with_server(async (server) => {
  const gate = await new Gate(server.port).start()
  try {
    gate.block('all')
    const a = provide(gate.url)
    const statuses = []
    a.on('status', ({ status }) => statuses.push(status))
    await until('two rounds of attempts', () => gate.seen.filter((transport) => transport === 'http').length >= 2)
    assert.ok(!statuses.includes('connected'))
    assert.ok(statuses.includes('disconnected'))
    a.text.insert(0, 'kept')
    gate.block()
    await saved(a)
    assert.equal((await stored(server)).getText('content').toString(), 'kept')
  } finally {
    await gate.stop()
  }
}))

test('a refused edit is final, is told, and does not come again', () => with_server(async (server) => {
  for (const transport of transports) {
    const a = provide(server.http, { docId: `refused-${transport}`, transports: [transport] })
    await synced(a)
    const refused = []
    a.on('refused', ({ code }) => refused.push(code))
    a.text.insert(0, 'x'.repeat(70_000))
    await until(`a refusal over ${transport}`, () => refused.length === 1)
    assert.deepEqual(refused, ['too-large'])
    assert.deepEqual([a.saved, a.shouldConnect, a.status], [false, false, 'disconnected'])
  }
}, { args: ['--hub.update_bytes_max', '65536', '--net.message_bytes_max', '131072'] }))

test('http: edits that wait together are not refused for their sum', () => with_server(async (server) => {
  const a = provide(server.http, { transports: ['http'] })
  await synced(a)
  for (let i = 0; i < 30; i += 1) a.text.insert(0, `${i} `.repeat(2000))
  await saved(a)
  assert.equal(a.refusal, null)
  assert.equal((await stored(server)).getText('content').length, a.text.length)
}, { args: ['--hub.update_bytes_max', '65536', '--net.message_bytes_max', '131072'] }))

test('http: a server that never answers is given up in time', () => with_server(async (server) => {
  const hang = (url, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const a = provide(server.http, { transports: ['http'], connectTimeout: 100, fetch: hang })
  const reasons = []
  a.on('connection-error', ({ reason }) => reasons.push(reason))
  await until('it says so', () => reasons.length > 0)
  assert.equal(reasons[0], 'no answer in time')
}))

test('a document of megabytes comes whole over every transport', () => with_server(async (server) => {
  const writer = provide(server.http, { transports: [transports[0]] })
  await synced(writer)
  for (let i = 0; i < 20; i += 1) writer.text.insert(0, `${i} `.repeat(20_000))
  await saved(writer)
  for (const transport of transports) {
    const reader = provide(server.http, { transports: [transport] })
    await synced(reader)
    assert.equal(reader.text.length, writer.text.length)
    await reader.destroy()
  }
  assert.ok(fs.existsSync(server.data))
}))
