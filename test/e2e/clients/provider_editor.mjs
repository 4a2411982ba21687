// A weft-provider client as a process of its own, for lib/peer.mjs: it edits when it is told to.
//   node provider_editor.mjs SERVER ROOM DOCUMENT KIND SEED
// KIND is a key of `kinds`. A process, because the provider has a Yjs of its own, and a process should
// have one copy of that only.

import readline from 'node:readline'
import WebSocket from 'ws'
import { content_of, random_edit } from '../lib/edits.mjs'
import { Random } from '../lib/random.mjs'

const provider_home = new URL('../../../clients/js/', import.meta.url)
const Y = await import(new URL('node_modules/yjs/dist/yjs.mjs', provider_home))
const { ProtocolProvider } = await import(new URL('dist/index.js', provider_home))

const kinds = {
  'socketio-websocket': { transports: ['socketio'], socket: { transports: ['websocket'] } },
  'socketio-polling': { transports: ['socketio'], socket: { transports: ['polling'] } },
  websocket: { transports: ['websocket'] },
  http: { transports: ['http'] },
}

const [server, roomId, docId, kind, seed] = process.argv.slice(2)
const random = new Random(Number(seed))
const doc = new Y.Doc()
const provider = new ProtocolProvider(server, { roomId, docId }, doc, {
  WebSocketPolyfill: WebSocket,
  minBackoffTime: 50,
  maxBackoffTime: 400,
  ...kinds[kind],
})
const client = {
  doc,
  text: doc.getText('content'),
  map: doc.getMap('map'),
  array: doc.getArray('array'),
  new_map: () => new Y.Map(),
}

const answers = {
  edit({ count }) {
    for (let i = 0; i < count; i += 1) random_edit(random, client)
    return { client: doc.clientID, clock: Y.getState(doc.store, doc.clientID) }
  },
  present({ name }) {
    provider.awareness.setLocalStateField('user', { name })
    return {}
  },
  async leave() {
    await provider.destroy()
    return {}
  },
  report() {
    const { synced, saved, transport, carrier, refusal } = provider
    const people = [...provider.awareness.getStates().values()].map(({ user }) => user?.name).filter(Boolean)
    return { synced, saved, transport, carrier, refusal, people, content: content_of(Y, doc) }
  },
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  process.stdout.write(`${JSON.stringify(await answers[request.do](request))}\n`)
}
process.exit(0)
