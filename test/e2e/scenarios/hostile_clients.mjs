// Clients that take what they can get: connections, half-sent requests and messages, floods. A good
// pair of clients edits on beside them, and the server's memory stays where it was.

import fs from 'node:fs'
import net from 'node:net'
import { Client } from '../lib/client.mjs'
import { frame, upgrade } from '../lib/raw.mjs'
import { assert, until } from '../lib/wait.mjs'

const rss_growth_max = 64 << 20
const edit_ms_max = 1000

/** A connection from an address of its own that sends and waits; what came back, once it is closed.
 * `repeat` comes again whenever the socket has taken it, for which it is longer than what Node buffers. */
class Attacker {
  constructor(server, bytes, { repeat, address = '127.0.0.2' } = {}) {
    this.closed = false
    this.answer = ''
    this.socket = net.connect({ port: server.port, host: '127.0.0.1', localAddress: address }, () => this.send(bytes))
    this.socket.on('error', () => {})
    this.socket.on('close', () => { this.closed = true })
    this.socket.on('data', (chunk) => { if (this.answer.length < 4096) this.answer += chunk.toString('latin1') })
    if (repeat) {
      const again = () => { if (!this.closed) this.socket.write(repeat) }
      this.socket.on('drain', again)
      this.socket.once('data', again)
    }
  }

  send(bytes) {
    this.socket.write(bytes)
  }
}

const resident = (server) => Number(/VmRSS:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${server.process.pid}/status`, 'utf8'))[1]) * 1024

export async function hostile_clients(context) {
  const { random } = context
  const server = await context.server({
    args: ['--net.header_timeout', '400', '--net.body_timeout', '400', '--net.message_timeout', '400',
      '--net.receive_bytes_per_second_min', '100000000', '--net.partial_bytes_max', String(4 << 20),
      '--net.messages_per_second', '2000', '--net.connections_per_address_max', '300',
      '--net.allowed_origins', 'https://app.example'],
  })
  await server.start()
  const good = [new Client(server, 'team/good'), new Client(server, 'team/good', { root: '' })]
  const waits = { before: [], beside: [] }
  let edits = 0
  const edit = async (into) => {
    const [from, to] = random.chance(0.5) ? good : [good[1], good[0]]
    const began = performance.now()
    from.text.insert(from.text.length, `${edits++},`)
    await until('an edit between the good clients', () => to.has_seen(from), 10_000)
    into.push(performance.now() - began)
  }
  const attackers = []
  const attack = (...args) => attackers.push(new Attacker(server, ...args))
  try {
    await Promise.all(good.map((client) => client.until_synced()))
    for (let i = 0; i < 40; i++) await edit(waits.before)
    const rss = resident(server)
    const large = frame(Buffer.alloc(3_000_000))
    const attacks = [
      () => attack('GET /healthz HTTP/1.1\r\nX-Slow: '),
      () => attack('POST /v1/documents/team/x/updates HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n' + 'b'.repeat(900_000)),
      () => attack(Buffer.concat([upgrade('/ws/team/dribble'), large.subarray(0, 900_000)])),
      () => attack(Buffer.concat([upgrade('/ws/team/ping'), frame(Buffer.alloc(0), { opcode: 9 })]), { repeat: Buffer.concat(Array.from({ length: 4000 }, () => frame(Buffer.from('p'), { opcode: 9 }))) }),
      () => attack(Buffer.concat([upgrade('/ws/team/ask'), frame(Buffer.from([0, 0, 1, 0]))]), { repeat: Buffer.concat(Array.from({ length: 2000 }, () => frame(Buffer.from([0, 0, 3, 1, 5, 9])))) }),
      () => attack(upgrade('/ws/team/page', 'Origin: https://evil.example')),
    ]
    for (let i = 0; i < 40; i++) {
      for (const one of attacks) one()
      await edit(waits.beside)
    }
    // A storm of connections, more than one address may have.
    for (let i = 0; i < 600; i++) attack('GET /', { address: '127.0.0.3' })
    for (let i = 0; i < 40; i++) await edit(waits.beside)
    const refused = attackers.filter((attacker) => attacker.answer.startsWith('HTTP/1.1 403 '))
    assert(refused.length === 40 && refused[0].answer.includes('https://evil.example'), `${refused.length} pages of a foreign origin were refused`)
    const counts = {}
    for (const [name, least] of [['weft_input_timeouts_total', 40], ['weft_connections_shed_total', 10], ['weft_reads_delayed_total', 10],
      ['weft_connections_refused_per_address_total', 300], ['weft_origins_refused_total', 40]]) {
      await until(() => `${name} of at least ${least}; it is ${counts[name]}`, async () => (counts[name] = await server.metric(name)) >= least, 5000)
    }
    const growth = resident(server) - rss
    assert(growth < rss_growth_max, `resident memory grew by ${growth} bytes`)
    assert(good.every((client) => client.closes.length === 0), 'a good client was disconnected')
    const worst = Math.max(...waits.beside)
    assert(worst < edit_ms_max, `an edit took ${worst.toFixed()} ms beside the attackers`)
    for (const attacker of attackers) attacker.socket.destroy()
    await until('the good clients are equal', () => good[0].state() === good[1].state())
    const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1].toFixed(1)
    return `${attackers.length} attackers: ${counts.weft_input_timeouts_total} timed out, ${counts.weft_connections_shed_total} shed, ` +
      `${counts.weft_connections_refused_per_address_total} refused; an edit takes ${median(waits.beside)} ms (${median(waits.before)} before), ` +
      `at most ${worst.toFixed()} ms; resident memory +${(growth / 2 ** 20).toFixed(1)} MiB`
  } finally {
    for (const attacker of attackers) attacker.socket.destroy()
    for (const client of good) client.destroy()
  }
}
