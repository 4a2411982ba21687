// The provider over Socket.IO, against a server in memory that keeps to the contract.

import assert from 'node:assert/strict'
import test from 'node:test'
import * as Y from 'yjs'
import { Connection } from '../dist/index.js'
import { close_all, equal, provide, saved, shows, synced, until } from './support/clients.mjs'
import { ContractServer } from './support/contract_server.mjs'

const name = { roomId: 'room', docId: 'doc' }

async function with_server(run) {
  const server = await new ContractServer().start()
  const open = (options) => provide(server.url, { transports: ['socketio'], ...options })
  try {
    await run(server, open)
  } finally {
    await close_all()
    await server.stop()
  }
}

test('two providers converge, versions rise, presence is seen and withdrawn', () => with_server(async (_server, open) => {
  const [a, b] = [open(), open()]
  await synced(a, b)
  a.awareness.setLocalStateField('user', 'Ada')
  a.text.insert(0, 'hello ')
  b.text.insert(0, 'world ')
  await equal(a, b)
  await saved(a, b)
  await until('presence', () => b.awareness.getStates().get(a.doc.clientID)?.user === 'Ada')
  a.text.delete(0, 3)
  await equal(a, b)
  await saved(a, b)
  assert.deepEqual([a.early, b.early], [[], []])
  await until('the last version', () => a.version === 2 && b.version === 2)
  assert.equal(a.transport, 'socketio')
  await a.destroy()
  await until('gone', () => !b.awareness.getStates().has(a.doc.clientID))
}))

test('an edit is saved when it is acknowledged and not before', () => with_server(async (server, open) => {
  const a = open()
  const said = []
  a.on('saved', (value) => said.push(value))
  await synced(a)
  assert.equal(a.saved, true)
  server.hold()
  a.text.insert(0, 'one')
  a.text.insert(3, 'two')
  await until('both have come', () => server.held.length === 2)
  assert.deepEqual([a.pending, a.saved, a.version], [2, false, null])
  server.release()
  await saved(a)
  assert.deepEqual(said, [false, true])
  assert.equal(a.version, 1)
}))

test('edits that were not acknowledged are sent again after a crash, and nothing is appended twice', () => with_server(async (server, open) => {
  const a = open()
  await synced(a)
  a.text.insert(0, 'kept ')
  await saved(a)
  for (const landed of [false, true]) {
    server.hold()
    a.text.insert(a.text.length, landed ? 'landed ' : 'lost ')
    await until('it has come', () => server.held.length === 1)
    await server.crash({ landed })
    await saved(a)
  }
  assert.equal(server.document(name).doc.getText('content').toString(), 'kept lost landed ')
  assert.equal(server.document(name).log.length, 3)
  assert.deepEqual(a.early, [])
}))

test('edits made offline, deletions among them, go out once the server is back', () => with_server(async (server, open) => {
  const [a, b] = [open(), open()]
  await synced(a, b)
  a.text.insert(0, 'abcdef')
  await shows(b, 'abcdef')
  a.disconnect()
  assert.equal(a.status, 'disconnected')
  a.text.delete(1, 2)
  a.text.insert(0, '>')
  b.text.insert(6, '<')
  assert.deepEqual([a.pending, a.saved], [2, false])
  a.connect()
  await shows(b, '>adef<')
  await equal(a, b)
  await saved(a, b)
  assert.equal(server.document(name).log.length, 3, 'one answer for all that the server lacked')
}))

test('a server that was set back gets everything again, deletions too, and is not trusted meanwhile', () => with_server(async (server, open) => {
  const a = open()
  await synced(a)
  a.text.insert(0, 'abcdef')
  await saved(a)
  const before = Y.encodeStateAsUpdate(server.document(name).doc)
  a.text.delete(2, 2)
  await saved(a)
  a.disconnect()
  server.set_back('00000000000000bb', [[name, before]]) // without the deletion
  server.hold()
  a.connect()
  await synced(a)
  await until('the server gets it', () => server.held.length > 0)
  assert.equal(a.saved, false)
  server.release()
  await saved(a)
  assert.equal(server.document(name).doc.getText('content').toString(), 'abef')
  assert.equal(a.log, '00000000000000bb')
}))

test('several documents share one socket, and leave it one by one', () => with_server(async (server) => {
  const connection = new Connection(server.url, { transports: ['socketio'], senderId: 'ada' })
  const documents = ['one', 'two', 'three'].map((docId) => provide(connection, { docId }))
  await synced(...documents)
  documents.forEach((provider, index) => provider.text.insert(0, String(index)))
  await saved(...documents)
  assert.equal(server.sockets_opened, 1)
  assert.deepEqual(server.handshakes[0], { senderId: 'ada' }, 'a shared socket is bound to no document')
  await documents[0].destroy()
  await until('one has left', () => server.document({ ...name, docId: 'one' }).sockets.size === 0)
  documents[1].text.insert(0, 'on')
  await saved(documents[1])
  const again = provide(connection, { docId: 'two' })
  const reasons = []
  again.on('connection-error', ({ reason }) => reasons.push(reason))
  await until('the second of one document is refused', () => reasons.length > 0)
  assert.match(reasons[0], /open already/)
}))

