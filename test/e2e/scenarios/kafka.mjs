// Several nodes on one Kafka, each with a data directory of its own: what clients of one write those
// of the other see, and the topic alone has all that was acknowledged.

import fs from 'node:fs'
import * as Y from 'yjs'
import { Client, converged, newcomer_sees } from '../lib/client.mjs'
import { random_edit } from '../lib/edits.mjs'
import { Kafka } from '../lib/kafka.mjs'
import { assert, until } from '../lib/wait.mjs'
import { YSocketIoClient } from '../lib/y_socket_io.mjs'
import { connected, edit as edit_all, equal, missing_kinds, open_all } from './every_client.mjs'
import { publish } from './http.mjs'

const room = 'team'
const topic = `sync-${room}`
const docs = ['alpha', 'beta', 'gamma']

/** An HTTP client that publishes to nodes in turn and remembers what they acknowledged. */
class Publisher {
  constructor(nodes) {
    this.nodes = nodes
    this.acknowledged = []
    this.replicas = new Map(docs.map((doc) => [doc, new Y.Doc()]))
  }

  async write(doc, text) {
    const replica = this.replicas.get(doc)
    let update
    replica.once('update', (bytes) => (update = bytes))
    replica.getArray('tokens').push([text])
    const node = this.nodes[this.acknowledged.length % this.nodes.length]
    const response = await publish(node, room, doc, update)
    const position = await response.json()
    assert(response.status === 201, `publish is ${response.status}: ${JSON.stringify(position)}`)
    assert(position.topic === topic, `acknowledged in ${position.topic}`)
    this.acknowledged.push({ doc, update: Buffer.from(update), position })
  }
}

function decode(record) {
  const metadata = JSON.parse(record.value.subarray(2, 2 + record.value.readUInt16LE(0)))
  const message = record.value.subarray(2 + record.value.readUInt16LE(0))
  assert(message[0] === 0 && message[1] === 2, `not an update: ${message.subarray(0, 8).toString('hex')}`)
  let at = 2
  let length = 0
  for (let shift = 0; ; shift += 7) {
    length += (message[at] & 127) * 2 ** shift
    if (message[at++] < 128) break
  }
  return { metadata, update: message.subarray(at, at + length) }
}

/** Reads the topic with Kafka's own consumer and holds it to what was acknowledged and is shown. */
async function check_topic(kafka, publisher, states) {
  const all = await kafka.consume(topic)
  for (const partition of new Set(all.map((record) => record.partition))) {
    const first = Math.min(...all.filter((record) => record.partition === partition).map(({ offset }) => offset))
    assert(first === 0, `partition ${partition} begins at ${first}: it was trimmed`)
  }
  // The marker has neither.
  const records = all.filter(({ key, value }) => !(key === 'null' && value.toString() === 'null'))
  const replicas = new Map(docs.map((doc) => [doc, new Y.Doc()]))
  for (const record of records) {
    assert(docs.includes(record.key), `a record with key ${record.key}`)
    const { metadata, update } = decode(record)
    assert(metadata.roomId === room && metadata.docId === record.key, `key ${record.key}, envelope ${JSON.stringify(metadata)}`)
    Y.applyUpdate(replicas.get(record.key), update)
  }
  for (const { doc, update, position } of publisher.acknowledged) {
    const found = records.find(({ partition, offset }) => partition === position.partition && offset === Number(position.offset))
    assert(found?.key === doc && decode(found).update.equals(update), `acknowledged, not in the topic: ${JSON.stringify(position)}`)
  }
  for (const doc of docs) {
    const vector = Buffer.from(Y.encodeStateVector(replicas.get(doc))).toString('base64')
    assert(vector === JSON.parse(states.get(doc)).vector, `the topic and the clients differ in ${doc}`)
  }
  return records.length
}

async function all_converge(clients) {
  return new Map(await Promise.all(docs.map(async (doc) => [doc, await converged(clients.get(doc))])))
}

/** Rounds of edits by all clients of all documents, on all nodes, and of the publisher. */
async function edit(context, clients, publisher, rounds) {
  let edits = 0
  for (let round = 0; round < rounds; round += 1) {
    for (const doc of docs) {
      for (const client of clients.get(doc)) random_edit(context.random, client)
      edits += clients.get(doc).length + 1
      await publisher.write(doc, `${doc} ${publisher.acknowledged.length}`)
      const [writer, reader] = [context.random.pick(clients.get(doc)), context.random.pick(clients.get(doc))]
      await until('an edit crosses', () => reader.has_seen(writer))
    }
  }
  return edits
}

