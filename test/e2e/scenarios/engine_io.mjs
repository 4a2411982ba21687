// Engine.IO 4 byte by byte against examples/socketio_echo.

import { PollingSession, RawSocket } from '../lib/echo.mjs'
import { assert } from '../lib/wait.mjs'

const path = '/engine.io/'
const separator = '\x1e'

function same(what, got, expected) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(expected)]
  assert(a === b, `${what}: ${a} instead of ${b}`)
}

async function handshakes(server) {
  const expected = { pingInterval: 300, pingTimeout: 200, maxPayload: 1000000 }
  const { sid, ...polling } = (await PollingSession.open(server, path)).handshake
  assert(typeof sid === 'string' && sid.length >= 20, `the session is called ${sid}`)
  same('a handshake by polling', polling, { upgrades: ['websocket'], ...expected })
  const socket = new RawSocket(server, path)
  const { sid: other, ...websocket } = JSON.parse((await socket.next()).slice(1))
  assert(other !== sid, 'two sessions have one name')
  same('a handshake by WebSocket', websocket, { upgrades: [], ...expected })
  socket.close()
}

async function refusals(server) {
  const ask = async (query, method = 'GET') => {
    const response = await fetch(`${server.http}${path}?${query}`, { method })
    return [response.status, await response.json()]
  }
  const refused = (code, message) => [400, { code, message }]
  same('no transport', await ask('EIO=4'), refused(0, 'Transport unknown'))
  same('a foreign transport', await ask('EIO=4&transport=pigeon'), refused(0, 'Transport unknown'))
  same('a foreign session', await ask('EIO=4&transport=polling&sid=abc'), refused(1, 'Session ID unknown'))
  same('POST', await ask('EIO=4&transport=polling', 'POST'), refused(2, 'Bad handshake method'))
  same('PUT', await ask('EIO=4&transport=polling', 'PUT'), refused(2, 'Bad handshake method'))
  same('no upgrade', await ask('EIO=4&transport=websocket'), refused(3, 'Bad request'))
  same('no version', await ask('transport=polling'), refused(5, 'Unsupported protocol version'))
  same('version 3', await ask('EIO=3&transport=polling'), refused(5, 'Unsupported protocol version'))
  for (const query of ['transport=websocket', 'EIO=abc&transport=websocket', 'EIO=4', 'EIO=4&transport=abc']) {
    const failed = await new RawSocket(server, path, query).opened.then(() => false, () => true)
    assert(failed, `a WebSocket with ${query} was opened`)
  }
}

async function messages(server) {
  const session = await PollingSession.open(server, path)
  for (const payload of ['4hello', ['4one', '4two', '4three'].join(separator), ['4h\u00e4llo \u{1f600}', 'bAQIDBA=='].join(separator), 'b']) {
    same('a POST', await session.post(payload), { status: 200, text: 'ok' })
    same('what came back', await session.poll(), { status: 200, text: payload })
  }
  const socket = new RawSocket(server, path)
  await socket.next()
  for (const message of ['4hello', '4', `4${'x'.repeat(100_000)}`, Buffer.from([1, 2, 3, 4]), Buffer.alloc(0), Buffer.alloc(70_000, 7)]) {
    socket.send(message)
    const back = await socket.next_packet()
    assert(Buffer.isBuffer(back) === Buffer.isBuffer(message) && Buffer.from(back).equals(Buffer.from(message)), `another message came back for one of ${message.length}`)
  }
  socket.close()
}

async function invalid_packets(server) {
  for (const wrong of ['abc', '', '4fine' + separator, 'b@', '7', Buffer.from([0x34, 0xff])]) {
    const session = await PollingSession.open(server, path)
    same(`a payload ${JSON.stringify(wrong)}`, (await session.post(wrong)).status, 400)
    same('the session after it', (await session.poll()).status, 400)
  }
  const octets = await PollingSession.open(server, path)
  same('a payload of octets', (await octets.post('4a', { 'Content-Type': 'application/octet-stream' })).status, 400)
  for (const wrong of ['abc', '', '2', '2probe']) {
    const socket = new RawSocket(server, path)
    await socket.next()
    socket.send(wrong)
    await socket.closed
  }
}

async function two_at_once(server) {
  const session = await PollingSession.open(server, path)
  const first = session.poll()
  const answers = [await session.poll(), await first]
  // Which of the two comes in first is the network's affair.
  answers.sort((a, b) => a.status - b.status)
  same('the poll that waited', answers[0], { status: 200, text: '1' })
  same('the one beside it', answers[1].status, 400)
  same('the session after it', (await session.poll()).status, 400)
}

