// Stock y-socket.io clients.

import { SocketIOProvider } from 'y-socket.io'
import { Replica } from './client.mjs'

export class YSocketIoClient extends Replica {
  /** `name` as for y-websocket; `socket` are options of socket.io-client, `transports` among them. */
  constructor(server, name, socket = {}, auth = {}) {
    super()
    this.errors = [] // protocol-error
    this.refusals = [] // connect_error
    this.disconnects = [] // reasons
    this.provider = new SocketIOProvider(server.http, name, this.doc, { disableBc: true, auth }, {
      reconnectionDelay: 50, reconnectionDelayMax: 400, ca: server.tls?.ca, ...socket,
    })
    this.provider.socket.on('protocol-error', (error) => this.errors.push(error))
    this.provider.socket.on('disconnect', (reason) => this.disconnects.push(reason))
    this.provider.on('connection-error', (error) => this.refusals.push(error))
  }

  get carrier() {
    return this.provider.socket.io.engine?.transport?.name
  }
}
