// Who may do what: JSON Web Tokens of a library that was not written here, over every gateway.

import fs from 'node:fs'
import path from 'node:path'
import { SignJWT, exportSPKI, generateKeyPair } from 'jose'
import * as Y from 'yjs'
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness'
import { Client, websocket_class } from '../lib/client.mjs'
import { WebsocketProvider } from 'y-websocket'
import { EventReader } from '../lib/events.mjs'
import { SocketConnection, envelope, update_message } from '../lib/socketio_client.mjs'
import { assert, until } from '../lib/wait.mjs'
import { YSocketIoClient } from '../lib/y_socket_io.mjs'

const all = { documents: [{ room: 'team' }], list: true }

/** An issuer with a key pair, and a server that takes its tokens alone. */
async function guarded_server(context, args = []) {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const issue = (sub, weft, lifetime_s = 600, key = privateKey) => {
    const token = new SignJWT({ weft }).setProtectedHeader({ alg: 'ES256' }).setSubject(sub).setIssuedAt()
    return token.setExpirationTime(Math.floor(Date.now() / 1000) + lifetime_s).sign(key)
  }
  const server = await context.server({ args })
  const key_file = path.join(server.scratch, 'key.pem')
  fs.writeFileSync(key_file, await exportSPKI(publicKey))
  server.options.args = ['--authorization.enabled', 'on', '--authorization.key_file', key_file, '--authorization.algorithm', 'ES256', ...args]
  await server.start()
  return { server, issue }
}

/** A stock y-websocket client with a token. */
function stock(server, token, name = 'team/notes') {
  const doc = new Y.Doc()
  const closes = []
  const provider = new WebsocketProvider(`${server.ws}/ws`, name, doc, {
    params: token === undefined ? {} : { token },
    WebSocketPolyfill: websocket_class({}), disableBc: true, maxBackoffTime: 300,
  })
  provider.on('connection-close', (event) => closes.push(event?.code))
  provider.on('connection-error', () => {})
  return { doc, provider, closes, text: doc.getText('content'), destroy: () => provider.destroy() }
}

const read_only = { documents: [{ room: 'team', documentPrefix: 'not', rights: ['read', 'awareness'] }] }

