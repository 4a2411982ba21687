// pycrdt's provider, over a WebSocket channel, joins an edited document: both see each other's edits.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Client, converged } from '../lib/client.mjs'
import { assert, until } from '../lib/wait.mjs'

export async function pycrdt_provider(context) {
  if (!context.python) return context.skip('no Python with pycrdt: ./dev setup test')
  const server = await context.server()
  await server.start()
  const client = new Client(server, 'team/python')
  let peer
  try {
    await client.until_synced()
    client.text.insert(0, 'from yjs 😀;')
    const script = fileURLToPath(new URL('../clients/pycrdt_peer.py', import.meta.url))
    peer = spawn(context.python, [script, `${server.ws}/ws/team/python`, 'from yjs 😀;', ' from pycrdt;', 'bye'])
    let said = ''
    peer.stdout.on('data', (chunk) => (said += chunk))
    peer.stderr.on('data', (chunk) => (said += chunk))
    const ended = new Promise((resolve) => peer.once('exit', resolve))
    await until(() => `the edit of pycrdt at yjs; it said: ${said}`, () => client.text.toString().includes('from pycrdt;'))
    assert(client.map.get('peer') === 'pycrdt', 'the map entry of pycrdt is missing')
    client.text.insert(client.text.length, 'bye')
    const code = await ended
    assert(code === 0, `the pycrdt peer ended with ${code}: ${said}`)
    await converged([client])
    return said.trim().split('\n').pop()
  } finally {
    peer?.kill()
    client.destroy()
  }
}
