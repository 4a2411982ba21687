// A program that embeds Weft: its own users and namespace, and hooks that hear of persistence.

import path from 'node:path'
import { io } from 'socket.io-client'
import { EmbeddedServer } from '../lib/embedded.mjs'
import { SocketConnection } from '../lib/socketio_client.mjs'
import { assert, until } from '../lib/wait.mjs'

export async function a_program_embeds_weft(context) {
  const server = await EmbeddedServer.start(context.embedded)
  const sockets = []
  try {
    const connect = async (name, query) => {
      const token = await server.log_in(name, query)
      const connection = new SocketConnection(server, { transports: ['websocket'], auth: { roomId: 'team', token } })
      sockets.push(connection)
      return { connection, token, document: connection.document('team', 'notes') }
    }
    const ada = await connect('ada')
    const eve = await connect('eve', '&read-only=yes')
    await until('both are synced', () => ada.document.synced && eve.document.synced)
    ada.document.text.insert(0, 'embedded')
    await ada.document.until_saved()
    await until('the reader sees it', () => eve.document.text.toString() === 'embedded')
    await until('the hook heard of it', () => server.lines.some((line) => line.persistUpdate === 'team/notes' && line.identity === 'ada'))
    eve.document.text.insert(0, 'x')
    await until('the program lets nobody write who may only read', () => eve.document.problems.some(({ code }) => code === 'forbidden'))

    // Who has logged out is not let in again.
    const gone = await fetch(`${server.http}/logout?token=${eve.token}`, { method: 'POST' })
    assert(gone.ok, 'logout')
    const late = await eve.connection.ask('authorize', { token: eve.token }).catch((error) => error)
    assert(late.code === 'unauthenticated', JSON.stringify(late))

    // The program's own namespace, over the same connection as its documents.
    const chat = ada.connection.socket.io.socket('/chat')
    chat.connect()
    const other = io(`${server.http}/chat`, { transports: ['websocket'], forceNew: true })
    sockets.push(other)
    await until('both are in the chat', () => chat.connected && other.connected)
    const heard = new Promise((resolve) => other.once('said', resolve))
    const listeners = await chat.timeout(10_000).emitWithAck('say', { text: 'hello' })
    assert(listeners === 2, `${listeners} listeners`)
    assert((await heard).text === 'hello', 'it is heard')

    for (const socket of sockets.splice(0)) socket.close()
    const { code } = await server.stop()
    assert(code === 0, `ended with ${code}: ${server.errors}`)
    const snapshot = server.lines.find((line) => line.persistResult === 'team/notes')
    assert(snapshot?.storageLocation?.startsWith('rocksdb:') && snapshot.version === 0, JSON.stringify(server.lines))
    return `${path.basename(context.embedded)}: ${server.lines.length} lines of its hooks`
  } finally {
    for (const socket of sockets) socket.close()
    if (server.process.exitCode === null) await server.stop('SIGKILL')
  }
}
