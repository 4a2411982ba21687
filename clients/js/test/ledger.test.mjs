// Which content counts as proven.

import assert from 'node:assert/strict'
import test from 'node:test'
import * as Y from 'yjs'
import { Ledger } from '../dist/ledger.js'
import { content_of, unite, without } from '../dist/ranges.js'

function recorded() {
  const doc = new Y.Doc()
  const updates = []
  const ledger = new Ledger(() => {})
  doc.on('update', (update) => {
    updates.push(update)
    ledger.add(update)
  })
  return { doc, updates, ledger, text: doc.getText('t') }
}

const ranges = (map) => Object.fromEntries(map)

test('ranges are taken away in parts', () => {
  const all = new Map([[1, [[0, 10], [20, 30]]], [2, [[5, 6]]]])
  assert.deepEqual(ranges(without(all, new Map([[1, [[0, 3], [5, 6], [8, 25], [29, 40]]]]))), { 1: [[3, 5], [6, 8], [25, 29]], 2: [[5, 6]] })
  assert.equal(without(all, new Map([[1, [[0, 30]]], [2, [[0, 9]]]])).size, 0)
  const into = new Map([[1, [[0, 2]]]])
  unite(into, new Map([[1, [[2, 4], [8, 9], [1, 3]]], [3, [[0, 1]]]]))
  assert.deepEqual(ranges(into), { 1: [[0, 4], [8, 9]], 3: [[0, 1]] })
})

test('an edit is proven by content, whole and in pieces, in any order', () => {
  const { updates, ledger, text } = recorded()
  text.insert(0, 'abc')
  text.insert(3, 'def')
  text.delete(1, 2)
  assert.equal(ledger.pending, 3)
  ledger.prove(updates[1])
  assert.equal(ledger.pending, 2)
  ledger.prove(updates[2])
  assert.equal(ledger.pending, 1)
  ledger.prove(updates[0])
  assert.deepEqual([ledger.pending, ledger.saved], [0, true])
})

test('what others did proves nothing; what is skipped proves nothing', () => {
  const { doc, updates, ledger, text } = recorded()
  text.insert(0, 'abc')
  text.insert(3, 'def')
  text.insert(6, 'ghi')
  const other = new Y.Doc()
  other.getText('t').insert(0, 'x')
  ledger.prove(Y.encodeStateAsUpdate(other))
  assert.equal(ledger.pending, 3)
  ledger.prove(Y.mergeUpdates([updates[0], updates[2]])) // with a Skip between them
  assert.equal(ledger.pending, 1)
  assert.deepEqual(ledger.proven_state_vector(doc), new Map([[doc.clientID, 3]]))
  ledger.prove(Y.encodeStateAsUpdate(doc))
  assert.equal(ledger.saved, true)
})

test('the answer to the proven state vector holds everything that is unproven', () => {
  const { doc, updates, ledger, text } = recorded()
  text.insert(0, 'abcdef')
  ledger.prove(updates[0])
  text.insert(6, 'g')
  text.delete(0, 1)
  const vector = Y.encodeStateVector(ledger.proven_state_vector(doc))
  const content = content_of(Y.encodeStateAsUpdate(doc, vector))
  assert.deepEqual(ranges(content.structs), { [doc.clientID]: [[6, 7]] })
  ledger.prove_content(content)
  assert.equal(ledger.saved, true)
})

test('many edits are joined, and none is forgotten', () => {
  const { doc, ledger, text } = recorded()
  for (let i = 0; i < 3000; i += 1) i % 3 === 2 ? text.delete(0, 1) : text.insert(text.length, 'x')
  assert.equal(ledger.pending, 3000)
  ledger.prove(Y.encodeStateAsUpdate(doc))
  assert.deepEqual([ledger.pending, ledger.saved], [0, true])
})

test('what was loaded counts as one edit, except for what an older proof covers', () => {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, 'abc')
  const proof = Y.encodeSnapshot(Y.snapshot(doc))
  const check = (expected, with_proof) => {
    const ledger = new Ledger(() => {})
    ledger.add_loaded(doc, with_proof)
    assert.equal(ledger.pending, expected)
  }
  check(1, null)
  check(0, proof)
  doc.getText('t').delete(0, 1)
  check(1, proof)
  doc.getText('t').insert(0, 'x')
  check(2, proof)
  check(0, Y.encodeSnapshot(Y.snapshot(doc)))
})
