// End-to-end tests: stock clients and hostile ones against real servers, each on a free port with a
// data directory of its own.
//
//   node test/e2e/run.mjs --weft build/release/weft [--only NAME] [--seed N] [--python PROGRAM]
//                         [--unsynced LIBRARY] [--echo build/release/socketio_echo] [--idle-seconds 125]
//                         [--jobs 2] [--web web/dist] [--keep]
//
// The closing line counts scenarios: N passed, N failed, N skipped.

import path from 'node:path'
import { parseArgs } from 'node:util'
import { EchoServer } from './lib/echo.mjs'
import { Random } from './lib/random.mjs'
import { Server } from './lib/server.mjs'
import { compressed } from './scenarios/compressed.mjs'
import { clients_of_every_kind } from './scenarios/every_client.mjs'
import { many_documents, one_document } from './scenarios/converge.mjs'
import { sigterm_drains } from './scenarios/drain.mjs'
import { engine_io_on_the_wire } from './scenarios/engine_io.mjs'
import { snapshots_in_files } from './scenarios/files.mjs'
import { hostile_input } from './scenarios/hostile.mjs'
import { hostile_clients } from './scenarios/hostile_clients.mjs'
import { health_and_metrics, publish_and_read } from './scenarios/http.mjs'
import { events_resume_exactly } from './scenarios/http_events.mjs'
import { a_restore_reaches_everybody, conditional_requests, history_over_http } from './scenarios/http_history.mjs'
import { idle_clients } from './scenarios/idle.mjs'
import { a_quick_refresh_loses_nothing, an_oversized_message_is_final } from './scenarios/limits.mjs'
import { every_client_on_two_nodes, two_nodes_on_kafka } from './scenarios/kafka.mjs'
import { large_documents } from './scenarios/large.mjs'
import { a_flood_of_questions } from './scenarios/question_flood.mjs'
import { presence_storm } from './scenarios/presence.mjs'
import { authorization, tokens_expire } from './scenarios/authorization.mjs'
import { a_program_embeds_weft } from './scenarios/embedded.mjs'
import { socketio_acks_follow_syncs, socketio_documents, socketio_requests } from './scenarios/socketio.mjs'
import { pycrdt_provider } from './scenarios/pycrdt.mjs'
import { socket_io_on_the_wire } from './scenarios/socket_io.mjs'
import {
  an_upgrade_loses_nothing, socket_io_heartbeats, socket_io_payloads_are_bounded, stock_socket_io_clients,
} from './scenarios/socket_io_clients.mjs'
import { trace_an_edit, trace_over_tls } from './scenarios/trace.mjs'
import { over_tls } from './scenarios/tls.mjs'
import { y_socket_io_provider } from './scenarios/y_socket_io.mjs'

const { values: flags } = parseArgs({
  options: {
    weft: { type: 'string', default: 'build/release/weft' },
    echo: { type: 'string', default: 'build/release/socketio_echo' },
    embedded: { type: 'string', default: 'build/release/embedded_server' },
    only: { type: 'string' },
    seed: { type: 'string' },
    python: { type: 'string' },
    unsynced: { type: 'string' },
    web: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    'idle-seconds': { type: 'string', default: '125' },
    keep: { type: 'boolean', default: false },
  },
})

// The idle one costs time but no work: it runs beside all others.
const beside = [idle_clients]
const scenarios = [
  health_and_metrics, publish_and_read, one_document, many_documents, pycrdt_provider, y_socket_io_provider, clients_of_every_kind, sigterm_drains, hostile_input,
  hostile_clients, over_tls, compressed, snapshots_in_files, large_documents, presence_storm, trace_an_edit,
  trace_over_tls, two_nodes_on_kafka, every_client_on_two_nodes,
  an_oversized_message_is_final, a_quick_refresh_loses_nothing, history_over_http, conditional_requests,
  a_restore_reaches_everybody, events_resume_exactly, a_flood_of_questions, socketio_documents, socketio_requests,
  socketio_acks_follow_syncs, authorization, tokens_expire, a_program_embeds_weft,
  engine_io_on_the_wire, socket_io_on_the_wire, stock_socket_io_clients, socket_io_heartbeats,
  socket_io_payloads_are_bounded, an_upgrade_loses_nothing,
]
const scenario_seconds_max = 150

const seed = Number(flags.seed ?? Date.now() % 2 ** 31)
console.log(`seed ${seed}`)

class Skip extends Error {}

// Every y-websocket client adds a listener for the end of the process.
process.setMaxListeners(0)

const results = []

async function run(scenario, index) {
  const name = scenario.name
  const servers = []
  const echoes = []
  const context = {
    random: new Random(seed + index),
    python: flags.python,
    unsynced: flags.unsynced,
    embedded: path.resolve(flags.embedded),
    idle_seconds: Number(flags['idle-seconds']),
    skip(reason) {
      throw new Skip(reason)
    },
    async server(options = {}) {
      const server = await Server.create({ weft: path.resolve(flags.weft), web: flags.web, ...options })
      servers.push(server)
      return server
    },
    async echo(args = []) {
      const server = await EchoServer.start(path.resolve(flags.echo), args)
      echoes.push(server)
      return server
    },
  }
  const begin = Date.now()
  const limit = name === 'idle_clients' ? context.idle_seconds + 60 : scenario_seconds_max
  let outcome
  let timer
  try {
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done after ${limit} s`)), limit * 1000)
    })
    outcome = { result: 'passed', detail: await Promise.race([scenario(context), late]) }
  } catch (error) {
    outcome = error instanceof Skip ? { result: 'skipped', detail: error.message } : { result: 'failed', detail: error.stack }
  }
  clearTimeout(timer)
  const failed = outcome.result === 'failed'
  if (failed) for (const server of servers) console.log(`  --- log of the server (${server.log}):\n${server.tail(25)}`)
  for (const server of servers) await server.dispose(failed || flags.keep)
  for (const server of echoes) {
    if (failed) console.log(`  --- output of socketio_echo:\n${server.output}`)
    await server.stop('SIGKILL')
  }
  results.push(outcome)
  if (outcome.result === 'skipped') console.log(`SKIP ${name}: ${outcome.detail}`)
  else console.log(`${failed ? 'FAIL' : 'ok'}   ${name} (${((Date.now() - begin) / 1000).toFixed(1)} s): ${outcome.detail ?? ''}`)
}

const wanted = (scenario) => flags.only === undefined || scenario.name === flags.only
const queue = scenarios.map((scenario, index) => [scenario, index]).filter(([scenario]) => wanted(scenario))
async function worker() {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) await run(...next)
}
const jobs = [...beside.filter(wanted).map((scenario) => run(scenario, 1000)), ...Array.from({ length: Number(flags.jobs) }, worker)]
await Promise.all(jobs)

const count = (result) => results.filter((outcome) => outcome.result === result).length
if (results.length === 0) console.log(`no scenario is called ${flags.only}`)
console.log(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`)
// Clients of a failed scenario may still be at work: they do not hold up the end.
process.exit(count('failed') > 0 || results.length === 0 ? 1 : 0)
