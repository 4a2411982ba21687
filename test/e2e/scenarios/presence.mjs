// A storm of presence: 1,500 clients of one document that each tell where they are ten times a
// second. Judged by counts, which a slow machine can only make smaller.

import net from 'node:net'
import * as Y from 'yjs'
import { Client } from '../lib/client.mjs'
import { upgrade } from '../lib/raw.mjs'
import { assert, until } from '../lib/wait.mjs'
import { publish } from './http.mjs'

const room = 'presence'
const name = 'storm'
const clients_count = 1_500
const rounds = 40
const round_ms = 100
const slices = 10
// Longer than the default, so that this process can read what 1,500 clients get.
const awareness_tick_ms = 500
const first_id = 1_000_000
const final_clock = rounds + 1

function varint(value) {
  const out = []
  for (; value > 127; value = Math.floor(value / 128)) out.push(128 | (value & 127))
  return [...out, value]
}

/** Reads varints off bytes. */
class Reader {
  constructor(bytes) {
    this.bytes = bytes
    this.at = 0
  }

  uint() {
    let [value, factor] = [0, 1]
    for (;;) {
      const byte = this.bytes[this.at++]
      assert(byte !== undefined, 'an awareness message is cut short')
      value += (byte & 127) * factor
      if (byte < 128) return value
      factor *= 128
    }
  }
}

/** A client that says where it is, and counts frames without looking into them until it is told to. */
class PresentClient {
  constructor(server, id) {
    this.id = id
    this.frames = 0
    this.open = false
    this.reading = false
    this.final = new Set()
    this.header = Buffer.alloc(0)
    this.body_left = 0
    this.body = null
    this.socket = net.connect(server.port, '127.0.0.1', () => this.socket.write(upgrade(`/ws/${room}/${name}`)))
    this.socket.setNoDelay(true)
    this.socket.on('data', (chunk) => this.receive(chunk))
    this.socket.on('error', (error) => { this.error = error })
    this.socket.on('close', () => { this.error ??= new Error(`client ${id} was cut off`) })
  }

  say(clock) {
    const state = Buffer.from(`{"at":${clock}}`)
    const update = Buffer.concat([Buffer.from([1, ...varint(this.id), ...varint(clock), state.length]), state])
    const message = Buffer.concat([Buffer.from([1, update.length]), update])
    // Masked with zeros.
    this.socket.write(Buffer.concat([Buffer.from([0x82, 0x80 | message.length, 0, 0, 0, 0]), message]))
  }

  receive(chunk) {
    if (!this.open) {
      this.header = Buffer.concat([this.header, chunk])
      const end = this.header.indexOf('\r\n\r\n')
      if (end < 0) return
      chunk = this.header.subarray(end + 4)
      this.header = Buffer.alloc(0)
      this.open = true
    }
    while (chunk.length > 0) {
      if (this.body_left === 0) {
        const before = this.header.length
        const header = before === 0 ? chunk : Buffer.concat([this.header, chunk])
        const kind = header.length > 1 ? header[1] : 0
        const size = kind === 127 ? 10 : kind === 126 ? 4 : 2
        if (header.length < size) {
          this.header = Buffer.from(header)
          return
        }
        this.body_left = kind === 127 ? Number(header.readBigUInt64BE(2)) : kind === 126 ? header.readUInt16BE(2) : kind
        this.header = Buffer.alloc(0)
        this.body = this.reading ? [] : null
        this.kind = null
        chunk = chunk.subarray(size - before)
        if (this.body_left === 0 || chunk.length === 0) continue
      }
      const part = chunk.subarray(0, this.body_left)
      this.kind ??= part[0]
      this.body?.push(part)
      this.body_left -= part.length
      chunk = chunk.subarray(part.length)
      if (this.body_left === 0) this.frame()
    }
  }

  frame() {
    if (this.kind !== 1) return
    this.frames += 1
    if (this.body === null) return
    const reader = new Reader(Buffer.concat(this.body))
    reader.at = 1
    reader.uint()
    for (let left = reader.uint(); left > 0; left--) {
      const id = reader.uint()
      if (reader.uint() === final_clock) this.final.add(id)
      const state_bytes = reader.uint()
      reader.at += state_bytes
    }
  }
}

export async function presence_storm(context) {
  const server = await context.server({ args: ['--hub.awareness_tick', String(awareness_tick_ms)] })
  await server.start()
  const witness = new Client(server, `${room}/${name}`)
  const clients = []
  const fail_if_lost = () => {
    const lost = clients.find((client) => client.error)
    if (lost) throw lost.error
  }
  try {
    await witness.until_synced()
    while (clients.length < clients_count) {
      for (let i = 0; i < 100; i++) clients.push(new PresentClient(server, first_id + clients.length))
      await until('a hundred more clients are there', () => clients.every((client) => client.open))
    }
    const frames_before = clients.map((client) => client.frames)
    const begin = performance.now()

    // Somebody goes on editing, and is told each time that it is durable.
    const doc = new Y.Doc()
    const text = doc.getText('content')
    let acknowledged = 0
    const edit = async () => {
      const before = Y.encodeStateVector(doc)
      text.insert(0, 'edit ')
      const response = await publish(server, room, name, Y.encodeStateAsUpdate(doc, before))
      assert(response.status === 201, `an edit is answered ${response.status} in the storm`)
      await response.arrayBuffer()
      acknowledged += 1
    }
    let editing = edit()
    for (let round = 1; round <= rounds; round++) {
      for (let slice = 0; slice < slices; slice++) {
        const due = begin + (round - 1 + slice / slices) * round_ms
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))
        for (let i = slice; i < clients.length; i += slices) clients[i].say(round)
      }
      editing = editing.then(edit)
    }
    await editing
    await until('a stock client has every edit', () => witness.text.length === text.length)
    fail_if_lost()

    // In the end everybody knows of everybody's last state.
    for (const client of clients) client.reading = true
    for (const client of clients) client.say(final_clock)
    const missing = (client) => clients_count - 1 - client.final.size + (client.final.has(client.id) ? 1 : 0)
    await until(() => `everybody sees everybody; ${clients.filter((client) => missing(client) > 0).length} do not`, () => {
      fail_if_lost()
      return clients.every((client) => missing(client) === 0)
    })
    const states = witness.provider.awareness.getStates()
    await until('a stock client sees everybody', () => clients.every((client) => states.get(client.id)?.at === final_clock))
    const elapsed_ms = performance.now() - begin

    // A frame a tick, however many states and edits there are.
    const received = clients.map((client, i) => client.frames - frames_before[i])
    const most = received.reduce((a, b) => Math.max(a, b))
    const bound = Math.ceil(elapsed_ms / awareness_tick_ms) + 5
    const sent = clients_count * (rounds + 1)
    assert(most <= bound, `a client got ${most} frames of presence in ${elapsed_ms.toFixed(0)} ms, ${bound} were due at most`)
    assert((await server.metric('weft_awareness_updates_total')) >= sent, 'not every state has reached the server')
    return `${sent} states of ${clients_count} clients went out as at most ${most} frames a client (${bound} allowed) in ` +
      `${(elapsed_ms / 1000).toFixed(1)} s, ${acknowledged} edits acknowledged and seen meanwhile`
  } finally {
    for (const client of clients) client.socket.destroy()
    witness.destroy()
  }
}
