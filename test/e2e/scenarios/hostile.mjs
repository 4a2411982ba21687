// Hostile bytes on every route while a good pair of clients goes on undisturbed; nothing is lost.

import net from 'node:net'
import * as Y from 'yjs'
import { Client, newcomer_sees } from '../lib/client.mjs'
import { frame, upgrade } from '../lib/raw.mjs'
import { assert, until } from '../lib/wait.mjs'

const answer_bytes_max = 1 << 20

/** Sends bytes on a fresh connection; the answer, once the server closed or `until_seen` matched. */
function raw(server, bytes, { until_seen, half_close = true } = {}) {
  return new Promise((resolve) => {
    const socket = net.connect(server.port, '127.0.0.1')
    const chunks = []
    let size = 0
    const done = (closed) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ closed, bytes: Buffer.concat(chunks) })
    }
    const timer = setTimeout(() => done(false), 3000)
    socket.on('error', () => done(true))
    socket.on('close', () => done(true))
    socket.on('data', (chunk) => {
      if (size < answer_bytes_max) chunks.push(chunk)
      size += chunk.length
      if (until_seen?.(Buffer.concat(chunks))) done(false)
    })
    socket.on('connect', () => {
      socket.write(bytes)
      if (half_close) socket.end()
    })
  })
}

/** The close code in what a server sent after its handshake, or null. */
function close_code(bytes) {
  const start = bytes.indexOf('\r\n\r\n')
  let at = start + 4
  while (start >= 0 && at + 2 <= bytes.length) {
    const opcode = bytes[at] & 15
    let length = bytes[at + 1] & 127
    at += 2
    if (length === 126) { length = bytes.readUInt16BE(at); at += 2 } else if (length === 127) { length = Number(bytes.readBigUInt64BE(at)); at += 8 }
    if (opcode === 8) return length >= 2 ? bytes.readUInt16BE(at) : 1005
    at += length
  }
  return null
}

const varint = (value) => {
  const out = []
  let rest = BigInt(value)
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128)
  out.push(Number(rest))
  return out
}

const sync_update = (update) => Buffer.from([0, 2, ...varint(update.length), ...update])

/** Breaks of the framing itself: each must close the connection with one of the codes. */
function framing_breaks(random) {
  const fine = Buffer.from([0, 0, 1, 0])
  return [
    ['unmasked frame', frame(fine, { mask: false }), [1002]],
    ['reserved bits', frame(fine, { rsv: 4 }), [1002]],
    ['reserved opcode', frame(fine, { opcode: 3 }), [1002]],
    ['reserved control opcode', frame(fine, { opcode: 11 }), [1002]],
    ['fragmented ping', frame(fine, { opcode: 9, fin: false }), [1002]],
    ['long ping', frame(random.bytes(126), { opcode: 9 }), [1002]],
    ['continuation of nothing', frame(fine, { opcode: 0 }), [1002]],
    ['new message inside a message', Buffer.concat([frame(fine, { fin: false }), frame(fine)]), [1002]],
    ['text that is not UTF-8', frame(Buffer.from([0xc3, 0x28, 0xff]), { opcode: 1 }), [1007, 1003]],
    ['length of 2^63', Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]), [1002, 4413]],
    ['length of 4 GiB', frame(Buffer.alloc(0), { length: 2 ** 32 }), [4413]],
    ['close code 1005', frame(Buffer.from([0x03, 0xed]), { opcode: 8 }), [1002]],
    ['close of one byte', frame(Buffer.from([3]), { opcode: 8 }), [1002]],
  ]
}

/** Breaks of the y-protocol in well-formed frames: whatever the answer, only this connection ends. */
function protocol_breaks(random) {
  const doc = new Y.Doc()
  doc.getText('content').insert(0, 'victim '.repeat(20))
  doc.getMap('map').set('a', { b: [1, 2, 3] })
  const update = Y.encodeStateAsUpdate(doc)
  const list = [
    Buffer.alloc(0), Buffer.from([0]), Buffer.from([0, 0]), Buffer.from([0, 2]), Buffer.from([0, 9]), Buffer.from([99]),
    Buffer.from([0, 0, 5, 1]), Buffer.from([0, 0, 3, 0xff, 0xff, 0xff]), Buffer.from([0, 2, ...varint(2 ** 40), 1]),
    Buffer.alloc(40, 0xff), Buffer.from([1]), Buffer.from([1, ...varint(2 ** 53), 1]),
    Buffer.from([1, 4, 1, ...varint(7), ...varint(1), 200]), Buffer.from([2, 0, 3]), Buffer.from([3, 1, 2, 3]),
    sync_update([...varint(2 ** 52), 1, 1, 0]), sync_update([1, ...varint(2 ** 50), 5, 0]),
    sync_update([1, 1, 7, 0, 8, 1, 1, 97, ...varint(2 ** 45)]), sync_update([0, ...varint(2 ** 31)]),
  ]
  for (const size of [1, 2, 3, 5, 8, 13, 21, 40]) list.push(sync_update(update.subarray(0, update.length - size)))
  for (let i = 0; i < 120; i++) {
    const flipped = Buffer.from(update)
    for (let n = random.below(4); n >= 0; n--) flipped[random.below(flipped.length)] = random.below(256)
    list.push(random.chance(0.2) ? random.bytes(1 + random.below(300)) : sync_update(flipped))
  }
  return list
}

