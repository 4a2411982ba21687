// Which transport is tried when.

import assert from 'node:assert/strict'
import test from 'node:test'
import { Attempts } from '../dist/attempts.js'

const make = (list) => new Attempts(list, { backoff_min_ms: 100, backoff_max_ms: 1000, better_after_ms: 30_000, better_after_max_ms: 600_000, random: () => 1 })

test('within a round the next transport is tried at once; between rounds there is a growing, bounded pause', () => {
  const attempts = make(['socketio', 'websocket', 'http'])
  const pauses = []
  for (let round = 0; round < 6; round += 1) {
    const tried = []
    let pause = 0
    do {
      tried.push(attempts.transport)
      pause = attempts.failed()
    } while (pause === 0)
    assert.deepEqual(tried, ['socketio', 'websocket', 'http'])
    pauses.push(pause)
  }
  assert.deepEqual(pauses, [100, 200, 400, 800, 1000, 1000])
  attempts.forget_failures()
  assert.equal(attempts.pause(), 100)
})

test('pauses are shortened by chance to no less than half', () => {
  for (const [random, expected] of [[0, 50], [0.5, 75], [1, 100]]) {
    const options = { backoff_min_ms: 100, backoff_max_ms: 1000, better_after_ms: 1, better_after_max_ms: 1, random: () => random }
    assert.equal(new Attempts(['http'], options).failed(), expected)
  }
})

test('after a loss the best is tried first, and success forgets the failures', () => {
  const attempts = make(['socketio', 'websocket'])
  attempts.failed()
  assert.equal(attempts.transport, 'websocket')
  attempts.succeeded('websocket')
  assert.equal(attempts.pause(), 100)
  assert.equal(attempts.transport, 'socketio')
})

test('while a lesser one serves, better ones are tried in turn, ever more rarely', () => {
  const attempts = make(['socketio', 'websocket', 'http'])
  attempts.succeeded('http')
  const tries = []
  for (let i = 0; i < 4; i += 1) tries.push([attempts.better_after(), attempts.next_better()])
  assert.deepEqual(tries, [[30_000, 'socketio'], [60_000, 'websocket'], [120_000, 'socketio'], [240_000, 'websocket']])
  attempts.succeeded('socketio')
  assert.equal(attempts.better_after(), null)
  attempts.succeeded('websocket')
  assert.deepEqual([attempts.better_after(), attempts.next_better()], [30_000, 'socketio'])
})

test('no transport at all is an error', () => assert.throws(() => make([]), RangeError))
