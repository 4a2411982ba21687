// The stock clients engine.io-client and socket.io-client against examples/socketio_echo.

import { inspect, isDeepStrictEqual } from 'node:util'
import { Socket as EngineClient } from 'engine.io-client'
import { io } from 'socket.io-client'
import { slow_path } from '../lib/echo.mjs'
import { assert, until } from '../lib/wait.mjs'

// Long enough not to end a client that a busy machine holds up.
const calm = ['--ping-interval', '25000', '--ping-timeout', '20000', '--connect-timeout', '45000', '--threads', '2']

const transports = { polling: ['polling'], websocket: ['websocket'], upgrade: ['polling', 'websocket'] }

const once = (emitter, event) => new Promise((resolve) => emitter.once(event, (...args) => resolve(args)))

function same(what, got, expected) {
  const show = (value) => inspect(value, { depth: 6 }).slice(0, 500)
  assert(isDeepStrictEqual(got, expected), `${what}: ${show(got)} instead of ${show(expected)}`)
}

async function use_engine_client(server, name) {
  const client = new EngineClient(server.http, { path: '/engine.io/', transports: transports[name] })
  client.binaryType = 'arraybuffer'
  const heard = []
  client.on('message', (data) => heard.push(typeof data === 'string' ? data : [...new Uint8Array(data)]))
  await once(client, 'open')
  const said = []
  for (let i = 0; i < 200; i++) {
    const message = i % 10 === 9 ? [i, 0, 255] : `message ${i} \u00e4\u{1f600}`
    said.push(message)
    client.send(typeof message === 'string' ? message : Uint8Array.from(message))
  }
  await until(`${name}: 200 messages come back`, () => heard.length === said.length)
  same(`${name}: what comes back`, heard, said)
  if (name === 'upgrade') await until('the client goes over', () => client.transport.name === 'websocket')
  const closed = once(client, 'close')
  client.close()
  await closed
}

async function use_socket_client(server, name) {
  const options = { transports: transports[name], forceNew: true, reconnection: false }
  const socket = io(server.http, { ...options, auth: { token: 'secret' } })
  try {
    const auth = once(socket, 'auth')
    await once(socket, 'connect')
    same(`${name}: auth`, await auth, [{ token: 'secret' }])
    const bytes = Buffer.alloc(200_000, name)
    const nested = { list: [bytes, { deep: Buffer.from([1, 2, 3]) }], text: 'h\u00e4', none: null }
    const back = once(socket, 'message-back')
    socket.emit('message', 1, '2', nested)
    same(`${name}: an event`, await back, [1, '2', nested])
    same(`${name}: an acknowledgement`, await new Promise((resolve) => socket.emit('message-with-ack', 'a', bytes, (...args) => resolve(args))), ['a', bytes])
    socket.once('question', (text, data, reply) => reply(`${text}!`, data))
    const answer = once(socket, 'answer')
    socket.emit('ask-me', 'well', bytes)
    same(`${name}: our acknowledgement`, await answer, ['well!', bytes])
    await namespaces(server, name, socket)
    if (name === 'upgrade') await until('the client goes over', () => socket.io.engine.transport.name === 'websocket')
    const many = []
    socket.on('message-back', (i) => many.push(i))
    for (let i = 0; i < 500; i++) socket.emit('message', i)
    await until(`${name}: 500 events come back`, () => many.length === 500)
    same(`${name}: their order`, many, [...many.keys()])
  } finally {
    socket.disconnect()
  }
}

async function namespaces(server, name, main) {
  const custom = main.io.socket('/custom', {})
  same(`${name}: a second namespace`, await once(custom, 'auth'), [{}])
  assert(custom.id !== main.id, 'two namespaces have one id')
  const random = main.io.socket('/random', {})
  const refused = once(random, 'connect_error')
  same(`${name}: a foreign namespace`, (await refused)[0].message, 'Invalid namespace')
  custom.disconnect()
  const back = once(main, 'message-back')
  main.emit('message', 'still here')
  same(`${name}: the main namespace`, await back, ['still here'])
}

