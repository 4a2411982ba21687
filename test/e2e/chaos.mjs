// Crashes at random moments under load: whatever was acknowledged to its HTTP publisher, or seen by
// another client, must be in the document afterwards.
//
//   node test/e2e/chaos.mjs --weft build/release/weft --rounds N [--seed N] [--unsynced LIBRARY]
//     [--crash both|kill|discard] [--durability fsync|os|memory] [--expect-loss] [--report FILE]
//
// kill is SIGKILL: the page cache survives. discard needs the interposer: on SIGUSR2 it rolls every
// file back to what was synced and exits with 137. --expect-loss is the negative control: the run
// passes only if something was lost.

import fs from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import * as Y from 'yjs'
import { Client } from './lib/client.mjs'
import { Random } from './lib/random.mjs'
import { write_report } from './lib/report.mjs'
import { Server } from './lib/server.mjs'
import { turn, until } from './lib/wait.mjs'
import { Witness } from './lib/witness.mjs'
import { fetch_document, publish } from './scenarios/http.mjs'

const { values: flags } = parseArgs({
  options: {
    weft: { type: 'string', default: 'build/release/weft' },
    rounds: { type: 'string', default: '5' },
    seed: { type: 'string' },
    unsynced: { type: 'string' },
    crash: { type: 'string', default: 'both' },
    durability: { type: 'string', default: 'fsync' },
    'expect-loss': { type: 'boolean', default: false },
    report: { type: 'string' },
    scratch: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})

const room = 'chaos'
const documents_per_round = 3
const clients_per_document = 3
const rounds_per_generation = 10
const events_max = 3000
const load_seconds_max = 20

const seed = Number(flags.seed ?? Date.now() % 2 ** 31)
const random = new Random(seed)
const rounds = Number(flags.rounds)
if (flags.crash !== 'kill' && !flags.unsynced) throw new Error('--crash discard needs --unsynced LIBRARY')

const totals = { rounds: 0, kill: 0, discard: 0, startup_kills: 0, edits: 0, acknowledged: 0, seen: 0, tokens: 0, checks: 0, lost: 0 }
const begin = Date.now()
console.log(`seed ${seed}`)

/** One document under load: clients that edit and watch, and a publisher that waits for its 201. */
class Load {
  constructor(server, name, witness) {
    this.server = server
    this.name = name
    this.witness = witness
    this.running = true
    this.clients = []
    for (let i = 0; i < clients_per_document; i++) {
      const client = new Client(server, `${room}/${name}`)
      client.count = 0
      client.doc.on('update', (update, origin) => {
        if (origin === client.provider) witness.saw(update, client.doc.clientID)
      })
      client.provider.on('connection-close', () => {
        client.provider.shouldConnect = false
      })
      this.clients.push(client)
    }
    this.publisher = this.publish()
  }

  edit() {
    for (const client of this.clients) {
      if (!client.synced || random.chance(0.4)) continue
      const { doc, text } = client
      doc.transact(() => {
        if (random.chance(0.3)) doc.getArray('tokens').push([`${doc.clientID}:${client.count++}`])
        else if (text.length > 20 && random.chance(0.3)) text.delete(random.below(text.length - 3), 2)
        else text.insert(random.below(text.length + 1), String.fromCharCode(97 + random.below(26)))
      })
      totals.edits += 1
    }
  }

  async publish() {
    const doc = new Y.Doc()
    const tokens = doc.getArray('tokens')
    let update
    doc.on('update', (bytes) => (update = bytes))
    for (let n = 0; this.running; n++) {
      const token = `${doc.clientID}:${n}`
      tokens.push([token])
      const sent = update
      try {
        const response = await publish(this.server, room, this.name, sent)
        const body = await response.text()
        if (response.status !== 201) throw new Error(`publish is ${response.status}: ${body}`)
        this.witness.acknowledge(sent, token)
      } catch (error) {
        if (this.running && this.server.process !== null) await turn()
        // Whatever follows a refused edit would depend on it: this publisher is done.
        this.error = error
        return
      }
    }
  }

  /** After the crash: everything that had reached a client counts as seen. */
  async collect() {
    await until('the sockets of the crashed server are closed', () => this.clients.every((c) => c.provider.ws === null))
    this.running = false
    await this.publisher
    for (const client of this.clients) {
      const own = `${client.doc.clientID}:`
      for (const token of client.doc.getArray('tokens').toJSON()) if (!token.startsWith(own)) this.witness.tokens.add(token)
      client.destroy()
    }
  }
}

async function check(server, name, witness) {
  const newcomer = new Client(server, `${room}/${name}`)
  let missing
  try {
    await newcomer.until_synced()
    missing = witness.missing_in(newcomer.doc)
  } finally {
    newcomer.destroy()
  }
  const over_http = witness.missing_in(await fetch_document(server, room, name))
  totals.checks += witness.clocks.size + witness.tokens.size
  for (const entry of missing) console.log(`  LOST in ${name}: ${entry}`)
  if (missing.length === 0) for (const entry of over_http) console.log(`  LOST over HTTP in ${name}: ${entry}`)
  totals.lost += Math.max(missing.length, over_http.length)
}

async function crash(server, kind) {
  const ended = await server.stop(kind === 'kill' ? 'SIGKILL' : 'SIGUSR2')
  const right = kind === 'kill' ? ended.signal === 'SIGKILL' : ended.code === 137
  if (!right) throw new Error(`after ${kind} the server ended with code ${ended.code}, signal ${ended.signal}:\n${server.tail()}`)
}

async function round(server, index, witnesses) {
  const generation = Math.floor(index / (flags['expect-loss'] ? 1 : rounds_per_generation))
  const loads = []
  for (let i = 0; i < documents_per_round; i++) {
    const name = `g${generation}-d${i}`
    if (!witnesses.has(name)) witnesses.set(name, new Witness())
    loads.push(new Load(server, name, witnesses.get(name)))
  }
  const events = () => loads.reduce((sum, { witness }) => sum + witness.seen + witness.acknowledged, 0)
  const first = events()
  const goal = first + 1 + random.below(events_max)
  const kind = flags.crash === 'both' ? ['kill', 'discard'][(seed + index) % 2] : flags.crash
  await until(
    () => `load: ${events() - first} of ${goal - first} events; ${loads.map((load) => load.error?.message ?? 'fine').join(', ')}`,
    () => {
      for (const load of loads) load.edit()
      return events() >= goal
    },
    load_seconds_max * 1000
  )
  await crash(server, kind)
  totals[kind] += 1
  await Promise.all(loads.map((load) => load.collect()))
  if (random.chance(0.3)) {
    // A second crash while the first is being recovered from.
    server.spawn()
    const moment = random.below(80)
    await new Promise((resolve) => setTimeout(resolve, moment))
    await server.stop('SIGKILL')
    totals.startup_kills += 1
  }
  await server.start()
  const before = totals.lost
  for (const { name, witness } of loads) await check(server, name, witness)
  totals.rounds += 1
  console.log(`round ${index + 1}: ${kind} after ${events() - first} events, ${totals.lost - before} lost`)
}

const env = flags.crash === 'kill' ? {} : { LD_PRELOAD: path.resolve(flags.unsynced) }
const server = await Server.create({ weft: path.resolve(flags.weft), durability: flags.durability, scratch: flags.scratch, env })
if (env.LD_PRELOAD) {
  // The interposer watches a directory that exists when the program starts, and none otherwise.
  fs.mkdirSync(server.data)
  env.WEFT_UNSYNCED_DIR = server.data
}
const witnesses = new Map()
let broken = null
try {
  await server.start()
  for (let index = 0; index < rounds; index++) await round(server, index, witnesses)
  if (!flags['expect-loss']) for (const [name, witness] of witnesses) await check(server, name, witness)
} catch (error) {
  broken = error
  console.log(`FAIL ${error.stack}\n--- log of the server (${server.log}):\n${server.tail(25)}`)
}
for (const witness of witnesses.values()) {
  totals.acknowledged += witness.acknowledged
  totals.seen += witness.seen
  totals.tokens += witness.tokens.size
}
const good = broken === null && (flags['expect-loss'] ? totals.lost > 0 : totals.lost === 0)
await server.dispose(!good || flags.keep)
const seconds = Math.round((Date.now() - begin) / 1000)
if (flags.report) {
  write_report(flags.report, { verb: 'chaos', seconds, seed, durability: flags.durability, control: flags['expect-loss'], good, ...totals })
}
const failed = rounds - totals.rounds + (broken === null && !good ? 1 : 0)
console.log(`chaos: ${JSON.stringify(totals)} in ${seconds} s, durability ${flags.durability}, seed ${seed}` +
  (flags['expect-loss'] ? `; the control must lose something: ${totals.lost > 0 ? 'it did' : 'IT DID NOT'}` : ''))
console.log(`${good ? rounds : Math.max(0, totals.rounds - 1)} passed, ${good ? 0 : Math.max(1, failed)} failed, 0 skipped`)
process.exit(good ? 0 : 1)
