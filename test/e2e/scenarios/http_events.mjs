// Live events over crashes: a reader that comes back hears everything once, in order.

import * as Y from 'yjs'
import { EventReader } from '../lib/events.mjs'
import { assert, until } from '../lib/wait.mjs'
import { document_url, fetch_document, publish } from './http.mjs'

export async function events_resume_exactly(context) {
  const { random } = context
  const server = await context.server()
  await server.start()
  const [room, name] = ['team', 'live']
  const url = `${document_url(server, room, name)}/events`
  // One from before there was a document, one on a connection that it drops itself now and then.
  const readers = [new EventReader(url), new EventReader(url)]
  const doc = new Y.Doc()
  const updates = []
  doc.on('update', (update) => updates.push(update))
  const acknowledged = new Map()
  const crashes = 4
  try {
    await until('both readers begin', () => readers.every((reader) => reader.of('start').length === 1))
    for (let round = 0; round <= crashes; round++) {
      const end = 30 + random.below(30)
      for (let i = 0; i < end; i++) {
        doc.getText('content').insert(0, `${round}.${i} `)
        const update = updates.pop()
        const response = await publish(server, room, name, update)
        assert(response.status === 201, `a publish is ${response.status}`)
        acknowledged.set((await response.json()).version, Buffer.from(update).toString('base64'))
        if (i % 17 === 5) readers[1].request.destroy()
      }
      if (round === crashes) break
      // In flight when the server dies: it may be in the log or not, and counts if it is.
      doc.getText('content').insert(0, 'in flight ')
      const late = publish(server, room, name, updates.pop()).catch(() => null)
      await server.stop('SIGKILL')
      await late
      await server.start()
      // What was never stored is published again with what follows: as a client would do it.
      const stored = await fetch_document(server, room, name)
      const missing = Y.encodeStateAsUpdate(doc, Y.encodeStateVector(stored))
      const response = await publish(server, room, name, missing)
      assert(response.status === 201, `catching up is ${response.status}`)
      await response.arrayBuffer()
    }
    const last = Math.max(...acknowledged.keys())
    for (const [index, reader] of readers.entries()) {
      await until(() => `reader ${index} hears version ${last}; it has ${reader.of('update').length} updates`,
        () => reader.of('update').at(-1)?.data.version === last)
      const heard = reader.of('update')
      assert(heard.every((event, position) => event.data.version === position), `reader ${index} has gaps or repetitions: ` +
        `${heard.map((event) => event.data.version)}`)
      for (const [version, update] of acknowledged) assert(heard[version].data.update === update, `version ${version} is another edit`)
      assert(reader.of('reset').length === 0, `reader ${index} was reset`)
      const replica = new Y.Doc()
      for (const event of heard) Y.applyUpdate(replica, Buffer.from(event.data.update, 'base64'))
      assert(replica.getText('content').toString() === doc.getText('content').toString(), `reader ${index} shows another text`)
      assert(reader.connections > crashes, `reader ${index} had ${reader.connections} connections`)
    }
    return `${last + 1} edits over ${crashes} crashes, ${readers.map((reader) => reader.connections).join(' and ')} connections`
  } finally {
    await Promise.all(readers.map((reader) => reader.close()))
  }
}
