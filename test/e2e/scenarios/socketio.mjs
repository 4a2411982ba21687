// Documents over Socket.IO by the stock socket.io-client: every transport, several documents a
// connection, durable acknowledgements.

import fs from 'node:fs'
import path from 'node:path'
import * as Y from 'yjs'
import { Client } from '../lib/client.mjs'
import { SocketConnection, envelope, update_message } from '../lib/socketio_client.mjs'
import { assert, until } from '../lib/wait.mjs'

const transports = { polling: ['polling'], websocket: ['websocket'], upgraded: ['polling', 'websocket'] }

function state_of(doc) {
  return JSON.stringify([Buffer.from(Y.encodeStateVector(doc)).toString('base64'), doc.getText('content').toDelta()])
}

/** All records of a document, as the log has them: {version, update} each. */
async function records(server, room, doc) {
  const out = []
  let since = 'start'
  for (;;) {
    const page = JSON.parse((await server.get(`/v1/documents/${room}/${doc}/history?since=${since}`)).body)
    page.updates.forEach((update, i) => out.push({ ...page.records[i], update: Buffer.from(update, 'base64') }))
    if (!page.more) return out
    since = page.next ?? out.at(-1).version
  }
}

function check_quiet(documents) {
  for (const document of documents) {
    assert(document.problems.length === 0, `${document.room}/${document.name}: ${document.problems.map(String).join('; ')}`)
  }
}

/** Socket.IO on each transport and y-websocket edit two documents at once, over a crash, and end equal. */
export async function socketio_documents(context) {
  const { random } = context
  const server = await context.server()
  await server.start()
  const names = ['one', 'two']
  const connections = Object.entries(transports).map(([name, transports]) => ({ name, connection: new SocketConnection(server, { transports, auth: { roomId: 'sio' } }) }))
  const stock = names.map((name) => new Client(server, `sio/${name}`))
  const documents = connections.flatMap(({ name, connection }) => names.map((doc) => Object.assign(connection.document('sio', doc), { transport: name })))
  let edits = 0
  try {
    await Promise.all([...documents, ...stock].map((one) => one.until_synced()))
    const round = async () => {
      for (const one of [...documents, ...stock]) {
        one.text.insert(random.below(one.text.length + 1), `${random.pick(['weft ', 'ä', '😀', 'x\n'])}`)
        if (one.text.length > 40 && random.chance(0.2)) one.text.delete(0, 3)
        edits += 1
      }
    }
    const settle = async () => {
      await Promise.all(documents.map((document) => document.until_saved()))
      for (const [i, doc] of names.entries()) {
        const replicas = [stock[i].doc, ...documents.filter((document) => document.name === doc).map((document) => document.doc)]
        await until(`all replicas of ${doc} equal`, () => new Set(replicas.map(state_of)).size === 1)
      }
    }
    for (let i = 0; i < 20; i++) {
      await round()
      if (i % 5 === 0) await settle()
    }
    await settle()
    check_quiet(documents)
    for (const { name, connection } of connections) {
      assert(connection.transport === (name === 'polling' ? 'polling' : 'websocket'), `${name} ended on ${connection.transport}`)
    }
    // Presence crosses protocols, both ways.
    documents[0].awareness.setLocalStateField('user', { name: 'polling' })
    stock[0].provider.awareness.setLocalStateField('user', { name: 'stock' })
    const sees = (awareness, name) => [...awareness.getStates().values()].some((state) => state.user?.name === name)
    await until('the stock client sees the presence of Socket.IO', () => sees(stock[0].provider.awareness, 'polling'))
    for (const document of documents.filter((document) => document.name === 'one')) {
      await until(`${document.transport} sees the stock client`, () => sees(document.awareness, 'stock'))
    }
    // Control goes to the others that speak Socket.IO.
    await documents[0].emit(Buffer.from(JSON.stringify({ type: 'app-ping', n: 1 })), { channel: 'control' })
    await until('control arrives', () => documents[2].control.length === 1 && documents[4].control.length === 1)
    assert(documents[0].control.length === 0 && documents[1].control.length === 0, 'control came back, or went to another document')

    // Edits under way when the process dies: what was not acknowledged is sent again, none twice.
    const load = round()
    await server.restart('SIGKILL')
    await load
    for (const document of documents) document.problems.length = 0
    await round()
    await until('all are connected again', () => connections.every(({ connection }) => connection.socket.connected) && stock.every((one) => one.synced))
    await settle()
    for (const [i, doc] of names.entries()) {
      const log = await records(server, 'sio', doc)
      const versions = new Map(log.map((record) => [record.version, record]))
      assert(versions.size === log.length, 'a version is in the log twice')
      const seen = new Map()
      for (const document of documents.filter((document) => document.name === doc)) {
        for (const { version, update } of document.acks) {
          assert(versions.has(version), `acknowledged version ${version} of ${doc} is not in the log`)
          seen.set(Buffer.from(update).toString('hex'), version)
        }
      }
      const stored = log.map((record) => record.update.toString('hex'))
      for (const hex of seen.keys()) assert(stored.filter((other) => other === hex).length <= 1, `an update of ${doc} was appended twice`)
      const replay = new Y.Doc()
      for (const record of log) Y.applyUpdate(replay, record.update)
      assert(state_of(replay) === state_of(stock[i].doc), `the log of ${doc} does not say what its editors see`)
    }
    const acks = documents.reduce((sum, document) => sum + document.acks.length, 0)
    return `${edits} edits of ${documents.length} Socket.IO documents and 2 of y-websocket, ${acks} acknowledgements`
  } finally {
    for (const { connection } of connections) connection.close()
    for (const one of stock) one.destroy()
  }
}

