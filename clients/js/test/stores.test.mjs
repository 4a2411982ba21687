// Documents that are kept on this machine.

import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'
import * as Y from 'yjs'
import { fileStore } from '../dist/file_store.js'
import { indexedDbStore } from '../dist/indexeddb.js'
import { close_all, provide, saved, synced, until } from './support/clients.mjs'
import { ContractServer } from './support/contract_server.mjs'

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'weft-store-'))
test.after(() => fs.rmSync(directory, { recursive: true, force: true }))

const stores = { 'a file': () => fileStore(directory), IndexedDB: () => indexedDbStore }

for (const [kind, make] of Object.entries(stores)) {
  test(`${kind}: what was edited offline is there after a restart, unsaved, and goes out`, async () => {
    const docId = `notes of ${kind}/ä`
    const server = await new ContractServer().start()
    try {
      const open = (options = {}) => provide(server.url, { docId, transports: ['socketio'], store: make(), ...options })
      let a = open()
      await synced(a)
      a.text.insert(0, 'saved ')
      await saved(a)
      await a.destroy()
      a = open({ connect: false })
      await a.whenLoaded
      assert.deepEqual([a.text.toString(), a.saved, a.pending], ['saved ', true, 0], 'what was proven need not be proven again')
      a.text.insert(6, 'offline')
      a.text.delete(0, 1)
      await a.destroy()
      a = open({ connect: false })
      await a.whenLoaded
      assert.deepEqual([a.text.toString(), a.saved], ['aved offline', false])
      a.connect()
      await saved(a)
      const document = server.document({ roomId: 'room', docId })
      assert.equal(document.doc.getText('content').toString(), 'aved offline')
      assert.ok(server.requests.at(-1).stateVector.length > 1, 'only what is lacking was asked for')
    } finally {
      await close_all()
      await server.stop()
    }
  })
}

test('a store that fails is told, and the document works without it', async () => {
  const server = await new ContractServer().start()
  try {
    const broken = { open: () => ({ whenSynced: Promise.reject(new Error('no disk')), get: async () => undefined, set: async () => {}, destroy: async () => {} }) }
    const a = provide(server.url, { transports: ['socketio'], store: broken })
    const errors = []
    a.on('store-error', ({ message }) => errors.push(message))
    a.text.insert(0, 'x')
    await saved(a)
    assert.deepEqual(errors, ['no disk'])
  } finally {
    await close_all()
    await server.stop()
  }
})

test('a file whose end was torn loses the torn update only; many updates become one', async () => {
  const store = fileStore(directory)
  const file = path.join(directory, 'torn.yjs')
  let doc = new Y.Doc()
  let stored = store.open('torn', doc)
  await stored.whenSynced
  for (let i = 0; i < 600; i += 1) doc.getText('content').insert(i, String(i % 10))
  await stored.destroy()
  const size = fs.statSync(file).size
  fs.truncateSync(file, size - 2)
  doc = new Y.Doc()
  stored = store.open('torn', doc)
  await stored.whenSynced
  assert.equal(doc.getText('content').length, 599)
  assert.ok(fs.statSync(file).size < size / 4)
  doc.getText('content').insert(0, '!')
  await stored.destroy()
  doc = new Y.Doc()
  stored = store.open('torn', doc)
  await stored.whenSynced
  assert.equal(doc.getText('content').toString().slice(0, 3), '!01')
  await stored.destroy()
})

test('what was edited before the file was read is in it', async () => {
  const store = fileStore(directory)
  let doc = new Y.Doc()
  let stored = store.open('early', doc)
  doc.getText('content').insert(0, 'early')
  await stored.whenSynced
  await stored.destroy()
  doc = new Y.Doc()
  stored = store.open('early', doc)
  await until('loaded', () => doc.getText('content').toString() === 'early')
  await stored.destroy()
})
