// Opens a document as an application does, with the provider that npm has for the server, until the
// provider says that it is synced; then compares the text.
//   node open_stock.mjs ws://HOST:PORT NAME DIR [y | hocuspocus]   (DIR as made by make_large.mjs)
// Prints JSON. Exit status 1 when the text is another.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

const TIMEOUT_MS = 90_000

const [url, name, dir, dialect = 'y'] = process.argv.slice(2)
if (dir === undefined) {
  console.error('usage: open_stock.mjs ws://HOST:PORT NAME DIR [y | hocuspocus]')
  process.exit(2)
}
const about = JSON.parse(readFileSync(join(dir, 'about.json')))
const doc = new Y.Doc()
let connections = 0
const connected = ({ status }) => { if (status === 'connected') connections++ }

function fail(error) {
  console.log(JSON.stringify({ error, connections }))
  process.exit(1)
}
const timer = setTimeout(() => fail(`not synced after ${TIMEOUT_MS / 1000} s`), TIMEOUT_MS)

/** Resolves when the provider has synced. */
function open() {
  return new Promise((resolve) => {
    if (dialect === 'hocuspocus') {
      const websocketProvider = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: WebSocket })
      websocketProvider.on('connect', () => connections++)
      const provider = new HocuspocusProvider({ websocketProvider, name, document: doc })
      provider.on('synced', ({ state }) => { if (state) resolve() })
      provider.attach()
    } else {
      const provider = new WebsocketProvider(url, name, doc, { WebSocketPolyfill: WebSocket, disableBc: true })
      provider.on('status', connected)
      provider.on('sync', (synced) => { if (synced) resolve() })
    }
  })
}

const begin = performance.now()
await open()
const ms = performance.now() - begin
clearTimeout(timer)
const text = doc.getText('content').toString()
const verified = createHash('sha256').update(text).digest('hex') === about.text_sha256
const client_rss = process.resourceUsage().maxRSS * 1024
console.log(JSON.stringify({ ms, verified, connections, client_rss, text_length: text.length }))
process.exit(verified ? 0 : 1)
