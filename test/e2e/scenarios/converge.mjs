// Many stock clients with random edits, joins, leaves and offline periods end equal, and so does a
// newcomer after an orderly restart and after kill -9.

import { Client, converged, newcomer_sees } from '../lib/client.mjs'
import { random_edit } from '../lib/edits.mjs'
import { assert, until } from '../lib/wait.mjs'

/** A document has two addresses, /<name> and /ws/<room>/<doc>; a name without a slash only the first. */
function join(context, server, name, id) {
  const root = name.includes('/') && context.random.chance(0.5) ? '/ws' : ''
  return new Client(server, name, { root, client_id: id })
}

/** Rounds of edits; after each, one client must have seen what another wrote: that paces the load. */
async function edit(context, server, name, clients, rounds, counts) {
  const { random } = context
  let next_id = 1 + (random.u32() & 0xfffff00)
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < clients.length; i++) {
      const client = clients[i]
      for (let n = random.below(3); n >= 0; n--) {
        random_edit(random, client)
        counts.edits += 1
      }
      const dice = random.below(20)
      if (dice === 0 && client.online) {
        client.provider.disconnect()
        counts.offline += 1
      } else if (dice <= 4 && !client.online) {
        client.provider.connect()
      } else if (dice === 5 && client.synced) {
        client.destroy()
        clients[i] = join(context, server, name, next_id++)
        counts.leaves += 1
      }
    }
    const online = clients.filter((client) => client.online)
    if (online.length >= 2) {
      const writer = random.pick(online)
      const reader = random.pick(online.filter((client) => client !== writer))
      await until(`${name}: an edit of one client is seen by another`, () => reader.has_seen(writer), 30_000)
    }
  }
  for (const client of clients) if (!client.online) client.provider.connect()
}

async function scenario(context, names, clients_per_document, rounds) {
  const server = await context.server()
  await server.start()
  const counts = { edits: 0, offline: 0, leaves: 0 }
  const documents = names.map((name) => ({ name, clients: [], state: '' }))
  let restarts = 0
  try {
    for (const signal of ['SIGTERM', 'SIGKILL']) {
      await Promise.all(documents.map(async (document) => {
        for (let i = 0; i < clients_per_document; i++) document.clients.push(join(context, server, document.name))
        await edit(context, server, document.name, document.clients, rounds, counts)
        document.state = await converged(document.clients)
        await newcomer_sees(server, document.name, document.state, { root: '' })
        // Gone before the restart, so that what comes back comes from the server's disk.
        for (const client of document.clients.splice(0)) client.destroy()
      }))
      const ended = await server.restart(signal)
      if (signal === 'SIGTERM') assert(ended.code === 0, `exit code after SIGTERM is ${ended.code} (${ended.signal})`)
      restarts += 1
      for (const { name, state } of documents) await newcomer_sees(server, name, state, { root: '' })
    }
  } finally {
    for (const { clients } of documents) for (const client of clients) client.destroy()
  }
  return `${names.length} documents x ${clients_per_document} clients, ${counts.edits} edits, ` +
    `${counts.offline} offline periods, ${counts.leaves} leaves, ${restarts} restarts`
}

export const one_document = (context) => scenario(context, ['team/one'], 30, 30)

export const many_documents = (context) =>
  scenario(context, ['plain', 'team/ö ü', ...Array.from({ length: 8 }, (_, i) => `team/many-${i}`)], 3, 40)