test('subdocuments have providers of their own over the same socket', () => with_server(async (server, open) => {
  const a = open()
  await synced(a)
  const part = new Y.Doc()
  a.doc.getMap('parts').set('first', part)
  part.load()
  part.getText('content').insert(0, 'inside')
  await until('a provider', () => a.subdocs.get(part.guid)?.saved && a.subdocs.get(part.guid).synced)
  await saved(a)
  assert.equal(server.sockets_opened, 1)
  assert.equal(server.document({ ...name, subdocId: part.guid }).doc.getText('content').toString(), 'inside')
  const b = open()
  await synced(b)
  const same = b.doc.getMap('parts').get('first')
  same.load()
  await until('the content', () => same.getText('content').toString() === 'inside')
  a.doc.getMap('parts').delete('first')
  await until('its provider is gone', () => a.subdocs.size === 0)
}))

test('control messages go to the others; a permission makes it read-only and lets it write again', () => with_server(async (server, open) => {
  const [a, b] = [open(), open()]
  await synced(a, b)
  const heard = []
  b.on('control', (message) => heard.push(message))
  assert.equal(a.sendControl({ type: 'ring', times: 2 }), true)
  await until('the control message', () => heard.length === 1)
  assert.deepEqual(heard[0], { type: 'ring', times: 2 })
  assert.throws(() => a.sendControl({ type: 'x'.repeat(70_000) }), RangeError)
  const permissions = []
  a.on('permission', ({ write }) => permissions.push(write))
  server.control(name, { type: 'permission', write: false })
  await until('read-only', () => a.readOnly)
  const before = server.envelopes.length
  a.text.insert(0, 'kept here')
  b.text.insert(0, 'others go on') // b was told the same, but the server decides
  server.control(name, { type: 'permission', write: true })
  await until('writable', () => !a.readOnly)
  await saved(a, b)
  await equal(a, b)
  assert.deepEqual(permissions, [false, true])
  assert.ok(server.envelopes.length > before)
}))

test('a refusal for good ends writing and is not repeated; the reason is told', () => with_server(async (server, open) => {
  const a = open()
  await synced(a)
  const refused = []
  a.on('refused', ({ code }) => refused.push(code))
  server.refuse = () => 'too-large'
  a.text.insert(0, 'too much')
  await until('a refusal', () => refused.length === 1)
  assert.deepEqual([a.status, a.shouldConnect, a.saved, a.refusal.code], ['disconnected', false, false, 'too-large'])
  const requests = server.requests.length
  server.refuse = () => null
  a.connect()
  await saved(a)
  assert.equal(server.requests.length, requests + 1)
  assert.equal(a.refusal, null)
}))

test('a passing refusal is tried again by itself', () => with_server(async (server, open) => {
  const a = open()
  await synced(a)
  let times = 2
  server.refuse = (metadata) => (metadata.channel === 'doc' && times-- > 0 ? 'unavailable' : null)
  a.text.insert(0, 'patience')
  await saved(a)
  assert.equal(server.document(name).doc.getText('content').toString(), 'patience')
  assert.equal(a.refusal, null)
}))

test('who may not write goes on reading; a new token lets it write', () => with_server(async (server, open) => {
  let asked = 0
  const writers = new Set(['reader-2'])
  const reader = open({ token: () => `reader-${++asked}` })
  await synced(reader)
  assert.equal(server.handshakes[0].token, 'reader-1')
  server.refuse = ({ senderId }) => (senderId === String(reader.doc.clientID) && !server.tokens.some((token) => writers.has(token)) ? 'forbidden' : null)
  reader.text.insert(0, 'mine ')
  await until('read-only', () => reader.readOnly)
  const writer = open()
  await synced(writer)
  writer.text.insert(0, 'yours ')
  await until('it still reads', () => reader.text.toString().includes('yours'))
  assert.equal(reader.saved, false)
  const answers = []
  reader.on('authorize', (refusal) => answers.push(refusal))
  await reader.authorize()
  await saved(reader)
  await equal(reader, writer)
  assert.deepEqual(answers, [null])
  assert.equal(reader.readOnly, false)
  await reader.authorize('bad')
  assert.equal(answers[1].code, 'forbidden')
}))

test('a handshake that is refused is final and says why', () => with_server(async (server, open) => {
  const a = open({ token: 'bad' })
  await until('a refusal', () => a.refusal?.code === 'forbidden')
  assert.equal(a.shouldConnect, false)
  assert.equal(server.handshakes.length, 1)
  assert.deepEqual(server.handshakes[0], { roomId: 'room', docId: 'doc', token: 'bad' })
}))

test('envelopes say who, where, which version and when', () => with_server(async (server, open) => {
  const a = open({ senderId: 'ada' })
  await synced(a)
  a.text.insert(0, 'x')
  await saved(a)
  a.text.insert(0, 'y')
  await saved(a)
  const [first, second] = server.envelopes.filter(({ channel }) => channel === 'doc')
  const { timestamp, ...rest } = first
  assert.deepEqual(rest, { ...name, channel: 'doc', senderId: 'ada' })
  assert.ok(Math.abs(timestamp - Date.now()) < 60_000)
  assert.equal(second.version, 0)
}))
