// Asks a y-websocket server for a whole document, again and again, as fast as the answers are taken.
//   node question_flood.mjs PORT PATH [STATE VECTOR in hexadecimal] [CONNECTIONS]
// Prints the bytes it got every second.

import net from 'node:net'
import { frame, upgrade } from '../lib/raw.mjs'

const [port, path, vector = '00', connections = '1'] = process.argv.slice(2)
const state_vector = Buffer.from(vector, 'hex')
const question = frame(Buffer.concat([Buffer.from([0, 0, state_vector.length]), state_vector]))
const batch = Buffer.concat(Array.from({ length: 500 }, () => question))

let taken = 0
for (let i = 0; i < Number(connections); i++) {
  const socket = net.connect({ port: Number(port), host: '127.0.0.1', localAddress: '127.0.0.2' }, () => socket.write(upgrade(path)))
  const ask = () => { while (socket.write(batch)) { /* until the server reads no faster */ } }
  socket.once('data', ask)
  socket.on('drain', ask)
  socket.on('data', (chunk) => { taken += chunk.length })
  socket.on('error', () => {})
  socket.on('close', () => process.exit(1))
}
setInterval(() => {
  console.log(taken)
  taken = 0
}, 1000)
