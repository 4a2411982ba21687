// An hour of ordinary life: documents come, are edited by stock clients, over HTTP and beside slow
// readers, converge, are left and put away, and are opened again. The server's memory, threads and
// descriptors must stay level, and every document must come back as it was left.
//
//   node test/e2e/soak.mjs --weft build/release/weft [--minutes 60] [--seed N] [--report FILE]
//
// Level: the median of the last third of the run is no higher than that of the second third, but for
// a tenth and 8 MiB. The first third is warm-up: caches and write buffers (kept small here) fill.

import fs from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import * as Y from 'yjs'
import { Client, converged } from './lib/client.mjs'
import { random_edit } from './lib/edits.mjs'
import { Random } from './lib/random.mjs'
import { write_report } from './lib/report.mjs'
import { Server } from './lib/server.mjs'
import { assert, until } from './lib/wait.mjs'
import { document_url, fetch_document, publish } from './scenarios/http.mjs'

const { values: flags } = parseArgs({
  options: {
    weft: { type: 'string', default: 'build/release/weft' },
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string' },
    report: { type: 'string' },
    scratch: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})

const documents_at_once = 8
const clients_per_document = 4
const life_ms = [10_000, 40_000]
const edit_every_ms = 100
const paste_bytes = 24 * 1024
const samples_of_a_run = 360
const slack = { rss: [1.1, 8 * 2 ** 20], threads: [1, 0], descriptors: [1, 16], documents: [1.5, 4] }

const seed = Number(flags.seed ?? Date.now() % 2 ** 31)
const random = new Random(seed)
const run_ms = Number(flags.minutes) * 60_000
const begin = Date.now()
const end = begin + run_ms
const totals = { documents: 0, reopened: 0, edits: 0, pastes: 0, reads: 0, events: 0 }
console.log(`seed ${seed}`)
// Every y-websocket client adds a listener for the end of the process.
process.setMaxListeners(0)

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Follows the events of a document until it is told to stop; a reader that is slow half the time. */
async function follow(server, name, stop) {
  const response = await fetch(`${document_url(server, 'soak', name)}/events`, { signal: stop })
  assert(response.status === 200, `the events of ${name} are ${response.status}`)
  try {
    for await (const chunk of response.body) {
      totals.events += Buffer.from(chunk).toString('latin1').split('\nid:').length - 1
      if (random.chance(0.5)) await pause(250)
    }
  } catch (error) {
    if (error.name !== 'AbortError') throw error
  }
}

async function paste(server, name) {
  const doc = new Y.Doc()
  doc.getArray('pastes').push([random.bytes(paste_bytes / 2).toString('hex')])
  const response = await publish(server, 'soak', name, Y.encodeStateAsUpdate(doc))
  await response.arrayBuffer()
  assert(response.status === 201, `a paste into ${name} is ${response.status}`)
  doc.destroy()
  totals.pastes += 1
}

async function read(server, name, what) {
  const response = await fetch(`${document_url(server, 'soak', name)}/${what}`)
  const body = await response.text()
  // A young document may not have that text yet.
  const fine = response.status === 200 || (response.status === 404 && what.startsWith('text'))
  assert(fine, `GET ${what} of ${name} is ${response.status}: ${body.slice(0, 300)}`)
  totals.reads += 1
}

/** Edits a document for a while; the state in which everybody left it. */
async function live(server, name) {
  const stop = new AbortController()
  const clients = Array.from({ length: clients_per_document }, () => new Client(server, `soak/${name}`))
  const follower = follow(server, name, stop.signal)
  const until_ms = Math.min(end, Date.now() + life_ms[0] + random.below(life_ms[1] - life_ms[0]))
  try {
    while (Date.now() < until_ms) {
      const client = random.pick(clients)
      random_edit(random, client)
      client.provider.awareness.setLocalStateField('cursor', random.below(1000))
      totals.edits += 1
      if (random.chance(0.04)) await paste(server, name)
      if (random.chance(0.05)) await read(server, name, random.pick(['json', 'text?root=content', 'update', 'versions']))
      if (random.chance(0.03)) {
        // Offline and back again, with edits of meanwhile.
        client.provider.disconnect()
        random_edit(random, client)
        client.provider.connect()
      }
      await pause(edit_every_ms / 2 + random.below(edit_every_ms))
    }
    return await converged(clients)
  } finally {
    for (const client of clients) client.destroy()
    stop.abort()
    await follower
  }
}

/** A document that was left earlier: a newcomer and HTTP see what everybody saw then. */
async function reopen(server, name, state) {
  const newcomer = new Client(server, `soak/${name}`)
  try {
    await newcomer.until_synced()
    assert(newcomer.state() === state, `${name} came back with other content`)
    const vector = (doc) => Buffer.from(Y.encodeStateVector(doc)).toString('hex')
    assert(vector(await fetch_document(server, 'soak', name)) === vector(newcomer.doc), `${name} is another over HTTP`)
  } finally {
    newcomer.destroy()
  }
  totals.reopened += 1
}

async function slot(server, index) {
  const left = []
  for (let n = 0; Date.now() < end; n++) {
    const name = `s${index}-${n}`
    left.push([name, await live(server, name)])
    totals.documents += 1
    await reopen(server, ...random.pick(left))
    // What this process remembers must not be what grows.
    if (left.length > 20) left.splice(random.below(left.length), 1)
  }
}

async function sample(server) {
  const proc = `/proc/${server.process.pid}`
  const status = fs.readFileSync(`${proc}/status`, 'utf8')
  const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1])
  return {
    rss: 1024 * field('RssAnon'),
    threads: field('Threads'),
    descriptors: fs.readdirSync(`${proc}/fd`).length,
    documents: await server.metric('weft_documents_live'),
  }
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

