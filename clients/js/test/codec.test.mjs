// The envelope against the shared vectors.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import test from 'node:test'
import { decodeKafkaEnvelope, encodeKafkaEnvelope, EnvelopeError } from '../dist/codec.js'

const vectors = JSON.parse(fs.readFileSync(new URL('vectors/envelope.json', import.meta.url), 'utf8'))
const hex = (bytes) => Buffer.from(bytes).toString('hex')
const of_hex = (text) => new Uint8Array(Buffer.from(text, 'hex'))
const bytes_of = ({ bytes, parts }) => of_hex(bytes ?? parts.map(([part, times]) => part.repeat(times)).join(''))
const metadata_of = ({ metadata, expect, base, senderIdBytes, senderIdCharacter = 's', senderIdCharacters = senderIdBytes }) =>
  metadata ?? { ...(expect ?? base), senderId: senderIdCharacter.repeat(senderIdCharacters) }

for (const vector of vectors.valid) {
  test(`valid: ${vector.name}`, () => {
    const { metadata, payload } = decodeKafkaEnvelope(bytes_of(vector))
    // As text: deepEqual would take `__proto__` for the prototype.
    const expected = metadata_of(vector)
    assert.deepEqual(Object.entries(metadata).sort(), Object.entries(expected).sort())
    assert.equal(hex(payload), vector.payload)
    if (vector.encodes) assert.equal(hex(encodeKafkaEnvelope(expected, payload)), hex(bytes_of(vector)))
  })
}

for (const vector of vectors.invalid) {
  test(`invalid: ${vector.name}`, () => {
    assert.throws(
      () => decodeKafkaEnvelope(bytes_of(vector)),
      (error) => error instanceof EnvelopeError && error.code === vector.error,
    )
  })
}

for (const vector of vectors.unencodable) {
  test(`unencodable: ${vector.name}`, () => {
    assert.throws(
      () => encodeKafkaEnvelope(metadata_of(vector), new Uint8Array()),
      (error) => error instanceof EnvelopeError && error.code === vector.error,
    )
  })
}

test('the payload is a view of the envelope, and an envelope inside a larger buffer is read in its bounds', () => {
  const envelope = encodeKafkaEnvelope({ roomId: 'r', docId: 'd', channel: 'doc' }, of_hex('0102'))
  const larger = new Uint8Array([9, ...envelope, 9, 9])
  const { payload } = decodeKafkaEnvelope(larger.subarray(1, 1 + envelope.length))
  assert.equal(hex(payload), '0102')
  assert.equal(payload.buffer, larger.buffer)
})

test('nesting as deep as an envelope can hold is read or refused, never a crash', () => {
  const deep = '['.repeat(30_000) + ']'.repeat(30_000)
  const json = `{"roomId":"r","docId":"d","channel":"doc","x":${deep}}`
  const envelope = new Uint8Array([json.length & 255, json.length >> 8, ...Buffer.from(json)])
  try {
    assert.equal(decodeKafkaEnvelope(envelope).metadata.roomId, 'r')
  } catch (error) {
    assert.ok(error instanceof EnvelopeError)
  }
})

test('half a surrogate pair cannot be encoded', () => {
  assert.throws(() => encodeKafkaEnvelope({ roomId: '\ud800', docId: 'd', channel: 'doc' }, of_hex('')), EnvelopeError)
})