/** Polling alone, WebSocket alone, and from one to the other. */
export async function stock_socket_io_clients(context) {
  const server = await context.echo(calm)
  for (const name of Object.keys(transports)) {
    await use_engine_client(server, name)
    await use_socket_client(server, name)
  }
  const open = io(server.http, { transports: ['websocket'], forceNew: true, reconnection: false })
  await once(open, 'connect')
  const told = once(open, 'disconnect')
  const ended = server.stop()
  same('a server that goes down', (await told)[0], 'transport close')
  same('the exit code', (await ended).code, 0)
  return 'two clients, three ways each'
}

/** A client that does not answer is let go; one that a server does not reach lets go itself. */
export async function socket_io_heartbeats(context) {
  const server = await context.echo()
  for (const name of ['polling', 'websocket']) {
    const client = new EngineClient(server.http, { path: '/engine.io/', transports: transports[name] })
    await once(client, 'open')
    let pings = 0
    client.on('ping', () => pings++)
    await until(`${name}: three heartbeats`, () => pings >= 3)
    same(`${name}: the client`, client.readyState, 'open')
    const closed = once(client, 'close')
    server.process.kill('SIGSTOP')
    same(`${name}: a server that does not reach it`, (await closed)[0], 'ping timeout')
    server.process.kill('SIGCONT')
  }
  return 'pinged by both transports'
}

/** A payload beyond the limit ends the client that sends it, and no other. */
export async function socket_io_payloads_are_bounded(context) {
  const server = await context.echo([...calm, '--max-payload', '100000'])
  const other = io(server.http, { transports: ['websocket'], forceNew: true })
  await once(other, 'connect')
  for (const name of ['polling', 'websocket']) {
    const socket = io(server.http, { transports: transports[name], forceNew: true, reconnection: false })
    await once(socket, 'connect')
    // Many small ones are cut into payloads of the right size.
    const small = []
    socket.on('message-back', (i) => small.push(i))
    for (let i = 0; i < 100; i++) socket.emit('message', i, 'x'.repeat(9000))
    await until(`${name}: 100 events come back`, () => small.length === 100)
    const gone = once(socket, 'disconnect')
    socket.emit('message', 'x'.repeat(100_001))
    const [reason] = await gone
    assert(reason.startsWith('transport'), `${name}: ended by ${reason}`)
    socket.disconnect()
  }
  const back = once(other, 'message-back')
  other.emit('message', 'fine')
  same('another client', await back, ['fine'])
  other.disconnect()
  return '100 events of 9 kB pass a limit of 100 kB, one of 100 kB does not'
}

/** Both sides talk all the time while the client goes over, on a line that takes its time. */
export async function an_upgrade_loses_nothing(context) {
  const server = await context.echo(calm)
  const line = await slow_path(server, context.random, 12)
  const rounds = 24
  const said_by_polling = []
  let messages = 0
  const upgrade = async (round) => {
    const client = new EngineClient(line.http, { path: '/engine.io/' })
    let said = 0
    let upgraded = false
    const heard = []
    const say = () => {
      // Sizes differ, so that payloads and frames end anywhere.
      for (let i = context.random.below(4); i >= 0; i--) client.send(`${said++}:${'x'.repeat(context.random.below(3000))}`)
    }
    client.on('message', (text) => heard.push(Number(text.split(':', 1)[0])))
    client.on('upgrade', () => {
      upgraded = true
      said_by_polling.push(said)
    })
    await once(client, 'open')
    const timer = setInterval(say, 1)
    try {
      await until(`round ${round}: the client goes over`, () => upgraded)
      const behind = said
      await until(`round ${round}: it talks on`, () => said > behind + 50)
    } finally {
      clearInterval(timer)
    }
    await until(`round ${round}: all ${said} come back`, () => heard.length >= said)
    same(`round ${round}: what came back`, heard, [...Array(said).keys()])
    messages += said
    client.close()
  }
  try {
    for (let round = 0; round < rounds; round += 4) await Promise.all([0, 1, 2, 3].map((i) => upgrade(round + i)))
  } finally {
    line.close()
  }
  assert(Math.min(...said_by_polling) > 0, 'a client went over before it had said anything')
  return `${rounds} upgrades, ${messages} messages each way, of which up to ${Math.max(...said_by_polling)} a client before it went over`
}
