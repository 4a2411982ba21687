// What `saved` means over y-websocket, against a server that takes edits before it commits them.

import assert from 'node:assert/strict'
import test from 'node:test'
import * as Y from 'yjs'
import { close_all, provide, saved, synced, until } from './support/clients.mjs'
import { HeldWebSocketServer } from './support/held_websocket_server.mjs'

async function with_server(run) {
  const server = await new HeldWebSocketServer().start()
  try {
    await run(server, (options) => provide(server.url, { transports: ['websocket'], ...options }))
  } finally {
    await close_all()
    await server.stop()
  }
}

/** The server has taken the edit and was asked for it in vain. */
async function asked_in_vain(server, provider) {
  await until('the edit was taken', () => Y.getState(server.held.store, provider.doc.clientID) === Y.getState(provider.doc.store, provider.doc.clientID))
  const { answers } = server
  await until('two more answers without it', () => server.answers >= answers + 2)
}

test('insertions and deletions are saved only once an answer holds them', () => with_server(async (server, open) => {
  const a = open()
  await synced(a)
  server.holds = true
  a.text.insert(0, 'abc')
  await asked_in_vain(server, a)
  assert.deepEqual([a.saved, a.pending], [false, 1])
  server.commit()
  await saved(a)
  a.text.delete(1, 1)
  const { answers } = server
  await until('answers without the deletion', () => server.answers >= answers + 2)
  assert.equal(a.saved, false)
  server.commit()
  await saved(a)
  const done = server.answers
  a.awareness.setLocalStateField('x', 1)
  assert.equal(server.answers, done, 'who has saved everything asks no more')
}))

test('a new connection whose server says that it knows the edit does not make it saved', () => with_server(async (server, open) => {
  const a = open()
  await synced(a)
  server.holds = true
  a.text.insert(0, 'abc')
  await asked_in_vain(server, a)
  a.disconnect()
  a.connect()
  await synced(a)
  await asked_in_vain(server, a)
  assert.equal(a.saved, false)
  server.crash()
  server.holds = false
  await saved(a)
  assert.equal(server.committed.getText('content').toString(), 'abc')
}))

test('a document that was edited elsewhere before it was connected is proven too', () => with_server(async (server, open) => {
  const doc = new Y.Doc()
  doc.getText('content').insert(0, 'written offline')
  doc.getText('content').delete(0, 8)
  server.holds = true
  const a = open({ doc })
  await until('loaded', () => a.pending > 0)
  await synced(a)
  await asked_in_vain(server, a)
  assert.equal(a.saved, false)
  server.commit()
  await saved(a)
}))

test('asking costs what is unproven, not the document', () => with_server(async (server, open) => {
  const a = open()
  await synced(a)
  a.text.insert(0, 'x'.repeat(200_000))
  await saved(a)
  server.answer_bytes = 0
  server.answers = 0
  for (let i = 0; i < 20; i += 1) a.text.insert(a.text.length, 'y')
  await saved(a)
  assert.ok(server.answers >= 1 && server.answer_bytes < 2000, `${server.answers} answers, ${server.answer_bytes} bytes`)
}))

test('a server that does not speak the protocol is left', () => with_server(async (server, open) => {
  server.server.on('connection', (socket) => socket.send(new Uint8Array([99])))
  const a = open()
  const errors = []
  a.on('connection-close', ({ reason }) => errors.push(reason))
  await until('it says why', () => errors.some((reason) => reason.includes('unknown type 99')))
}))
