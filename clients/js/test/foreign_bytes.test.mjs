// Bytes of strangers: whatever they are, they are read or refused.

import assert from 'node:assert/strict'
import test from 'node:test'
import { Random } from '../../../test/e2e/lib/random.mjs'
import { decodeKafkaEnvelope, encodeKafkaEnvelope, EnvelopeError } from '../dist/codec.js'
import { read_events } from '../dist/events.js'
import { read_messages, write_awareness, write_step1, write_update } from '../dist/messages.js'

const seed = Number(process.env.DEV_SEED ?? Date.now() % 2 ** 31)
console.log(`seed ${seed}`)

const sound = encodeKafkaEnvelope({ roomId: 'room', docId: 'ä', channel: 'doc', version: 3, x: [1, { y: null }] }, new Uint8Array([0, 2, 1, 0]))

test('envelopes with changed bytes', () => {
  const random = new Random(seed)
  let read = 0
  for (let i = 0; i < 20_000; i += 1) {
    const bytes = sound.slice(0, random.chance(0.2) ? random.below(sound.length) : sound.length)
    for (let changes = random.below(4); changes >= 0 && bytes.length > 0; changes -= 1) bytes[random.below(bytes.length)] = random.below(256)
    try {
      const { metadata, payload } = decodeKafkaEnvelope(bytes)
      read += 1
      // What is read can be written, and read again as the same.
      assert.deepEqual(decodeKafkaEnvelope(encodeKafkaEnvelope(metadata, payload)), { metadata, payload })
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error
    }
  }
  assert.ok(read > 100, `${read} were read`)
})

test('messages with changed bytes end in an error or are messages', () => {
  const random = new Random(seed + 1)
  const whole = Buffer.concat([write_step1(new Uint8Array([0])), write_awareness(new Uint8Array([1, 2, 3])), write_update(new Uint8Array([0, 0]))])
  assert.deepEqual([...read_messages(whole)].map(({ type }) => type), ['step1', 'awareness', 'update'])
  let refused = 0
  for (let i = 0; i < 20_000; i += 1) {
    const bytes = new Uint8Array(whole)
    bytes[random.below(bytes.length)] = random.below(256)
    try {
      for (const message of read_messages(bytes)) assert.ok(message.type)
    } catch (error) {
      assert.ok(error instanceof Error)
      refused += 1
    }
  }
  assert.ok(refused > 1000, `${refused} were refused`)
})

test('events are the same however their bytes are cut', async () => {
  const random = new Random(seed + 2)
  const text = ': hello\n\nevent: start\nid: none@0a\ndata: {}\n\nevent: update\r\nid: 1@0a\r\ndata: {"ä":\r\ndata:"😀"}\r\n\r\nid: 2\n\ndata: last\n\n'
  const bytes = new TextEncoder().encode(text)
  for (let round = 0; round < 200; round += 1) {
    const parts = []
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(at + 1 + random.below(20), bytes.length)
      parts.push(bytes.subarray(at, end))
      at = end
    }
    const events = []
    for await (const event of read_events(new ReadableStream({ start: (out) => { parts.forEach((part) => out.enqueue(part)); out.close() } }), 1000)) events.push(event)
    assert.deepEqual(events, [
      { type: 'start', id: 'none@0a', data: '{}' },
      { type: 'update', id: '1@0a', data: '{"ä":\n"😀"}' },
      { type: 'message', id: null, data: 'last' },
    ])
  }
})

test('a stream that falls silent is given up', async () => {
  const silent = new ReadableStream({})
  await assert.rejects(async () => {
    for await (const _event of read_events(silent, 20)) assert.fail('an event')
  }, /silence/)
})
