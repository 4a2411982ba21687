// SIGTERM: clients are told 1001, what another client saw is durable, the exit code is 0.

import { Client, newcomer_sees } from '../lib/client.mjs'
import { assert, until } from '../lib/wait.mjs'

export async function sigterm_drains(context) {
  const server = await context.server()
  await server.start()
  const name = 'team/drain'
  const a = new Client(server, name)
  const b = new Client(server, name)
  try {
    await Promise.all([a.until_synced(), b.until_synced()])
    for (let i = 0; i < 200; i++) a.text.insert(a.text.length, `${i},`)
    await until('the last edit at the other client', () => b.text.toString().includes('199,'))
    const begin = Date.now()
    const ended = await server.stop('SIGTERM')
    const took = Date.now() - begin
    assert(ended.code === 0, `exit code ${ended.code}, signal ${ended.signal}`)
    await until('both sockets closed', () => a.closes.length > 0 && b.closes.length > 0)
    assert(a.closes[0] === 1001 && b.closes[0] === 1001, `close codes ${a.closes[0]}, ${b.closes[0]}, not 1001`)
    const seen = b.state()
    a.destroy()
    b.destroy()
    await server.start()
    await newcomer_sees(server, name, seen)
    return `exit 0 in ${took} ms, close code 1001`
  } finally {
    a.destroy()
    b.destroy()
  }
}
