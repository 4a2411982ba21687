// Requests and frames byte by byte, right ones and wrong ones.

import crypto from 'node:crypto'

/** A handshake, with more header lines. */
export const upgrade = (path, ...headers) =>
  Buffer.from([`GET ${path} HTTP/1.1`, 'Host: x', 'Upgrade: websocket', 'Connection: Upgrade',
    `Sec-WebSocket-Key: ${crypto.randomBytes(16).toString('base64')}`, 'Sec-WebSocket-Version: 13', ...headers, '', ''].join('\r\n'))

/** A client frame; `mask: false` and `length` (a false one) make it a bad one. */
export function frame(payload, { opcode = 2, fin = true, rsv = 0, mask = true, length = payload.length } = {}) {
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode]
  const bit = mask ? 0x80 : 0
  if (length < 126) head.push(bit | length)
  else if (length < 65536) head.push(bit | 126, length >> 8, length & 255)
  else {
    const wide = Buffer.alloc(8)
    wide.writeBigUInt64BE(BigInt(length))
    head.push(bit | 127, ...wide)
  }
  if (!mask) return Buffer.concat([Buffer.from(head), payload])
  const key = crypto.randomBytes(4)
  return Buffer.concat([Buffer.from(head), key, Buffer.from(payload.map((byte, i) => byte ^ key[i & 3]))])
}