function http_junk(random) {
  const routes = ['/', '/healthz', '/readyz', '/metrics', '/v1/documents', '/v1/documents/a/b/update',
    '/v1/documents/a/b/updates', '/ws/a/b', '/a/b', '/v1/documents/%zz/%ff/update', '/../../../../etc/passwd',
    '/..%2f..%2f..%2fetc%2fpasswd', `/${'x'.repeat(9000)}`]
  const list = []
  for (const route of routes) {
    list.push(`GET ${route} HTTP/1.1\r\n`, `GET ${route} HTTP/9.9\r\nHost: x\r\n\r\n`, `FROB ${route} HTTP/1.1\r\nHost: x\r\n\r\n`,
      `GET ${route}\r\n\r\n`, `GET ${route} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n`,
      `POST ${route} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nx`,
      `POST ${route} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `POST ${route} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n`,
      `POST ${route} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nshort`,
      `GET ${route} HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(70000)}\r\n\r\n`,
      `GET ${route} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n\r\n`)
  }
  for (let i = 0; i < 40; i++) list.push(random.bytes(1 + random.below(2000)))
  return list
}

export async function hostile_input(context) {
  const { random } = context
  const server = await context.server()
  await server.start()
  const name = 'team/good'
  const [a, b] = [new Client(server, name), new Client(server, name, { root: '' })]
  const statuses = new Map()
  const unclear = []
  const counts = { http: 0, framing: 0, protocol: 0, edits: 0 }
  try {
    await Promise.all([a.until_synced(), b.until_synced()])
    const good_edit = async () => {
      const [from, to] = random.chance(0.5) ? [a, b] : [b, a]
      from.text.insert(from.text.length, `${counts.edits++},`)
      await until('an edit between the good clients', () => to.has_seen(from), 10_000)
    }
    for (const junk of http_junk(random)) {
      const { bytes } = await raw(server, junk)
      assert(!bytes.includes('root:'), 'a file outside the page was served')
      const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(bytes.toString('latin1'))?.[1] ?? 0)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      // A request that was cut off may go without an answer; any other is told what is wrong with it.
      const whole = typeof junk === 'string' && junk.includes('\r\n\r\n') && !junk.endsWith('short')
      const clear = (status >= 400 && status < 500) || status === 501 || status === 505
      if (!(clear || (!whole && status === 0))) unclear.push(`${status} for ${JSON.stringify(junk.slice(0, 120).toString())}`)
      counts.http += 1
      if (counts.http % 8 === 0) await good_edit()
    }
    assert(unclear.length === 0, `answers that are no clear error:\n  ${unclear.join('\n  ')}`)
    for (const [what, bytes, codes] of framing_breaks(random)) {
      const answer = await raw(server, Buffer.concat([upgrade(`/ws/team/bad-${counts.framing}`), bytes]), { half_close: false })
      const code = close_code(answer.bytes)
      assert(codes.includes(code), `${what}: close code ${code}, not ${codes.join(' or ')}`)
      counts.framing += 1
      await good_edit()
    }
    for (const payload of protocol_breaks(random)) {
      // Into the document of the good pair every third time, when the payload cannot be a valid edit.
      const target = payload.length < 12 && random.chance(0.3) ? `/ws/${name}` : `/ws/team/bad-${counts.protocol % 5}`
      await raw(server, Buffer.concat([upgrade(target), frame(payload), frame(Buffer.alloc(0), { opcode: 8 })]), { half_close: false, until_seen: (bytes) => close_code(bytes) !== null })
      counts.protocol += 1
      if (counts.protocol % 4 === 0) await good_edit()
    }
    const whole = await raw(server, Buffer.concat([upgrade('/ws/team/ragged'), frame(random.bytes(50)).subarray(0, 20)]))
    assert(whole.bytes.includes('101'), 'no upgrade')
    assert(a.closes.length === 0 && b.closes.length === 0, 'a good client was disconnected')
    assert(server.process !== null && server.starts === 1, 'the server ended')
    assert((await fetch(`${server.http}/healthz`)).status === 200, '/healthz is not 200 afterwards')
    await until('the good clients are equal', () => a.state() === b.state())
    const state = a.state()
    a.destroy()
    b.destroy()
    const ended = await server.restart('SIGTERM')
    assert(ended.code === 0, `exit code ${ended.code} (${ended.signal})`)
    await newcomer_sees(server, name, state)
    const told = [...statuses].map(([status, count]) => `${status || 'none'}: ${count}`).sort().join(', ')
    return `${counts.http} bad requests (${told}), ${counts.framing} bad frames, ${counts.protocol} bad messages, ${counts.edits} good edits`
  } finally {
    a.destroy()
    b.destroy()
  }
}
