// Socket.IO 5 byte by byte against examples/socketio_echo.

import { PollingSession, RawSocket } from '../lib/echo.mjs'
import { assert } from '../lib/wait.mjs'

const path = '/socket.io/'

const show = (messages) => JSON.stringify(messages.map((message) => (Buffer.isBuffer(message) ? [...message] : message)))
function same(what, got, expected) {
  assert(show([got].flat()) === show([expected].flat()), `${what}: ${show([got].flat())} instead of ${show([expected].flat())}`)
}

async function opened(server) {
  const socket = new RawSocket(server, path)
  await socket.next()
  return socket
}

/** Connects to a namespace; what the server said to it: [connect, auth]. */
async function connect(socket, packet = '40') {
  socket.send(packet)
  return [await socket.next_packet(), await socket.next_packet()]
}

async function connected(server) {
  const socket = await opened(server)
  await connect(socket)
  return socket
}

async function connects(server) {
  for (const [packet, prefix, auth] of [
    ['40', '40', '42["auth",{}]'],
    ['40{"token":"123"}', '40', '42["auth",{"token":"123"}]'],
    ['40/custom,', '40/custom,', '42/custom,["auth",{}]'],
    ['40/custom,{"token":"abc"}', '40/custom,', '42/custom,["auth",{"token":"abc"}]'],
  ]) {
    const socket = await opened(server)
    const [answer, event] = await connect(socket, packet)
    assert(answer.startsWith(prefix), `${packet} is answered ${answer}`)
    const said = JSON.parse(answer.slice(prefix.length))
    same('what a client is told', Object.keys(said), ['sid'])
    assert(said.sid.length >= 20, `the connection is called ${said.sid}`)
    same('the auth event', event, auth)
    socket.close()
  }
  const socket = await opened(server)
  socket.send('40/random')
  same('a foreign namespace', await socket.next_packet(), '44/random,{"message":"Invalid namespace"}')
  await connect(socket)
  socket.close()
}

async function says_nothing(server) {
  const began = Date.now()
  const socket = await opened(server)
  await socket.next_packet().catch(() => {})
  await socket.closed
  assert(Date.now() - began >= 900, 'it was closed early')
}

async function leaves(server) {
  const socket = await connected(server)
  await connect(socket, '40/custom,')
  socket.send('41/custom,')
  socket.send('42["message","to the main namespace"]')
  same('the namespace that stays', await socket.next_packet(), '42["message-back","to the main namespace"]')
  await connect(socket, '40/custom,')
  socket.send('41')
  socket.send('42/custom,["message","to the other"]')
  same('the one that came back', await socket.next_packet(), '42/custom,["message-back","to the other"]')
  socket.close()
}

async function events(server) {
  const socket = await connected(server)
  const hear = async (count) => {
    const heard = []
    while (heard.length < count) heard.push(await socket.next_packet())
    return heard
  }
  const bytes = [Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])]
  const holes = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'
  socket.send('42["message",1,"2",{"3":[true]}]')
  same('an event', await hear(1), '42["message-back",1,"2",{"3":[true]}]')
  socket.send(`452-["message",${holes}]`)
  bytes.forEach((one) => socket.send(one))
  same('an event with bytes', await hear(3), [`452-["message-back",${holes}]`, ...bytes])
  socket.send('42456["message-with-ack",1,"2",{"3":[false]}]')
  same('an acknowledgement', await hear(1), '43456[1,"2",{"3":[false]}]')
  socket.send(`452-789["message-with-ack",${holes}]`)
  bytes.forEach((one) => socket.send(one))
  same('an acknowledgement with bytes', await hear(3), [`462-789[${holes}]`, ...bytes])
  socket.send('42["ask-me","why"]')
  same('a question', await hear(1), '420["question","why"]')
  socket.send('430["because"]')
  same('its answer', await hear(1), '42["answer","because"]')
  socket.send('42["ask-me"]')
  same('a question and its end', await hear(2), ['421["question"]', '42["no-answer"]'])
  socket.close()
}

async function by_polling(server) {
  const session = await PollingSession.open(server, path)
  same('connecting', await session.post('40').then(({ text }) => text), 'ok')
  let heard = []
  const hear = async (count) => {
    while (heard.length < count) {
      const { status, text } = await session.poll()
      same('a poll', status, 200)
      const packets = text.split('\x1e')
      if (packets.includes('2')) await session.post('3')
      heard.push(...packets.filter((packet) => packet !== '2'))
    }
    const taken = heard
    heard = []
    return taken
  }
  same('the auth event', (await hear(2))[1], '42["auth",{}]')
  same('an event', (await session.post('451-7["message-with-ack",{"_placeholder":true,"num":0}]\x1ebAQID')).text, 'ok')
  same('its acknowledgement', await hear(2), ['461-7[{"_placeholder":true,"num":0}]', 'bAQID'])
}

async function invalid_packets(server) {
  const hole = '{"_placeholder":true,"num":0}'
  for (const wrong of ['4abc', '42{}', '42[]', '42abc["message-with-ack",1]', '42/unknown,["message"]', '40', '44{}',
    '42["connect"]', `451-["message",${hole.replace('0', '1')}]`, '451-["message"]', Buffer.from([1])]) {
    const socket = await connected(server)
    socket.send(wrong)
    await socket.closed
  }
  const socket = await connected(server)
  socket.send(`451-["message",${hole}]`)
  socket.send('42["message"]')
  await socket.closed
  const early = await opened(server)
  early.send('42["message"]')
  await early.closed
}

/** What the protocol's own suite looks at, and some more. */
export async function socket_io_on_the_wire(context) {
  const server = await context.echo()
  const checks = [connects, says_nothing, leaves, events, by_polling, invalid_packets]
  for (const check of checks) {
    await check(server).catch((error) => {
      throw new Error(`${check.name}: ${error.message}`, { cause: error })
    })
  }
  return `${checks.length} groups of checks`
}
