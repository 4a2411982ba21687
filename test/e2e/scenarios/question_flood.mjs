// Clients ask for a large document without end. Whoever edits another one must not notice.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import * as Y from 'yjs'
import { Client } from '../lib/client.mjs'
import { assert, until } from '../lib/wait.mjs'

const document_bytes = 311_000
const edits = 1200
const connections = 4
// On a machine with two cores the flood, its answers and what measures share them.
const slower_max = 2
const noise_ms = 5
const rss_growth_max = 64 << 20

const resident = (server) => Number(/VmRSS:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${server.process.pid}/status`, 'utf8'))[1]) * 1024

const percentile = (list, part) => [...list].sort((a, b) => a - b)[Math.floor(list.length * part)]

/** The times in ms of so many edits, one after the other, from one client to the other. */
async function time_edits([from, to], count) {
  const waits = []
  for (let i = 0; i < count; i++) {
    const arrived = new Promise((resolve) => to.doc.once('update', resolve))
    const began = performance.now()
    from.text.insert(from.text.length, 'x')
    await arrived
    waits.push(performance.now() - began)
  }
  return waits
}

export async function a_flood_of_questions(context) {
  // One loop, which both documents share.
  const server = await context.server({ args: ['--threads', '1'] })
  await server.start()
  const large = new Client(server, 'team/large')
  const pair = [new Client(server, 'team/quiet'), new Client(server, 'team/quiet')]
  let flood
  let answered = 0
  try {
    await Promise.all([large, ...pair].map((client) => client.until_synced()))
    large.text.insert(0, 'x'.repeat(document_bytes))
    for (let i = 0; i < 200; i++) large.text.insert(i * 1000, `${i}`)
    await until('the large document is stored', async () => (await (await fetch(`${server.http}/v1/documents/team/large/update`)).arrayBuffer()).byteLength > document_bytes)
    const rss = resident(server)
    // The whole of it, which all who ask share, and a difference made for who asks.
    const vectors = ['00', Buffer.from(Y.encodeStateVector(new Map([[large.doc.clientID, 1000]]))).toString('hex')]
    const waits = { alone: [], beside: [[], []] }
    let most = 0
    await time_edits(pair, 300)
    // In turns, so that what else the machine does falls on both.
    for (let round = 0; round < 4; round++) {
      waits.alone.push(...await time_edits(pair, edits / 4))
      flood = spawn(process.execPath, [new URL('../clients/question_flood.mjs', import.meta.url).pathname, String(server.port), '/ws/team/large', vectors[round % 2], String(connections)])
      let seen = 0
      flood.stdout.on('data', (text) => {
        for (const line of String(text).trim().split('\n')) {
          answered += Number(line)
          seen += Number(line)
        }
      })
      await until('the flood is answered', () => seen > 0)
      waits.beside[round % 2].push(...await time_edits(pair, edits / 4))
      most = Math.max(most, resident(server))
      flood.kill('SIGKILL')
    }
    const p99 = [waits.alone, ...waits.beside].map((list) => percentile(list, 0.99))
    const median = [waits.alone, ...waits.beside].map((list) => percentile(list, 0.5))
    const in_ms = (list) => `${list[0].toFixed(2)} ms without a flood, ${list[1].toFixed(2)} ms beside whole answers, ${list[2].toFixed(2)} ms beside differences`
    const told = `p99 ${in_ms(p99)}; median ${in_ms(median)}; ${(answered / 2 ** 20).toFixed()} MiB of answers; ` +
      `resident memory +${((most - rss) / 2 ** 20).toFixed(1)} MiB`
    assert(Math.max(...p99) <= slower_max * p99[0] + noise_ms, told)
    assert(most - rss <= rss_growth_max, told)
    assert(pair.every((client) => client.closes.length === 0), 'a good client was disconnected')
    return told
  } finally {
    flood?.kill('SIGKILL')
    for (const client of [large, ...pair]) client.destroy()
  }
}
