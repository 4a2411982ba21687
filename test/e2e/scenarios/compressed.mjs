// permessage-deflate: clients that have it and clients that do not share documents; a document costs
// those that have it less than half of the bytes; bombs and broken data end their own connection.

import zlib from 'node:zlib'
import WebSocket from 'ws'
import { Client, converged, newcomer_sees, websocket_class } from '../lib/client.mjs'
import { random_edit } from '../lib/edits.mjs'
import { assert, until } from '../lib/wait.mjs'

const deflating = { ws: { perMessageDeflate: true } }

/** A WebSocket that sends one binary message; the code that it is closed with. */
function closed_with(server, payload) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${server.ws}/ws/team/bad`, { perMessageDeflate: true })
    socket.on('error', reject)
    socket.on('close', resolve)
    socket.on('open', () => {
      // Past the library, which would compress it itself: a frame with RSV1.
      const head = Buffer.from([0xc2, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
      head.writeBigUInt64BE(BigInt(payload.length), 2)
      const short = Buffer.from([0xc2, 0x80 | payload.length, 0, 0, 0, 0])
      socket._socket.write(Buffer.concat([payload.length < 126 ? short : head, payload]))
    })
  })
}

/** The bytes that a newcomer reads until it is synced. */
async function bytes_to_join(server, name, options) {
  let socket
  const Recorder = class extends websocket_class({ perMessageDeflate: false, ...options.ws }) {
    constructor(...all) {
      super(...all)
      socket = this
    }
  }
  const client = new Client(server, name, { connect: false })
  client.provider._WS = Recorder
  client.provider.connect()
  await client.until_synced()
  const { extensions, _socket: { bytesRead } } = socket
  client.destroy()
  return { extensions, bytesRead }
}

export async function compressed(context) {
  const { random } = context
  const server = await context.server({ args: ['--net.compression', 'on', '--net.compression_bytes_min', '200'] })
  await server.start()
  const name = 'team/squeezed'
  const clients = Array.from({ length: 6 }, (_, i) => new Client(server, name, i % 2 ? deflating : {}))
  try {
    await Promise.all(clients.map((client) => client.until_synced()))
    for (let i = 0; i < 600; i++) {
      const client = clients[i % clients.length]
      random_edit(random, client)
      // Large enough to be compressed by whoever can, and more than is compressed at once.
      if (i % 50 === 0) client.map.set(`page${i}`, 'warp and weft '.repeat(10 + random.below(i % 100 === 0 ? 20_000 : 200)))
      client.provider.awareness.setLocalStateField('user', { name: 'weaver '.repeat(30), i })
    }
    const state = await converged(clients)
    await newcomer_sees(server, name, state, deflating)
    await newcomer_sees(server, name, state)
    const plain = await bytes_to_join(server, name, {})
    const squeezed = await bytes_to_join(server, name, deflating)
    assert(plain.extensions === '' && squeezed.extensions === 'permessage-deflate', `extensions: "${plain.extensions}", "${squeezed.extensions}"`)
    assert(squeezed.bytesRead * 2 < plain.bytesRead, `${squeezed.bytesRead} bytes compressed, ${plain.bytesRead} plain`)

    const bomb = zlib.deflateRawSync(Buffer.alloc(80 << 20), { finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4)
    const codes = await Promise.all([bomb, Buffer.from('no deflater made this'), Buffer.alloc(0), zlib.deflateRawSync('cut short').subarray(0, 5)]
      .map((payload) => closed_with(server, payload)))
    assert(JSON.stringify(codes) === '[4413,1007,1007,1007]', `close codes ${codes}`)
    assert(clients.every((client) => client.closes.length === 0), 'a good client was disconnected')
    clients[0].text.insert(0, 'still here')
    const last = await converged(clients)
    for (const client of clients) client.destroy()
    await server.restart('SIGTERM')
    await newcomer_sees(server, name, last, deflating)
    await until('no connection is left', async () => /weft_websocket_compressed_connections 0/.test((await server.get('/metrics')).body))
    return `3 clients with permessage-deflate, 3 without; a join reads ${squeezed.bytesRead} bytes instead of ${plain.bytesRead}`
  } finally {
    for (const client of clients) client.destroy()
  }
}