async function heartbeats(server) {
  const session = await PollingSession.open(server, path)
  const socket = new RawSocket(server, path)
  await socket.next()
  const polled = (async () => {
    for (let i = 0; i < 3; i++) {
      same('a ping by polling', await session.poll(), { status: 200, text: '2' })
      same('its answer', await session.post('3'), { status: 200, text: 'ok' })
    }
  })()
  for (let i = 0; i < 3; i++) {
    same('a ping by WebSocket', await socket.next(), '2')
    socket.send('3')
  }
  await polled
  // Those that do not answer any more are let go.
  same('the last ping', await session.poll(), { status: 200, text: '2' })
  same('the end of who does not answer', await session.poll(), { status: 200, text: '1' })
  await socket.closed
}

async function closes(server) {
  const session = await PollingSession.open(server, path)
  const waiting = session.poll()
  same('what comes back', await session.post('4last'), { status: 200, text: 'ok' })
  same('the poll', (await waiting).text, '4last')
  same('a close', await session.post('1'), { status: 200, text: 'ok' })
  same('the session after it', (await session.poll()).status, 400)
  const socket = new RawSocket(server, path)
  await socket.next()
  socket.send('1')
  await socket.closed
}

async function upgrades(server) {
  const session = await PollingSession.open(server, path)
  const waiting = session.poll()
  const query = `EIO=4&transport=websocket&sid=${session.handshake.sid}`
  const socket = new RawSocket(server, path, query)
  await socket.opened
  socket.send('2probe')
  same('the answer to a probe', await socket.next(), '3probe')
  same('the poll that waited', await waiting, { status: 200, text: '6' })
  same('a poll behind the probe', await session.poll(), { status: 200, text: '6' })
  socket.send('5')
  socket.send('4hello')
  same('the first message', await socket.next_packet(), '4hello')
  same('a poll beside the socket', (await session.poll()).status, 400)
  same('a POST beside the socket', (await session.post('4x')).status, 400)
  await new RawSocket(server, path, query).closed
  socket.send('4again')
  same('the session after all that', await socket.next_packet(), '4again')
  socket.close()

  const abandoned = await PollingSession.open(server, path)
  const wrong = new RawSocket(server, path, `EIO=4&transport=websocket&sid=${abandoned.handshake.sid}`)
  await wrong.opened
  wrong.send('4no probe')
  await wrong.closed
  same('a session whose upgrade failed', await abandoned.post('4still here'), { status: 200, text: 'ok' })
}

async function limits(server) {
  const session = await PollingSession.open(server, path)
  same('a payload of 1,000,001 bytes', (await session.post(`4${'x'.repeat(1_000_000)}`)).status, 413)
  const socket = new RawSocket(server, path)
  await socket.next()
  socket.send(`4${'x'.repeat(999_999)}`)
  same('a message of 1,000,000 bytes', (await socket.next_packet()).length, 1_000_000)
  socket.send(Buffer.alloc(1_000_001))
  same('the close code of a longer one', await socket.closed, 1009)
}

async function origins(server) {
  const url = `${server.http}${path}?EIO=4&transport=polling`
  const ask = (origin, options) => fetch(url, { ...options, headers: { Origin: origin, ...options?.headers } })
  const preflight = await ask('https://friend.example', { method: 'OPTIONS', headers: { 'Access-Control-Request-Method': 'POST' } })
  same('a preflight', preflight.status, 204)
  same('its methods', preflight.headers.get('access-control-allow-methods'), 'GET, POST')
  for (const response of [preflight, await ask('https://friend.example')]) {
    same('the origin', response.headers.get('access-control-allow-origin'), 'https://friend.example')
    same('cookies', response.headers.get('access-control-allow-credentials'), 'true')
    same('caches', response.headers.get('cache-control'), 'no-store')
  }
  same('a stranger', (await ask('https://stranger.example')).headers.get('access-control-allow-origin'), null)
}

/** What the protocol's own suite looks at, and some more. */
export async function engine_io_on_the_wire(context) {
  const server = await context.echo(['--origins', 'https://friend.example'])
  const checks = [handshakes, refusals, messages, invalid_packets, two_at_once, heartbeats, closes, upgrades, limits, origins]
  for (const check of checks) {
    await check(server).catch((error) => {
      throw new Error(`${check.name}: ${error.message}`, { cause: error })
    })
  }
  same('the exit code', (await server.stop()).code, 0)
  return `${checks.length} groups of checks`
}
