// Hocuspocus as its own documentation starts it, in memory.
//   PORT=8080 node hocuspocus.mjs
import { Server } from '@hocuspocus/server'

await new Server({ address: '127.0.0.1', port: Number(process.env.PORT), quiet: true }).listen()