/** What a client without a replica gets for a version, and what it is told of wrong requests. */
export async function socketio_requests(context) {
  const server = await context.server()
  await server.start()
  const connection = new SocketConnection(server, { transports: ['websocket'], query: { roomId: 'r', docId: 'd' } })
  const received = []
  connection.socket.on('protocol-message', (payload, info) => received.push({ payload: Buffer.from(payload), info }))
  const updates = []
  const doc = new Y.Doc()
  doc.on('update', (update) => updates.push(update))
  try {
    await until('the connection', () => connection.socket.connected)
    const empty = await connection.ask('sync-request', {})
    assert(empty.version === null && empty.recovery === 'full' && empty.reason === 'no-version', JSON.stringify(empty))
    for (let i = 0; i < 5; i++) doc.getText('content').insert(i, String(i))
    const positions = []
    for (const update of updates) positions.push(await connection.ask('protocol-message', envelope('r', 'd', update_message(update), { note: 'kept', version: 7 })))
    positions.forEach((position, i) => {
      assert(position.offset === position.version && position.partition === 0 && position.topic === 'sync-r', JSON.stringify(position))
      assert(i === 0 || position.version > positions[i - 1].version, 'versions rise')
    })

    const ask = async (request) => {
      received.length = 0
      const reply = await connection.ask('sync-request', request)
      const replica = new Y.Doc()
      for (const { payload, info } of received) {
        if (info.channel === 'doc' && payload[1] !== 0) Y.applyUpdate(replica, payload.subarray(3 + (payload[2] > 127 ? 1 : 0)))
      }
      return { reply, replica }
    }
    const last = positions.at(-1)
    const whole = await ask({})
    assert(whole.reply.recovery === 'full' && whole.reply.version === last.version, JSON.stringify(whole.reply))
    assert(whole.replica.getText('content').toString() === '01234', 'the whole document')
    const tail = await ask({ version: `${positions[2].version}@${last.log}` })
    assert(tail.reply.recovery === 'tail' && tail.reply.version === last.version, JSON.stringify(tail.reply))
    const known = new Y.Doc()
    for (const update of updates.slice(0, 3)) Y.applyUpdate(known, update)
    Y.applyUpdate(known, Y.encodeStateAsUpdate(tail.replica))
    for (const { payload } of received) if (payload[1] === 2) Y.applyUpdate(known, payload.subarray(3))
    assert(known.getText('content').toString() === '01234', 'what follows a version completes it')
    const none = await ask({ version: last.version })
    assert(none.reply.recovery === 'tail' && !received.some(({ payload, info }) => info.channel === 'doc' && payload[1] === 2), 'nothing follows the last version')
    for (const [version, reason] of [[last.version + 1000, 'ahead'], [`${last.version}@0000000000000001`, 'other-log']]) {
      const { reply, replica } = await ask({ version })
      assert(reply.recovery === 'full' && reply.reason === reason, JSON.stringify(reply))
      assert(replica.getText('content').toString() === '01234', `all of it for ${reason}`)
    }

    const refused = async (code, event, ...args) => {
      const reply = await connection.socket.timeout(10_000).emitWithAck(event, ...args)
      assert(reply?.error?.code === code, `${event}: ${JSON.stringify(reply)} instead of ${code}`)
      assert(typeof reply.error.message === 'string' && reply.error.message.length > 10, 'an error says what was wrong')
    }
    const good = update_message(updates[0])
    await refused('wrong-document', 'protocol-message', envelope('other', 'd', good))
    await refused('wrong-document', 'sync-request', { docId: 'other' })
    await refused('bad-envelope', 'protocol-message', Buffer.from([200, 200, 1]))
    await refused('bad-envelope', 'protocol-message', Buffer.concat([Buffer.from([5, 0]), Buffer.from('{"a":')]))
    await refused('bad-envelope', 'protocol-message', envelope('r', 'd', Buffer.from([0, 2, 200])))
    await refused('bad-arguments', 'protocol-message', 'text')
    await refused('bad-arguments', 'sync-request', { version: 'soon' })
    await refused('bad-arguments', 'sync-request', { stateVector: 'text' })
    await refused('unknown-event', 'no-such-event', 1)
    const elsewhere = envelope('r', 'd', Buffer.concat([Buffer.from([0, 2, 3]), Buffer.from('abc')]))
    await refused('invalid-update', 'protocol-message', elsewhere)
    await refused('write-ended', 'protocol-message', envelope('r', 'd', good))
    connection.socket.emit('protocol-message', Buffer.from([1]))
    await until('an error without a callback', () => connection.errors.some((error) => error.code === 'bad-envelope'))
    await connection.ask('sync-request', {})
    const again = await connection.ask('protocol-message', envelope('r', 'd', good))
    assert(again.version === last.version, 'what is known is acknowledged where everything is')

    // Beyond the largest message the connection ends, and a new one goes on.
    const log = await records(server, 'r', 'd')
    assert(log.length === 5 && log.every((record) => record.version === positions[log.indexOf(record)].version), 'five records')
    const bad_name = new SocketConnection(server, { transports: ['websocket'], auth: { roomId: '' } })
    const told = await new Promise((resolve) => bad_name.socket.once('connect_error', resolve))
    bad_name.close()
    assert(told.data?.code === 'bad-metadata', `connect_error: ${JSON.stringify(told.data)}`)
    return `${positions.length} positions, full and partial recovery, every refusal`
  } finally {
    connection.close()
  }
}

