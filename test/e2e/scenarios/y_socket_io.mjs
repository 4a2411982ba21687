// Stock y-socket.io clients, by WebSocket and by polling, beside y-websocket's.

import * as Y from 'yjs'
import { Client, converged } from '../lib/client.mjs'
import { random_edit } from '../lib/edits.mjs'
import { assert, until } from '../lib/wait.mjs'
import { YSocketIoClient } from '../lib/y_socket_io.mjs'
import { fetch_document } from './http.mjs'

const people = (client) => [...client.awareness.getStates().values()].map(({ user }) => user?.name)

/** Rounds of edits by all; after each paced one, somebody must have seen what another wrote. */
async function edit(random, clients, rounds, paced = true) {
  for (let round = 0; round < rounds; round += 1) {
    for (const client of clients) for (let n = random.below(3); n >= 0; n -= 1) random_edit(random, client)
    const [writer, reader] = [random.pick(clients), random.pick(clients)]
    if (paced) await until('an edit of one client is seen by another', () => reader.has_seen(writer))
    else await new Promise(setImmediate)
  }
}

export async function y_socket_io_provider(context) {
  const { random } = context
  const server = await context.server()
  await server.start()
  const name = 'team/y-socket.io 😀'
  const by_websocket = new YSocketIoClient(server, name, { transports: ['websocket'] })
  const by_polling = new YSocketIoClient(server, name, { transports: ['polling'] })
  const upgraded = new YSocketIoClient(server, name, { transports: ['polling', 'websocket'] })
  const stock = new Client(server, name)
  const clients = [by_websocket, by_polling, upgraded, stock]
  let others = []
  try {
    await Promise.all(clients.map((client) => client.until_synced()))
    await edit(random, clients, 20)
    await converged(clients)
    assert(by_polling.carrier === 'polling', `polling became ${by_polling.carrier}`)
    await until('a connection goes from polling to WebSocket', () => upgraded.carrier === 'websocket')

    // Presence, both ways between the protocols.
    const names = clients.map((client, i) => {
      client.awareness.setLocalStateField('user', { name: `person ${i}` })
      return `person ${i}`
    })
    const all_seen = () => clients.every((client) => names.every((one) => people(client).includes(one)))
    await until(() => `everybody sees everybody: ${clients.map((client) => people(client)).join(' | ')}`, all_seen)

    // One that loses its connection forgets the others, and says so when it is back: they stay.
    const gone = []
    stock.awareness.on('change', ({ removed }) => gone.push(...removed))
    by_websocket.provider.socket.io.engine.close()
    await until('it is back', () => by_websocket.disconnects.length === 1 && by_websocket.synced)
    by_websocket.awareness.setLocalStateField('user', { name: 'back' })
    await until('its presence is new', () => people(stock).includes('back'))
    const lost = gone.filter((id) => id !== by_websocket.doc.clientID)
    assert(lost.length === 0, `${lost.length} others were withdrawn by one that came back`)

    // When a client calls itself synced, it has everything.
    const state = await converged(clients)
    const newcomer = new YSocketIoClient(server, name)
    others = [newcomer]
    let first
    newcomer.provider.on('synced', (synced) => { if (synced) first ??= newcomer.state() })
    await newcomer.until_synced()
    assert(first === state, 'a newcomer calls itself synced before it has everything')

    // Edits are under way when the server dies, and go on while it is away.
    const load = edit(random, clients, 10, false)
    await server.stop('SIGKILL')
    await load
    await edit(random, clients, 3, false)
    await server.start()
    await until('all are back', () => clients.every((client) => client.synced))
    await edit(random, clients, 5)
    const end = await converged(clients)
    await until('and so is the newcomer', () => newcomer.state() === end)
    const stored = await fetch_document(server, 'team', 'y-socket.io 😀')
    assert(stored.getText('content').toString() === stock.text.toString(), 'the server holds another text')

    // A name without a room is y-websocket's.
    const [short, plain] = [new YSocketIoClient(server, 'short'), new Client(server, 'short')]
    others.push(short, plain)
    await Promise.all([short.until_synced(), plain.until_synced()])
    short.text.insert(0, 'same')
    await converged([short, plain])

    // What is refused is told; the client stays away.
    const nameless = new YSocketIoClient(server, 'team/')
    others.push(nameless)
    await until('a name that is none', () => nameless.refusals.length === 1)
    assert(nameless.refusals[0].data?.code === 'bad-metadata', `refused with ${JSON.stringify(nameless.refusals[0].data)}`)
    short.provider.socket.emit('sync-update', Buffer.from('no update'))
    short.text.insert(0, 'never ')
    await until('it is sent away', () => short.disconnects.length === 1)
    assert(short.errors[0]?.code === 'invalid-update', `told ${JSON.stringify(short.errors)}`)
    assert(short.disconnects[0] === 'io server disconnect' && !short.provider.socket.active, `ended by ${short.disconnects[0]}`)
    assert(plain.text.toString() === 'same', 'what followed a refused edit was taken')
    // Until the application says so; then it brings what was not taken.
    short.provider.connect()
    await converged([short, plain])
    assert(plain.text.toString() === 'never same', `the text is ${plain.text}`)

    const vector = Y.decodeStateVector(Y.encodeStateVector(stock.doc))
    return `3 y-socket.io clients and one of y-websocket, ${[...vector.values()].reduce((sum, clock) => sum + clock, 0)} operations, a kill -9`
  } finally {
    for (const client of [...clients, ...others]) client.destroy()
  }
}
