// Large documents: a stock client opens 50 MB, and a storm of joiners shares one load.

import fs from 'node:fs'
import net from 'node:net'
import * as Y from 'yjs'
import { Client } from '../lib/client.mjs'
import { assert, until } from '../lib/wait.mjs'
import { publish } from './http.mjs'

const paragraph_bytes = 256 * 1024
const storm_joiners = 150
const storm_rss_bytes_max = 200 * 1024 * 1024

/** Text that no codec can shorten much. */
function paragraph(random) {
  const words = []
  for (let bytes = 0; bytes < paragraph_bytes;) {
    const word = random.u32().toString(36)
    words.push(word)
    bytes += word.length + 1
  }
  return words.join(' ')
}

/** Publishes a document of about `bytes` bytes: long pastes, then thousands of small edits among them. */
async function publish_large(context, server, name, bytes) {
  const { random } = context
  const doc = new Y.Doc()
  const text = doc.getText('content')
  let updates = []
  doc.on('update', (update) => updates.push(update))
  while (text.length < bytes) text.insert(text.length, paragraph(random))
  const pastes = updates
  updates = []
  for (let i = 0; i < 5_000; i++) {
    const at = random.below(text.length - 20)
    if (random.chance(0.3)) text.delete(at, 5)
    else text.insert(at, 'edit ')
  }
  for (const update of [...pastes, Y.mergeUpdates(updates)]) {
    const response = await publish(server, 'large', name, update)
    const answer = await response.text()
    assert(response.status === 201, `publishing answers ${response.status}: ${answer}`)
  }
  return doc
}

async function opens(server, name, doc) {
  const begin = Date.now()
  const client = new Client(server, `large/${name}`)
  try {
    await until(`a stock client opens ${name}`, () => client.synced, 30_000)
    assert(client.text.toString() === doc.getText('content').toString(), `${name} has other content for a stock client`)
    assert(client.closes.length === 0, `${name} took more than one connection`)
    return Date.now() - begin
  } finally {
    client.destroy()
  }
}

/** Joins as a new client does, and counts the bytes of the answer without keeping any. */
function join(server, name) {
  const joiner = { bytes: 0 }
  joiner.socket = net.connect(server.port, '127.0.0.1', () => {
    joiner.socket.write(`GET /ws/large/${name} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n')
    // SyncStep1 with an empty state vector, masked with zeros.
    joiner.socket.write(Buffer.from([0x82, 0x84, 0, 0, 0, 0, 0, 0, 1, 0]))
  })
  joiner.socket.on('data', (chunk) => { joiner.bytes += chunk.length })
  joiner.socket.on('error', (error) => { joiner.error = error })
  return joiner
}

const rss_of = (server) =>
  1024 * Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${server.process.pid}/status`, 'utf8'))[1])

export async function large_documents(context) {
  const server = await context.server()
  await server.start()
  const huge = await publish_large(context, server, 'huge', 50_000_000)
  const warm_ms = await opens(server, 'huge', huge)
  const storm = await publish_large(context, server, 'storm', 20_000_000)
  await server.restart('SIGTERM')
  const cold_ms = await opens(server, 'huge', huge)
  huge.destroy()

  await server.restart('SIGKILL')
  const begin = Date.now()
  const least = Y.encodeStateAsUpdate(storm).length / 2
  storm.destroy()
  const joiners = Array.from({ length: storm_joiners }, () => join(server, 'storm'))
  try {
    // All get the same bytes, and then no more for a while.
    let [quiet, sum] = [0, 0]
    await until('a storm of joiners is served', () => {
      const failed = joiners.find((joiner) => joiner.error)
      if (failed) throw failed.error
      const now = joiners.reduce((total, joiner) => total + joiner.bytes, 0)
      quiet = now === sum ? quiet + 1 : 0
      sum = now
      return quiet > 20 && joiners.every((joiner) => joiner.bytes > least && joiner.bytes === joiners[0].bytes)
    }, 60_000)
    const seconds = (Date.now() - begin) / 1000
    const rss = rss_of(server)
    assert((await server.metric('weft_document_loads_total')) === 1, 'the joiners did not share one load')
    assert(rss <= storm_rss_bytes_max, `${storm_joiners} joiners of 20 MB took ${rss >> 20} MiB`)
    return `50 MB opened in ${warm_ms} ms, ${cold_ms} ms cold; ${storm_joiners} joiners of 20 MB in ${seconds.toFixed(1)} s at ${rss >> 20} MiB`
  } finally {
    for (const joiner of joiners) joiner.socket.destroy()
  }
}
