// A Socket.IO server in memory that keeps to docs/protocols.md, "Socket.IO": what the tests need of it.
// Commits can be held, and refused; `crash` forgets what is not committed.

import http from 'node:http'
import { Server } from 'socket.io'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { applyAwarenessUpdate, Awareness, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { decodeKafkaEnvelope } from '../../dist/codec.js'

const message = (kinds, body) => {
  const encoder = encoding.createEncoder()
  for (const kind of kinds) encoding.writeVarUint(encoder, kind)
  encoding.writeVarUint8Array(encoder, body)
  return Buffer.from(encoding.toUint8Array(encoder))
}
const key_of = ({ roomId, docId, subdocId }) => [roomId, docId, ...(subdocId === undefined ? [] : [subdocId])].join('/')
const refusal = (code, retry = false) => ({ error: { code, message: `refused: ${code}`, retry } })

class Document {
  constructor(name) {
    this.name = name
    this.doc = new Y.Doc({ gc: false }) // what is committed
    this.log = []
    this.awareness = new Awareness(this.doc)
    this.awareness.setLocalState(null)
    this.sockets = new Set()
  }
}

export class ContractServer {
  constructor() {
    this.documents = new Map()
    this.held = null // commits that wait, while they are held
    this.refuse = () => null // (metadata, socket) => a code, or null
    this.tokens = []
    this.handshakes = []
    this.envelopes = []
    this.requests = []
    this.log_name = '00000000000000aa'
    this.sockets_opened = 0
  }

  async start(port = 0) {
    this.http = http.createServer((_request, response) => response.writeHead(404).end())
    this.io = new Server(this.http, { pingInterval: 5000 })
    this.io.use((socket, next) => {
      const { token } = socket.handshake.auth
      this.handshakes.push(socket.handshake.auth)
      if (token === 'bad') return next(Object.assign(new Error('a bad token'), { data: { code: 'forbidden', message: 'a bad token' } }))
      next()
    })
    this.io.on('connection', (socket) => this.#connected(socket))
    await new Promise((resolve) => this.http.listen(port, '127.0.0.1', resolve))
    this.port = this.http.address().port
    return this
  }

  get url() {
    return `http://127.0.0.1:${this.port}`
  }

  document(name) {
    const key = key_of(name)
    if (!this.documents.has(key)) this.documents.set(key, new Document(name))
    return this.documents.get(key)
  }

  /** As after a restore from a backup: another log, and the documents as these updates have them. */
  set_back(log_name, documents) {
    for (const { awareness } of this.documents.values()) awareness.destroy()
    this.documents.clear()
    this.log_name = log_name
    for (const [name, update] of documents) Y.applyUpdate(this.document(name).doc, update)
  }

  hold() {
    this.held = []
  }

  release() {
    const waiting = this.held ?? []
    this.held = null
    for (const commit of waiting) commit()
  }

  /** Every connection is lost; what waits for its commit is forgotten unless it landed. */
  async crash({ landed = false } = {}) {
    if (landed) for (const commit of this.held ?? []) commit({ silent: true })
    this.held = null
    for (const document of this.documents.values()) document.sockets.clear()
    this.io.disconnectSockets(true)
    this.http.closeAllConnections()
    await new Promise((resolve) => this.io.close(resolve))
    await this.start(this.port)
  }

  async stop() {
    this.io.disconnectSockets(true)
    this.http.closeAllConnections()
    await new Promise((resolve) => this.io.close(resolve))
    for (const { awareness } of this.documents.values()) awareness.destroy()
  }

  control(name, control) {
    const document = this.document(name)
    for (const socket of document.sockets) this.#send(socket, document, 'control', Buffer.from(JSON.stringify(control)))
  }

  #send(socket, document, channel, payload, position = {}) {
    socket.emit('protocol-message', payload, { ...document.name, channel, ...position })
  }

  #connected(socket) {
    this.sockets_opened += 1
    const joined = new Set()
    const ended = new Set()
    const join = (name) => {
      const document = this.document(name)
      document.sockets.add(socket)
      joined.add(document)
      return document
    }
    socket.on('sync-request', (request, done) => {
      const { roomId, docId, subdocId, stateVector } = request
      this.requests.push(request)
      const document = join({ roomId, docId, ...(subdocId === undefined ? {} : { subdocId }) })
      ended.delete(document)
      this.#ask(socket, document)
      const clients = [...document.awareness.getStates().keys()]
      if (clients.length > 0) this.#send(socket, document, 'awareness', message([1], encodeAwarenessUpdate(document.awareness, clients)))
      this.#send(socket, document, 'doc', message([0, 1], Y.encodeStateAsUpdate(document.doc, new Uint8Array(stateVector))), this.#end(document))
      done({ ...this.#end(document), recovery: 'diff' })
    })
    socket.on('sync-leave', ({ roomId, docId, subdocId }, done) => {
      const document = this.document({ roomId, docId, ...(subdocId === undefined ? {} : { subdocId }) })
      document.sockets.delete(socket)
      done?.({})
    })
    socket.on('authorize', ({ token }, done) => {
      this.tokens.push(token)
      done(token === 'bad' ? refusal('forbidden') : {})
    })
    socket.on('protocol-message', (envelope, done = () => {}) => {
      const { metadata, payload } = decodeKafkaEnvelope(new Uint8Array(envelope))
      this.envelopes.push(metadata)
      const { roomId, docId, subdocId, channel } = metadata
      const document = join({ roomId, docId, ...(subdocId === undefined ? {} : { subdocId }) })
      if (channel === 'doc') return this.#edit(socket, document, metadata, payload, ended, done)
      done({})
      const decoder = decoding.createDecoder(payload)
      if (channel === 'awareness') {
        decoding.readVarUint(decoder)
        applyAwarenessUpdate(document.awareness, decoding.readVarUint8Array(decoder), socket.id)
        socket.clients_ = new Set([...(socket.clients_ ?? []), metadata.senderId])
      }
      for (const other of document.sockets) if (other !== socket) this.#send(other, document, channel, Buffer.from(payload))
    })
    socket.on('disconnect', () => {
      for (const document of joined) {
        document.sockets.delete(socket)
        const gone = [...document.awareness.getStates().keys()].filter((client) => socket.clients_?.has(String(client)))
        removeAwarenessStates(document.awareness, gone, null)
        if (gone.length === 0) continue
        const update = message([1], encodeAwarenessUpdate(document.awareness, gone))
        for (const other of document.sockets) this.#send(other, document, 'awareness', update)
      }
    })
  }

  #ask(socket, document) {
    this.#send(socket, document, 'doc', message([0, 0], Y.encodeStateVector(document.doc)))
  }

  #end(document) {
    return { version: document.log.length === 0 ? null : document.log.length - 1, log: this.log_name }
  }

  #edit(socket, document, metadata, payload, ended, done) {
    const decoder = decoding.createDecoder(payload)
    decoding.readVarUint(decoder)
    const kind = decoding.readVarUint(decoder)
    const body = decoding.readVarUint8Array(decoder)
    if (kind === 0) throw new Error('the provider asks by sync-request only')
    if (ended.has(document)) return done(refusal('write-ended'))
    const code = this.refuse(metadata, socket)
    if (code) {
      ended.add(document)
      return done(refusal(code, code === 'unavailable'))
    }
    const commit = ({ silent = false } = {}) => {
      let news = null
      const listen = (update) => { news = update }
      document.doc.on('update', listen)
      Y.applyUpdate(document.doc, body)
      document.doc.off('update', listen)
      if (news) document.log.push(Buffer.from(news))
      if (silent) return
      const { version, log } = this.#end(document)
      if (news) {
        for (const other of document.sockets) {
          if (other !== socket) this.#send(other, document, 'doc', message([0, 2], news), { version, log, topic: 'sync-room', partition: 0, offset: version })
        }
      }
      done({ topic: 'sync-room', partition: 0, offset: version, version, log })
    }
    if (this.held) this.held.push(commit)
    else commit()
  }
}
