// Stock clients drop a socket that stays silent for 30 s; idle ones must stay connected for minutes.

import { Client, converged } from '../lib/client.mjs'
import { assert, until } from '../lib/wait.mjs'

export async function idle_clients(context) {
  const server = await context.server()
  await server.start()
  const seconds = context.idle_seconds
  const clients = []
  try {
    for (let i = 0; i < 6; i++) clients.push(new Client(server, `team/idle-${i % 3}`, { root: i % 2 ? '' : '/ws' }))
    for (const client of clients) await client.until_synced()
    const begin = Date.now()
    const closes = () => clients.reduce((sum, client) => sum + client.closes.length, 0)
    await until('the idle time', () => closes() > 0 || Date.now() - begin > seconds * 1000, (seconds + 30) * 1000)
    assert(closes() === 0, `${closes()} reconnects after ${Math.round((Date.now() - begin) / 1000)} s`)
    clients[0].text.insert(0, 'awake')
    await until('an edit after the silence', () => clients[3].text.toString() === 'awake')
    await converged([clients[0], clients[3]])
    assert(closes() === 0, 'a reconnect after the silence')
    return `${clients.length} clients, ${seconds} s, no reconnect`
  } finally {
    for (const client of clients) client.destroy()
  }
}