/** Tokens decide who reads, writes, is seen and lists, over every gateway; what is stored says who. */
export async function authorization(context) {
  const { server, issue } = await guarded_server(context)
  const clients = []
  const open = (token, name) => {
    const client = stock(server, token, name)
    clients.push(client)
    return client
  }
  const bearer = (token) => ({ headers: { authorization: `Bearer ${token}` } })
  const ada = await issue('ada', all)
  const eve = await issue('eve', read_only)
  const forged = await issue('ada', all, 600, (await generateKeyPair('ES256')).privateKey)
  const stranger = await issue('mallory', { documents: [{ room: 'elsewhere' }] })

  // y-websocket
  const writer = open(ada)
  const reader = open(eve)
  await until('both are synced', () => writer.provider.synced && reader.provider.synced)
  writer.text.insert(0, 'written by ada')
  await until('the reader sees it', () => reader.text.toString() === 'written by ada')
  reader.provider.awareness.setLocalStateField('user', { name: 'eve' })
  await until('the reader is seen', () => [...writer.provider.awareness.getStates().values()].some((state) => state.user?.name === 'eve'))
  for (const [token, code] of [[undefined, 4401], ['nonsense', 4401], [forged, 4401], [stranger, 4403]]) {
    const refused = open(token)
    await until(`closed with ${code}`, () => refused.closes.includes(code))
    assert(!refused.provider.shouldConnect, 'a stock client takes it as final')
    assert(refused.text.length === 0, 'nothing was read')
  }
  reader.text.insert(0, 'not allowed ')
  await until('an edit of who may only read is refused', () => reader.closes.includes(4403))
  assert(writer.text.toString() === 'written by ada', 'it reached nobody')

  // HTTP
  const state = '/v1/documents/team/notes/text?root=content'
  for (const [token, status] of [[ada, 200], [eve, 200], [stranger, 403], [forged, 401]]) {
    const answer = await server.get(state, bearer(token))
    assert(answer.status === status, `${status} wanted, got ${answer.status}: ${answer.body}`)
  }
  assert((await server.get(`${state}&token=${eve}`)).status === 200, 'a token in the query')
  assert((await server.get('/v1/documents', bearer(eve))).status === 403, 'eve may not list')
  assert((await server.get('/v1/documents', bearer(ada))).status === 200, 'ada may list')
  const history = JSON.parse((await server.get('/v1/documents/team/notes/history?since=start', bearer(ada))).body)
  assert(history.records.length > 0 && history.records.every((record) => record.identity === 'ada'), JSON.stringify(history.records))

  // Presence over HTTP: who may only read is seen, through a stream of their own and while it is open.
  const route = `${server.http}/v1/documents/team/notes`
  const stream = new EventReader(`${route}/events?awareness=1`, bearer(eve).headers)
  await until('the stream has a name', () => stream.of('start').length === 1)
  const visitor = new Awareness(new Y.Doc())
  visitor.setLocalStateField('user', { name: 'eve by HTTP' })
  const show = async (token) => {
    const body = encodeAwarenessUpdate(visitor, [visitor.clientID])
    const { status } = await fetch(`${route}/awareness?stream=${stream.of('start')[0].data.stream}`, { method: 'POST', body, ...bearer(token) })
    return status
  }
  for (const [token, status] of [[ada, 404], [stranger, 403], [forged, 401], [eve, 204]]) {
    assert(await show(token) === status, `${status} wanted for presence through the stream of eve`)
  }
  const visits = () => [...writer.provider.awareness.getStates().values()].some((state) => state.user?.name === 'eve by HTTP')
  await until('the visitor is seen', visits)
  await stream.close()
  await until('and is gone with the stream', () => !visits())
  visitor.destroy()

  // Socket.IO: refused at the connection, told to be read-only, opened by a new token.
  const refused = new SocketConnection(server, { transports: ['websocket'], auth: { roomId: 'team', docId: 'notes', token: forged } })
  const why = await new Promise((resolve) => refused.socket.once('connect_error', resolve))
  assert(why.data?.code === 'unauthenticated', JSON.stringify(why.data))
  refused.close()
  const socket = new SocketConnection(server, { transports: ['websocket'], auth: { roomId: 'team', token: eve } })
  const document = socket.document('team', 'notes')
  await until('the Socket.IO reader has the text', () => document.text.toString() === 'written by ada')
  assert(document.control.some(({ type, write }) => type === 'permission' && write === false), 'it is told that it may not write')
  document.text.insert(0, 'and by eve: ')
  await until('its edit is refused', () => document.problems.some(({ code }) => code === 'forbidden'))
  const refusal = await socket.ask('authorize', { token: forged }).catch((error) => error)
  assert(refusal.code === 'unauthenticated', `a forged token is refused: ${JSON.stringify(refusal)}`)
  await socket.ask('authorize', { token: await issue('eve', all) })
  await until('it may write now', () => document.control.at(-1)?.write === true)
  await until('the server asked for what it lacks', () => writer.text.toString() === 'and by eve: written by ada')
  const after = JSON.parse((await server.get('/v1/documents/team/notes/history?since=start', bearer(ada))).body)
  assert(after.records.at(-1).identity === 'eve', JSON.stringify(after.records.at(-1)))
  const elsewhere = socket.document('team', 'other')
  await until('a document joined later is opened by the new token', () => elsewhere.synced)
  socket.close()

  // y-socket.io: the same token in its `auth`, beside what the application puts there.
  const named = (token) => {
    const client = new YSocketIoClient(server, 'team/notes', {}, { token, version: 'of the application' })
    clients.push(client)
    return client
  }
  const outsider = named(forged)
  await until('a forged token is refused', () => outsider.refusals.length === 1)
  assert(outsider.refusals[0].data?.code === 'unauthenticated' && !outsider.provider.socket.active, JSON.stringify(outsider.refusals[0].data))
  const guest = named(eve)
  await until('the y-socket.io reader is synced', () => guest.synced && guest.text.toString() === 'and by eve: written by ada')
  guest.text.insert(0, 'not allowed ')
  await until('its edit is refused', () => guest.disconnects.length === 1)
  assert(guest.errors[0]?.code === 'forbidden' && !guest.provider.socket.active, JSON.stringify(guest.errors))
  assert(writer.text.toString() === 'and by eve: written by ada', 'it reached nobody')
  for (const client of clients) client.destroy()
  return `${clients.length} stock clients, 2 of Socket.IO, ${after.records.length} records`
}

/** A session lives as long as its token; a new one, in time or at the next connection, goes on. */
export async function tokens_expire(context) {
  const { server, issue } = await guarded_server(context, ['--hub.keepalive_interval', '200'])
  const brief = await issue('ada', all, 3)
  const client = stock(server, brief)
  const socket = new SocketConnection(server, { transports: ['websocket'], auth: { roomId: 'team', token: brief } })
  const renewed = new SocketConnection(server, { transports: ['websocket'], auth: { roomId: 'team', token: brief } })
  const [left, kept] = [socket.document('team', 'notes'), renewed.document('team', 'notes')]
  try {
    await until('all are synced', () => client.provider.synced && left.synced && kept.synced)
    client.provider.params.token = await issue('ada', all)
    await renewed.ask('authorize', { token: client.provider.params.token })
    await until('the stock client is sent to come back', () => client.closes.includes(4501))
    await until('and comes back with its new token', () => client.provider.synced)
    await until('the other is told', () => socket.errors.some(({ code, retry }) => code === 'expired' && retry))
    kept.text.insert(0, 'still here')
    await kept.until_saved()
    await until('it arrives', () => client.text.toString() === 'still here')
    const late = await socket.ask('protocol-message', envelope('team', 'notes', update_message(Y.encodeStateAsUpdate(kept.doc)))).catch((error) => error)
    assert(late.code === 'unauthenticated', `the expired token opens nothing: ${JSON.stringify(late)}`)
  } finally {
    client.destroy()
    socket.close()
    renewed.close()
  }
}