/** With syncs that take 300 ms no acknowledgement is sooner; with syncs that fail there is none. */
export async function socketio_acks_follow_syncs(context) {
  if (!context.unsynced || !fs.existsSync(context.unsynced)) return context.skip('no interposer: ./dev build ci')
  const first = async (server, connection) => {
    const doc = new Y.Doc()
    let update
    doc.on('update', (bytes) => (update = bytes))
    doc.getText('content').insert(0, 'x')
    const begin = performance.now()
    const reply = await connection.socket.timeout(15_000).emitWithAck('protocol-message', envelope('r', 'd', update_message(update))).catch((error) => ({ none: String(error) }))
    return { reply, ms: performance.now() - begin }
  }
  const preload = async (env) => {
    const server = await context.server()
    server.options.env = { LD_PRELOAD: path.resolve(context.unsynced), WEFT_UNSYNCED_DIR: server.scratch, ...env }
    return server
  }
  const slow = await preload({ WEFT_SYNC_DELAY_MS: '300' })
  await slow.start()
  const patient = new SocketConnection(slow, { transports: ['websocket'], auth: { roomId: 'r', docId: 'd' } })
  let took
  try {
    await until('the connection', () => patient.socket.connected)
    await patient.ask('sync-request', {})
    const { reply, ms } = await first(slow, patient)
    assert(reply.version !== undefined, JSON.stringify(reply))
    assert(ms >= 300, `acknowledged after ${ms.toFixed(0)} ms, before the sync was over`)
    took = ms
  } finally {
    patient.close()
  }
  const failing = await preload({ WEFT_SYNC_FAIL_AFTER: '60' })
  await failing.start()
  const writer = new SocketConnection(failing, { transports: ['websocket'], auth: { roomId: 'r', docId: 'd' } })
  let acknowledged = 0
  try {
    await until('the connection', () => writer.socket.connected)
    await writer.ask('sync-request', {})
    for (;;) {
      const { reply } = await first(failing, writer)
      if (reply.version === undefined) {
        assert(reply.error?.retry === true, `a failed append is told as one to try again: ${JSON.stringify(reply)}`)
        break
      }
      assert(++acknowledged < 200, 'the syncs never failed')
    }
    assert((await failing.get('/readyz')).status === 503, 'a log that cannot sync is not ready')
  } finally {
    writer.close()
  }
  // What was acknowledged survives the loss of every unsynced byte.
  await failing.stop('SIGUSR2')
  delete failing.options.env.WEFT_SYNC_FAIL_AFTER
  await failing.start()
  const log = await records(failing, 'r', 'd')
  assert(log.length >= acknowledged, `${log.length} records of ${acknowledged} acknowledged`)
  return `${took.toFixed(0)} ms with syncs of 300; ${acknowledged} acknowledged before syncs failed, all there`
}
