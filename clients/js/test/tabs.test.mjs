// Tabs of one browser, as two channels in one process.

import assert from 'node:assert/strict'
import test from 'node:test'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { Tabs } from '../dist/tabs.js'
import { until } from './support/clients.mjs'

function tab(name, text = '') {
  const doc = new Y.Doc()
  doc.getText('content').insert(0, text)
  const awareness = new Awareness(doc)
  const origin = {}
  const tabs = new Tabs(name, doc, awareness, origin)
  doc.on('update', (update, from) => from !== origin && tabs.update(update))
  awareness.on('update', (_changes, from) => from !== origin && tabs.presence())
  const close = () => {
    doc.destroy() // ends the presence, which is told
    tabs.close()
  }
  return { doc, awareness, close, text: () => doc.getText('content').toString() }
}

test('two tabs exchange what they had, what they do and who they are; a third of another name hears nothing', async () => {
  const all = [tab('one', 'first'), tab('one'), tab('another')]
  const [a, b, c] = all
  try {
    await until('what the first had', () => b.text() === 'first')
    b.doc.getText('content').insert(5, ' second')
    await until('what the second did', () => a.text() === 'first second')
    a.awareness.setLocalStateField('user', 'Ada')
    await until('presence', () => b.awareness.getStates().get(a.doc.clientID)?.user === 'Ada')
    a.awareness.setLocalState(null)
    await until('gone', () => !b.awareness.getStates().has(a.doc.clientID))
    assert.equal(c.text(), '')
    assert.equal(c.awareness.getStates().size, 1)
  } finally {
    for (const each of all) each.close()
  }
})