async function start_two(context, kafka) {
  const args = ['--log.kind', 'kafka', '--kafka.brokers', kafka.brokers, '--kafka.partitions', '3', '--hub.idle_evict_after', '500']
  const nodes = [await context.server({ args }), await context.server({ args })]
  await Promise.all(nodes.map((node) => node.start()))
  return nodes
}

export async function every_client_on_two_nodes(context) {
  const missing = Kafka.installed() ? missing_kinds(context) : 'no Kafka: ./dev setup test'
  if (missing) return context.skip(missing)
  const kafka = await Kafka.start()
  const peers = []
  try {
    const [first, second] = await start_two(context, kafka)
    peers.push(...open_all(context, first, second), ...open_all(context, second, first))
    await connected(peers)
    let edits = await edit_all(context, peers, 10)
    await equal(peers)
    const load = edit_all(context, peers, 5, false)
    await second.stop('SIGKILL')
    fs.rmSync(second.data, { recursive: true })
    edits += await load
    await second.start()
    await connected(peers)
    edits += await edit_all(context, peers, 5)
    await equal(peers)
    return `${peers.length} clients, one of each kind on each node, ${edits} edits, a node that lost all`
  } finally {
    await Promise.all(peers.map(({ peer }) => peer.close()))
    await kafka.stop()
  }
}

export async function two_nodes_on_kafka(context) {
  if (!Kafka.installed()) return context.skip('no Kafka: ./dev setup test')
  const kafka = await Kafka.start()
  const clients = new Map()
  try {
    const [first, second] = await start_two(context, kafka)
    for (const doc of docs) {
      const name = `${room}/${doc}`
      clients.set(doc, [new Client(first, name), new Client(second, name), new YSocketIoClient(first, name), new YSocketIoClient(second, name)])
    }
    const publisher = new Publisher([first, second])
    await Promise.all([...clients.values()].flat().map((client) => client.until_synced()))
    let edits = await edit(context, clients, publisher, 10)
    let states = await all_converge(clients)
    let records = await check_topic(kafka, publisher, states)

    // Without Kafka nothing is shown to others, and nothing is lost: it arrives when Kafka is back.
    await kafka.kill()
    for (const node of [first, second]) await until('a node that is not ready', async () => (await node.get('/readyz')).status === 503)
    const writers = docs.map((doc) => clients.get(doc)[0])
    const waiting = writers.map((writer) => Y.getState(writer.doc.store, writer.doc.clientID))
    writers.forEach((writer, i) => writer.text.insert(0, `while it is away ${i} `))
    for (const doc of docs) await newcomer_sees(first, `${room}/${doc}`, states.get(doc))
    docs.forEach((doc, i) => assert(
      clients.get(doc).slice(1).every((client) => Y.getState(client.doc.store, writers[i].doc.clientID) <= waiting[i]),
      `${doc}: an edit was shown that is not in the log`))
    await kafka.serve()
    for (const node of [first, second]) await node.ready()
    states = await all_converge(clients)
    docs.forEach((doc, i) => assert(JSON.parse(states.get(doc)).text.some(({ insert }) => String(insert).includes('while it is away'))
      , `${doc}: what was written while Kafka was away is missing`))

    // One node loses all that it had, in the middle of edits.
    for (const client of [...clients.values()].flat()) random_edit(context.random, client)
    await second.stop('SIGKILL')
    fs.rmSync(second.data, { recursive: true })
    for (const doc of docs) random_edit(context.random, clients.get(doc)[0])
    await second.start()
    states = await all_converge(clients)
    for (const doc of docs) await newcomer_sees(second, `${room}/${doc}`, states.get(doc))

    // Nobody is left: what is shown next comes out of the topic, at the node that has only that.
    for (const client of [...clients.values()].flat()) client.destroy()
    await second.stop('SIGKILL')
    fs.rmSync(second.data, { recursive: true })
    await first.stop()
    await second.start()
    for (const doc of docs) {
      await newcomer_sees(second, `${room}/${doc}`, states.get(doc))
      clients.set(doc, [new Client(second, `${room}/${doc}`)])
    }
    await first.start()
    for (const doc of docs) clients.get(doc).push(new Client(first, `${room}/${doc}`))
    await Promise.all([...clients.values()].flat().map((client) => client.until_synced()))
    edits += await edit(context, clients, publisher, 5)
    records = await check_topic(kafka, publisher, await all_converge(clients))
    const partitions = new Set(publisher.acknowledged.map(({ position }) => position.partition))
    assert(partitions.size > 1, 'all documents lie in one partition')
    return `${edits} edits, ${publisher.acknowledged.length} acknowledged over HTTP, ${records} records`
  } finally {
    for (const client of [...clients.values()].flat()) client.destroy()
    await kafka.stop()
  }
}
