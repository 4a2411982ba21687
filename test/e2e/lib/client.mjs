// Stock y-websocket clients with seeded random edits.

import WebSocket from 'ws'
import * as Y from 'yjs'
import { WebsocketProvider } from 'y-websocket'
import { until } from './wait.mjs'

/** The WebSocket of ws with options of its own, for clients that pass none. */
export function websocket_class(options) {
  return class extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols, options)
    }
  }
}

export class Client {
  /** `name` is what y-websocket calls a room name, e.g. `room/doc`; `root` is '' or '/ws'. */
  constructor(server, name, { root = '/ws', client_id, connect = true, ws = {} } = {}) {
    this.doc = new Y.Doc()
    if (client_id !== undefined) this.doc.clientID = client_id
    this.closes = []
    this.provider = new WebsocketProvider(server.ws + root, name, this.doc, {
      WebSocketPolyfill: websocket_class({ perMessageDeflate: false, ca: server.tls?.ca, ...ws }),
      disableBc: true,
      maxBackoffTime: 400,
      connect,
    })
    this.provider.on('connection-close', (event) => this.closes.push(event?.code ?? null))
    this.provider.on('connection-error', () => {})
    this.text = this.doc.getText('content')
    this.map = this.doc.getMap('map')
    this.array = this.doc.getArray('array')
  }

  get online() {
    return this.provider.shouldConnect
  }

  get synced() {
    return this.provider.synced
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

  until_synced() {
    return until(`sync of ${this.provider.url}`, () => this.provider.synced)
  }

  destroy() {
    this.provider.destroy()
    this.doc.destroy()
  }
}

function sorted(value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]))
}

const words = ['weft ', 'warp ', 'loom ', 'ä', '😀', '\n', 'x', 'shuttle ', '日本']

/** The place at or before `index` that is not inside a surrogate pair: editors never cut one, and
 * replicas of Yjs itself differ in the halves when somebody does. */
function boundary(text, index) {
  const code = text.toString().charCodeAt(index)
  return code >= 0xdc00 && code <= 0xdfff ? index - 1 : index
}

/** A short random range of whole characters: [from, length], or null in a short text. */
function range(random, text) {
  if (text.length < 4) return null
  const from = boundary(text, random.below(text.length - 3))
  const end = boundary(text, from + 2 + random.below(2))
  return [from, end - from]
}

/** One random edit of text, map or array; every kind that an editor makes. */
export function random_edit(random, client) {
  const { doc, text, map, array } = client
  doc.transact(() => {
    switch (random.below(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        text.insert(boundary(text, random.below(text.length + 1)), random.pick(words))
        break
      case 4: {
        const part = range(random, text)
        if (part) text.delete(...part)
        break
      }
      case 5: {
        const part = range(random, text)
        if (part) text.format(...part, { bold: random.chance(0.5) ? true : null })
        break
      }
      case 6:
        map.set(`key${random.below(12)}`, { by: doc.clientID, n: random.u32() })
        break
      case 7:
        if (random.chance(0.5)) map.delete(`key${random.below(12)}`)
        else {
          const inner = new Y.Map()
          inner.set('n', random.below(1000))
          map.set(`inner${random.below(4)}`, inner)
        }
        break
      case 8:
        array.insert(random.below(array.length + 1), [random.below(1000), 'item', random.chance(0.5)])
        break
      default:
        if (array.length > 2) array.delete(random.below(array.length - 1), 1)
        else array.push([null])
    }
  })
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
