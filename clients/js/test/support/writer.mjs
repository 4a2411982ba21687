// A client that is killed: edits a stored document and says what it has done, line by line.
//   node writer.mjs URL TRANSPORT DIRECTORY DOCUMENT

import { fileStore } from '../../dist/file_store.js'
import { provide } from './clients.mjs'

const [url, transport, directory, docId] = process.argv.slice(2)
const provider = provide(url, { docId, transports: [transport], store: fileStore(directory) })
const tokens = provider.doc.getArray('tokens')
const say = (line) => process.stdout.write(`${line}\n`)
provider.on('pending', (pending) => say(`pending ${pending} of ${tokens.length}`))
await provider.whenLoaded
process.on('message', (count) => {
  for (let i = 0; i < count; i += 1) {
    const token = `${provider.doc.clientID}-${i}`
    tokens.push([token])
    say(`made ${token}`)
  }
  process.send('done')
})
process.send('ready')
