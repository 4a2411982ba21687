// One document, edited at the same time by clients of every kind, over a crash of the server.

import fs from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import * as Y from 'yjs'
import { Client } from '../lib/client.mjs'
import { content_of, joined, random_edit, sorted } from '../lib/edits.mjs'
import { Peer } from '../lib/peer.mjs'
import { Random } from '../lib/random.mjs'
import { assert, until } from '../lib/wait.mjs'
import { YSocketIoClient } from '../lib/y_socket_io.mjs'
import { fetch_document } from './http.mjs'

const room = 'team'
const doc = 'everybody'
const provider = new URL('../../../clients/js/dist/index.js', import.meta.url)

/** A client of this process, with a peer's face. */
class LocalPeer {
  constructor(client, seed) {
    this.random = new Random(seed)
    this.client = client
  }

  async edit(count) {
    for (let i = 0; i < count; i += 1) random_edit(this.random, this.client)
    const { clientID, store } = this.client.doc
    return { client: clientID, clock: Y.getState(store, clientID) }
  }

  async present(name) {
    this.client.awareness.setLocalStateField('user', { name })
  }

  async report() {
    const { awareness, synced, doc } = this.client
    const people = [...awareness.getStates().values()].map(({ user }) => user?.name).filter(Boolean)
    return { synced, people, content: content_of(Y, doc) }
  }

  async close() {
    this.client.destroy()
  }
}

/** What each kind is, and what it must say of its connection. */
const kinds = {
  'y-websocket': { open: ({ server, seed }) => new LocalPeer(new Client(server, `${room}/${doc}`), seed) },
  'y-socket.io': { open: ({ server, seed }) => new LocalPeer(new YSocketIoClient(server, `${room}/${doc}`), seed) },
  'Socket.IO by WebSocket': { provider: 'socketio-websocket', connection: { transport: 'socketio', carrier: 'websocket' } },
  // Between two polls only a heartbeat tells that a client is gone: this one says good-bye.
  'Socket.IO by polling': { provider: 'socketio-polling', connection: { transport: 'socketio', carrier: 'polling' }, polite: true },
  'weft-provider by WebSocket': { provider: 'websocket', connection: { transport: 'websocket' } },
  HTTP: { provider: 'http', connection: { transport: 'http' } },
  pycrdt: { open: ({ context, server, seed }) => Peer.pycrdt(context.python, server, room, doc, seed) },
}

/** Why not all kinds can be had here, or nothing. */
export function missing_kinds(context) {
  if (!context.python) return 'no Python with pycrdt: ./dev setup test'
  if (!fs.existsSync(provider)) return 'weft-provider is not built: ./dev build'
  return undefined
}

/** A client of each kind of one document, on these servers in turn. */
export function open_all(context, ...servers) {
  return Object.entries(kinds).map(([name, kind], i) => {
    const server = servers[i % servers.length]
    const seed = context.random.u32()
    const peer = kind.provider ? Peer.provider(server, room, doc, kind.provider, seed) : kind.open({ context, server, seed })
    return { name, kind, peer }
  })
}

const reports = (peers) => Promise.all(peers.map(({ peer }) => peer.report()))

/** Waits until `holds` of every peer's report, and says of which it did not. */
async function all(peers, what, holds) {
  let missing = []
  await until(() => `${what}; not of ${missing.join(', ')}`, async () => {
    const said = await reports(peers)
    missing = peers.flatMap(({ name }, i) => (holds(said[i], peers[i]) ? [] : [`${name}: ${JSON.stringify(said[i]).slice(0, 600)}`]))
    return missing.length === 0
  })
}

export const connected = (peers) =>
  all(peers, 'synced', (said, { kind }) => said.synced && Object.entries(kind.connection ?? {}).every(([key, value]) => said[key] === value))

/** What must be equal. */
const as_data = ({ pending, ...content }) => sorted({ ...content, text: joined(content.text) })

/** Waits until all show the same, and gives it. */
export async function equal(peers) {
  let said
  await until(
    () => `equal replicas: ${peers.map(({ name }, i) => `\n  ${name}: ${JSON.stringify(said?.[i])?.slice(0, 1500)}`).join('')}`,
    async () => {
      said = await reports(peers)
      const contents = said.map(({ content }) => as_data(content))
      return said.every(({ synced, saved, content }) => synced && saved !== false && !content.pending) &&
        contents.every((content) => isDeepStrictEqual(content, contents[0]))
    },
    60_000
  )
  return as_data(said[0].content)
}

/** Rounds of edits by all at once; after each paced one, somebody must have seen what another wrote. */
export async function edit(context, peers, rounds, paced = true) {
  const { random } = context
  let edits = 0
  for (let round = 0; round < rounds; round += 1) {
    const counts = peers.map(() => 1 + random.below(4))
    const [writer, reader] = [random.pick(peers), random.pick(peers)]
    const ends = await Promise.all(peers.map(({ peer }, i) => peer.edit(counts[i])))
    edits += counts.reduce((sum, count) => sum + count)
    if (!paced) continue
    const { client, clock } = ends[peers.indexOf(writer)]
    await until(`${reader.name} sees an edit of ${writer.name}`, async () => {
      const { content } = await reader.peer.report()
      return clock === 0 || content.vector.some(([id, end]) => id === client && end >= clock)
    })
  }
  return edits
}

/** Everybody says who they are, and sees all the others. */
async function see_one_another(peers, when) {
  const names = peers.map(({ name }) => `${name} ${when}`)
  await Promise.all(peers.map(({ peer }, i) => peer.present(names[i])))
  await all(peers, `everybody sees ${names}`, ({ people }) => names.every((name) => people.includes(name)))
  return names
}

/** Clients that come back after a refusal would hide it. */
async function none_was_refused(server) {
  const refused = await server.metric('weft_edits_refused_total')
  assert(refused === 0, `${refused} edits were refused`)
}

export async function clients_of_every_kind(context) {
  const missing = missing_kinds(context)
  if (missing) return context.skip(missing)
  const server = await context.server()
  await server.start()
  const peers = open_all(context, server)
  const newcomers = []
  try {
    await connected(peers)
    let edits = await edit(context, peers, 15)
    await see_one_another(peers, 'before')
    await equal(peers)
    await none_was_refused(server)

    // Edits are under way when the server dies, and go on while it is away.
    const load = edit(context, peers, 10, false)
    await server.stop('SIGKILL')
    edits += await load
    await server.start()
    await connected(peers)
    edits += await edit(context, peers, 15)
    const names = await see_one_another(peers, 'again')
    const state = await equal(peers)

    newcomers.push(...open_all(context, server))
    await connected(newcomers)
    assert(isDeepStrictEqual(await equal(newcomers), state), 'newcomers see something else')
    const own = await see_one_another(newcomers, 'new')
    await all(newcomers, 'newcomers see who was there', ({ people }) => names.every((name) => people.includes(name)))
    // Others go without a word, and those who stay are told all the same.
    await Promise.all(newcomers.map(({ kind, peer }) => (kind.polite ? peer.leave() : peer.close())))
    await all(peers, 'nobody sees who has gone', ({ people }) => !own.some((name) => people.includes(name)))

    const stored = as_data(content_of(Y, await fetch_document(server, room, doc)))
    assert(isDeepStrictEqual(stored, state), 'the server says over HTTP something else than what its clients show')
    await none_was_refused(server)
    return `${peers.length} kinds of clients, ${edits} edits, a kill -9, as many newcomers`
  } finally {
    await Promise.all([...peers, ...newcomers].map(({ peer }) => peer.close()))
  }
}
