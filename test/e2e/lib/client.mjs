// Stock y-websocket clients with seeded random edits.

import WebSocket from 'ws'
import * as Y from 'yjs'
import { WebsocketProvider } from 'y-websocket'
import { sorted } from './edits.mjs'
import { until } from './wait.mjs'

/** The WebSocket of ws with options of its own, for clients that pass none. */
export function websocket_class(options) {
  return class extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols, options)
    }
  }
}

/** A Yjs document as the tests edit and compare it. */
export class Replica {
  constructor(client_id) {
    this.doc = new Y.Doc()
    if (client_id !== undefined) this.doc.clientID = client_id
    this.text = this.doc.getText('content')
    this.map = this.doc.getMap('map')
    this.array = this.doc.getArray('array')
  }

  new_map() {
    return new Y.Map()
  }

  /** Everything that makes two replicas equal: the state vector and the typed content. */
  state() {
    return JSON.stringify({
      vector: Buffer.from(Y.encodeStateVector(this.doc)).toString('base64'),
      text: this.text.toDelta(),
      map: sorted(this.map.toJSON()),
      array: this.array.toJSON(),
      tokens: this.doc.getArray('tokens').toJSON(),
      pending: this.doc.store.pendingStructs !== null || this.doc.store.pendingDs !== null,
    })
  }

  /** Has this replica what `other` wrote itself? */
  has_seen(other) {
    const id = other.doc.clientID
    return Y.getState(this.doc.store, id) >= Y.getState(other.doc.store, id)
  }

  get awareness() {
    return this.provider.awareness
  }

  get synced() {
    return this.provider.synced
  }

  until_synced() {
    return until(`sync of ${this.provider.url} ${this.provider.roomName ?? ''}`, () => this.synced)
  }

  destroy() {
    this.provider.destroy()
    this.doc.destroy()
  }
}

export class Client extends Replica {
  /** `name` is what y-websocket calls a room name, e.g. `room/doc`; `root` is '' or '/ws'. */
  constructor(server, name, { root = '/ws', client_id, connect = true, ws = {} } = {}) {
    super(client_id)
    this.closes = []
    this.provider = new WebsocketProvider(server.ws + root, name, this.doc, {
      WebSocketPolyfill: websocket_class({ perMessageDeflate: false, ca: server.tls?.ca, ...ws }),
      disableBc: true,
      maxBackoffTime: 400,
      connect,
    })
    this.provider.on('connection-close', (event) => this.closes.push(event?.code ?? null))
    this.provider.on('connection-error', () => {})
  }

  get online() {
    return this.provider.shouldConnect
  }
}

/** What keeps replicas from being equal, for a failure's message. */
function differences(clients) {
  const states = clients.map((client) => JSON.parse(client.state()))
  const fields = Object.keys(states[0]).map((field) => [field, new Set(states.map((state) => JSON.stringify(state[field])))])
  const differing = fields.filter(([, values]) => values.size > 1)
  return differing.map(([field, values]) => `${field}: ${[...values].map((value) => value.slice(0, 400)).join(' <> ')}`).join('; ')
}

/** Waits until all clients are online, synced and equal; the state they share. */
export async function converged(clients, deadline_ms = 60_000) {
  let common
  await until(
    () => `${clients.length} equal replicas; ${clients.filter((c) => c.synced).length} are synced; ${differences(clients)}`,
    () => {
      if (!clients.every((client) => client.synced)) return false
      common = clients[0].state()
      return clients.every((client) => client.state() === common) && !JSON.parse(common).pending
    },
    deadline_ms
  )
  return common
}

/** A new client must see exactly `state`. */
export async function newcomer_sees(server, name, state, options) {
  const client = new Client(server, name, options)
  try {
    await client.until_synced()
    await until(() => `a newcomer of ${name} sees the same; it has ${client.state().slice(0, 300)}, ` +
      `expected ${state.slice(0, 300)}`, () => client.state() === state, 15_000)
  } finally {
    client.destroy()
  }
}
