// Presence over plain HTTP, against the real server: what the link asks for, and what it makes of refusals.

import assert from 'node:assert/strict'
import path from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { Server } from '../../../test/e2e/lib/server.mjs'
import { close_all, provide, saved, synced, until } from './support/clients.mjs'

const weft = path.resolve(process.env.WEFT ?? fileURLToPath(new URL('../../../build/release/weft', import.meta.url)))

/** Providers over HTTP; `shown` decides what becomes of what they show. */
async function with_server(run) {
  const server = await Server.create({ weft })
  await server.start()
  const open = (shown = (send) => send()) => provide(server.http, {
    transports: ['http'],
    fetch: (url, init) => (String(url).includes('/awareness') ? shown(() => fetch(url, init)) : fetch(url, init)),
  })
  try {
    await run(open, server)
  } finally {
    await close_all()
    await server.dispose()
  }
}

const seen = (by, of) => by.awareness.getStates().get(of.doc.clientID)?.at

const refusal = (status, type) => Promise.resolve(new Response(
  JSON.stringify({ type: `urn:weft:problem:${type}`, title: type, status, detail: type }),
  { status, headers: { 'content-type': 'application/problem+json' } }))

test('http: what has been replaced while a request is under way is not shown', () => with_server(async (open) => {
  let go
  const gone = new Promise((resolve) => (go = resolve))
  let requests = 0
  const a = open((send) => {
    requests += 1
    return gone.then(send)
  })
  const b = open()
  await synced(a, b)
  await until('a request under way', () => requests === 1)
  for (let at = 1; at <= 50; at += 1) a.awareness.setLocalStateField('at', at)
  go()
  await until('the last state', () => seen(b, a) === 50)
  assert.equal(requests, 2)
}))

test('http: who may not be seen goes on unseen', () => with_server(async (open) => {
  let requests = 0
  const a = open(() => {
    requests += 1
    return refusal(403, 'forbidden')
  })
  const b = open()
  await synced(a, b)
  a.awareness.setLocalStateField('at', 1)
  b.awareness.setLocalStateField('at', 2)
  await until('the other is seen', () => seen(a, b) === 2)
  a.text.insert(0, 'written')
  await saved(a)
  await until('the edit arrives', () => b.text.toString() === 'written')
  assert.ok(requests > 0)
  assert.equal(seen(b, a), undefined)
  assert.deepEqual([a.status, a.transport], ['connected', 'http'])
}))

test('http: presence that cannot be taken now is shown again, in its latest state', () => with_server(async (open) => {
  let requests = 0
  const a = open((send) => {
    requests += 1
    return requests <= 2 ? refusal(503, 'unavailable') : send()
  })
  const b = open()
  await synced(a, b)
  a.awareness.setLocalStateField('at', 1)
  await until('it is seen', () => seen(b, a) === 1)
  assert.ok(requests > 2)
}))

test('http: a stream that ends takes the presence along, and the next one brings it back', () => with_server(async (open, server) => {
  const [a, b] = [open(), open()]
  await synced(a, b)
  a.awareness.setLocalStateField('at', 1)
  await until('it is seen', () => seen(b, a) === 1)
  await server.stop('SIGKILL')
  await until('nobody is known', () => seen(b, a) === undefined)
  await server.start()
  await until('it is seen again', () => seen(b, a) === 1)
}))