/** Per figure: the medians of the three thirds, and whether the last is level with the second. */
function judge(samples) {
  const third = Math.floor(samples.length / 3)
  const parts = [0, 1, 2].map((i) => samples.slice(i * third, (i + 1) * third))
  return Object.fromEntries(Object.entries(slack).map(([name, [factor, more]]) => {
    const thirds = parts.map((part) => median(part.map((at) => at[name])))
    return [name, { thirds, peak: Math.max(...samples.map((at) => at[name])), level: thirds[2] <= thirds[1] * factor + more }]
  }))
}

const server = await Server.create({ weft: path.resolve(flags.weft), scratch: flags.scratch,
  args: ['--log.memory_bytes_max', `${16 * 2 ** 20}`, '--hub.idle_evict_after', '5000'] })
const samples = []
let broken = null
let over = false
try {
  await server.start()
  const sampling = (async () => {
    while (!over) {
      samples.push(await sample(server))
      await pause(run_ms / samples_of_a_run)
    }
  })()
  const dead = server.exit.then(({ code, signal }) => { if (!over) throw new Error(`the server ended (${code ?? signal})`) })
  await Promise.race([Promise.all(Array.from({ length: documents_at_once }, (_, index) => slot(server, index))), dead])
  over = true
  await sampling
  // When nobody is left, nothing is kept.
  await until('every document is put away', async () => (await server.metric('weft_documents_live')) === 0)
  const ended = await server.stop()
  assert(ended.code === 0, `SIGTERM ended the server with ${ended.code ?? ended.signal}`)
} catch (error) {
  broken = error
  console.log(`FAIL ${error.stack}\n--- log of the server (${server.log}):\n${server.tail(25)}`)
}
over = true
const figures = samples.length >= 3 ? judge(samples) : {}
for (const [name, { thirds, peak, level }] of Object.entries(figures)) {
  console.log(`${level ? 'ok  ' : 'FAIL'} ${name}: medians of the thirds ${thirds.join(', ')}; peak ${peak}`)
}
const results = Object.values(figures).map(({ level }) => level)
const good = broken === null && results.length > 0 && results.every(Boolean)
await server.dispose(!good || flags.keep)
const seconds = Math.round((Date.now() - begin) / 1000)
if (flags.report) write_report(flags.report, { verb: 'soak', seconds, seed, good, ...totals, figures })
console.log(`soak: ${JSON.stringify(totals)} in ${seconds} s`)
const failed = results.filter((level) => !level).length + (broken === null ? 0 : 1)
console.log(`${results.length - results.filter((level) => !level).length} passed, ${failed} failed, 0 skipped`)
process.exit(good ? 0 : 1)
