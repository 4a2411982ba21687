// What a client learns that goes beyond a limit, and what happens to an edit whose author is gone.

import * as Y from 'yjs'
import { Client } from '../lib/client.mjs'
import { assert, until } from '../lib/wait.mjs'
import { fetch_document } from './http.mjs'

/** A stock client whose message is too large is told so once; it does not come back for ever. */
export async function an_oversized_message_is_final(context) {
  const server = await context.server({ args: ['--net.message_bytes_max', '100000'] })
  await server.start()
  const other = new Client(server, 'limits/doc')
  const client = new Client(server, 'limits/doc')
  try {
    await client.until_synced()
    await other.until_synced()
    client.text.insert(0, 'x'.repeat(200_000))
    await until('the client is told', () => client.closes.length > 0)
    assert(client.closes[0] === 4413, `it was closed with ${client.closes}`)
    await until('the client gives up', () => !client.provider.shouldConnect)
    other.text.insert(0, 'small')
    await until('another client goes on', async () =>
      (await fetch_document(server, 'limits', 'doc')).getText('content').toString() === 'small')
    assert(client.closes.length === 1 && other.closes.length === 0, `closes: ${client.closes} and ${other.closes}`)
    return 'closed with 4413, once'
  } finally {
    client.destroy()
    other.destroy()
  }
}

/** An edit that a page sends in its last moment (a quick refresh) is kept. */
export async function a_quick_refresh_loses_nothing(context) {
  const server = await context.server()
  await server.start()
  const refreshes = 60
  for (let i = 0; i < refreshes; i++) {
    const client = new Client(server, 'refresh/doc')
    await client.until_synced()
    client.doc.getArray('tokens').push([i])
    client.destroy()
  }
  await until(`all ${refreshes} edits are there`, async () => {
    const doc = await fetch_document(server, 'refresh', 'doc')
    return doc.getArray('tokens').length === refreshes
  })
  await server.restart('SIGKILL')
  const doc = await fetch_document(server, 'refresh', 'doc')
  const tokens = new Set(doc.getArray('tokens').toJSON())
  assert(tokens.size === refreshes, `${tokens.size} of ${refreshes} edits are there after a crash`)
  return `${refreshes} edits by clients that left at once`
}
