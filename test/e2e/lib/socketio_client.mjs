// A Yjs document over Weft's Socket.IO interface, by the stock socket.io-client: only what
// docs/protocols.md says, without a provider in between.

import { io } from 'socket.io-client'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as awareness_protocol from 'y-protocols/awareness'
import * as sync_protocol from 'y-protocols/sync'
import * as Y from 'yjs'
import { until } from './wait.mjs'

/** The envelope of a payload; `more` goes into its metadata. */
export function envelope(room, doc, payload, more = {}) {
  const metadata = Buffer.from(JSON.stringify({ roomId: room, docId: doc, channel: 'doc', ...more }))
  const length = Buffer.alloc(2)
  length.writeUInt16LE(metadata.length)
  return Buffer.concat([length, metadata, payload])
}

export function update_message(update) {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, 0)
  sync_protocol.writeUpdate(encoder, update)
  return encoding.toUint8Array(encoder)
}

/** A connection; its documents are SocketDocument. `options` are socket.io-client's. */
export class SocketConnection {
  constructor(server, { auth = {}, query, ...options } = {}) {
    this.documents = new Map()
    this.errors = []
    this.socket = io(server.http, {
      forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 200, auth, query, ca: server.tls?.ca, ...options,
    })
    this.socket.on('protocol-message', (payload, info) => this.documents.get(`${info.roomId}/${info.docId}`)?.on_message(new Uint8Array(payload), info))
    this.socket.on('protocol-error', (error) => this.errors.push(error))
    this.socket.on('connect', () => {
      for (const document of this.documents.values()) document.sync()
    })
  }

  get transport() {
    return this.socket.io.engine?.transport?.name
  }

  document(room, doc, options) {
    return new SocketDocument(this, room, doc, options)
  }

  /** Emits; `done(error, reply)` is called at the acknowledgement's place among what the server says. */
  call(event, args, done) {
    this.socket.timeout(20_000).emit(event, ...args, (late, reply) => {
      const refused = reply?.error
      done(late ?? (refused && Object.assign(new Error(`${refused.code}: ${refused.message}`), refused)), reply)
    })
  }

  /** Emits and waits for the acknowledgement; an error in it is thrown. */
  ask(event, ...args) {
    return new Promise((resolve, reject) => this.call(event, args, (error, reply) => (error ? reject(error) : resolve(reply))))
  }

  close() {
    this.socket.close()
    for (const document of this.documents.values()) document.doc.destroy()
  }
}

export class SocketDocument {
  constructor(connection, room, doc, { client_id } = {}) {
    this.connection = connection
    this.room = room
    this.name = doc
    this.doc = new Y.Doc()
    if (client_id !== undefined) this.doc.clientID = client_id
    this.awareness = new awareness_protocol.Awareness(this.doc)
    this.synced = false
    this.version = -1
    this.pending = new Map() // number → update, until it is acknowledged
    this.next = 0
    this.acks = [] // {version, update}
    this.control = []
    this.problems = []
    connection.documents.set(`${room}/${doc}`, this)
    this.doc.on('update', (update, origin) => {
      if (origin !== this) this.send(update)
    })
    this.awareness.on('update', ({ added, updated, removed }, origin) => {
      if (origin === this || !connection.socket.connected) return
      const changed = [...added, ...updated, ...removed]
      const encoder = encoding.createEncoder()
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarUint8Array(encoder, awareness_protocol.encodeAwarenessUpdate(this.awareness, changed))
      this.emit(encoding.toUint8Array(encoder), { channel: 'awareness' })
    })
    if (connection.socket.connected) this.sync()
  }

  get text() {
    return this.doc.getText('content')
  }

  emit(payload, more) {
    return this.connection.ask('protocol-message', envelope(this.room, this.name, payload, more))
  }

  /** Sends an edit and keeps it until it is acknowledged. */
  send(update) {
    const number = this.next++
    this.pending.set(number, update)
    if (this.connection.socket.connected && this.joined) this.push(number, update)
  }

  push(number, update) {
    this.connection.call('protocol-message', [envelope(this.room, this.name, update_message(update))], (error, position) => {
      // What failed is kept, and sent again with the next sync.
      if (error) return this.problems.push(error)
      this.rise(position.version, 'ack')
      this.acks.push({ ...position, update })
      this.pending.delete(number)
    })
  }

  /** Joins, brings both sides up to date, and sends again what was not acknowledged. */
  sync() {
    this.joined = true
    this.version = -1
    const request = { roomId: this.room, docId: this.name, stateVector: Y.encodeStateVector(this.doc) }
    this.connection.call('sync-request', [request], (error, reply) => {
      if (error) return this.problems.push(error)
      if (reply.version !== null) this.rise(reply.version, 'sync')
      this.synced = true
    })
    for (const [number, update] of this.pending) this.push(number, update)
  }

  rise(version, how) {
    if (version < this.version) this.problems.push(new Error(`${how}: version ${version} after ${this.version}`))
    this.version = version
  }

  on_message(payload, info) {
    if (info.channel === 'control') {
      this.control.push(JSON.parse(new TextDecoder().decode(payload)))
      return
    }
    if (info.version !== undefined && info.version !== null) this.rise(info.version, 'message')
    const decoder = decoding.createDecoder(payload)
    const type = decoding.readVarUint(decoder)
    if (type === 1) {
      awareness_protocol.applyAwarenessUpdate(this.awareness, decoding.readVarUint8Array(decoder), this)
      return
    }
    const answer = encoding.createEncoder()
    encoding.writeVarUint(answer, 0)
    sync_protocol.readSyncMessage(decoder, answer, this.doc, this)
    if (encoding.length(answer) > 1) this.emit(encoding.toUint8Array(answer)).catch((error) => this.problems.push(error))
  }

  until_synced() {
    return until(() => `sync of ${this.room}/${this.name}; problems: ${this.problems}`, () => this.synced)
  }

  until_saved() {
    return until(() => `acknowledgements in ${this.room}/${this.name}; ${this.pending.size} wait; problems: ${this.problems}`, () => this.pending.size === 0)
  }
}
