// Clients ask for a large document without end. Whoever edits another one must not notice.
//
// The flood, its answers and what measures share the machine's few cores: the same flood on another
// server tells what that alone costs.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import * as Y from 'yjs'
import { Client } from '../lib/client.mjs'
import { assert, until } from '../lib/wait.mjs'

const document_bytes = 311_000
const edits = 1200
const connections = 4
const slower_max = 2
const noise_ms = 10 // of a 99th percentile that other work of the machine falls into
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

/** A document that is worth asking for. */
async function large_document(server) {
  const large = new Client(server, 'team/large')
  await large.until_synced()
  large.text.insert(0, 'x'.repeat(document_bytes))
  for (let i = 0; i < 200; i++) large.text.insert(i * 1000, `${i}`)
  await until('the large document is stored', async () => (await (await fetch(`${server.http}/v1/documents/team/large/update`)).arrayBuffer()).byteLength > document_bytes)
  return large
}

export async function a_flood_of_questions(context) {
  // One loop, which both documents share.
  const [server, other] = await Promise.all([0, 1].map(async () => (await context.server({ args: ['--threads', '1'] })).start()))
  const larges = await Promise.all([server, other].map(large_document))
  const pair = [new Client(server, 'team/quiet'), new Client(server, 'team/quiet')]
  let flood
  let answered = 0
  try {
    await Promise.all(pair.map((client) => client.until_synced()))
    const rss = resident(server)
    // The whole of it, which all who ask share, and a difference made for who asks.
    const vectors = larges.map((client) => ['00', Buffer.from(Y.encodeStateVector(new Map([[client.doc.clientID, 1000]]))).toString('hex')])
    const waits = { alone: [], elsewhere: [[], []], beside: [[], []] }
    let most = 0
    await time_edits(pair, 300)
    // In turns, so that what else the machine does falls on both.
    for (let round = 0; round < 8; round++) {
      const kind = round % 2
      const here = round % 4 >= 2
      waits.alone.push(...await time_edits(pair, edits / 8))
      flood = spawn(process.execPath, [new URL('../clients/question_flood.mjs', import.meta.url).pathname, String((here ? server : other).port), '/ws/team/large', vectors[here ? 0 : 1][kind], String(connections)])
      let seen = 0
      flood.stdout.on('data', (text) => {
        for (const line of String(text).trim().split('\n')) {
          answered += Number(line)
          seen += Number(line)
        }
      })
      await until('the flood is answered', () => seen > 0)
      waits[here ? 'beside' : 'elsewhere'][kind].push(...await time_edits(pair, edits / 4))
      most = Math.max(most, resident(server))
      flood.kill('SIGKILL')
    }
    const figures = (part) => [waits.alone, ...waits.elsewhere, ...waits.beside].map((list) => percentile(list, part))
    const [p99, median] = [figures(0.99), figures(0.5)]
    const in_ms = ([alone, whole_elsewhere, differences_elsewhere, whole, differences]) =>
      `${alone.toFixed(2)} ms without a flood; beside whole answers ${whole.toFixed(2)} (of another server ${whole_elsewhere.toFixed(2)}), ` +
      `beside differences ${differences.toFixed(2)} (${differences_elsewhere.toFixed(2)})`
    const told = `median ${in_ms(median)}; p99 ${in_ms(p99)}; ${(answered / 2 ** 20).toFixed()} MiB of answers; ` +
      `resident memory +${((most - rss) / 2 ** 20).toFixed(1)} MiB`
    for (const kind of [0, 1]) {
      assert(median[3 + kind] <= slower_max * Math.max(median[0], median[1 + kind]) + 1, told)
      assert(p99[3 + kind] <= slower_max * Math.max(p99[0], p99[1 + kind]) + noise_ms, told)
    }
    assert(most - rss <= rss_growth_max, told)
    assert(pair.every((client) => client.closes.length === 0), 'a good client was disconnected')
    return told
  } finally {
    flood?.kill('SIGKILL')
    for (const client of [...larges, ...pair]) client.destroy()
  }
}
