// A reverse proxy before a server, in which single transports can be blocked and connections cut.

import http from 'node:http'
import net from 'node:net'

const paths = { socketio: '/socket.io/', websocket: '/ws/', http: '/v1/' }

export class Gate {
  constructor(port) {
    this.target = port
    this.blocked = new Set() // of socketio, polling, websocket, http; "upgrade" blocks every WebSocket
    this.sockets = new Set()
    this.seen = []
  }

  async start() {
    this.server = http.createServer((request, response) => this.#pass(request, response))
    this.server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
    this.server.on('connection', (socket) => {
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
    })
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    this.url = `http://127.0.0.1:${this.server.address().port}`
    return this
  }

  #refuses(url, upgrade) {
    const transport = Object.keys(paths).find((name) => url.startsWith(paths[name]))
    this.seen.push(transport)
    return this.blocked.has(transport) || this.blocked.has('all') || (upgrade && this.blocked.has('upgrade'))
  }

  #pass(request, response) {
    if (this.#refuses(request.url, false)) return response.writeHead(403, { 'content-type': 'text/html' }).end('<h1>blocked</h1>')
    const { method, url, headers } = request
    const onward = http.request({ host: '127.0.0.1', port: this.target, method, path: url, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers)
      answer.on('error', () => response.destroy())
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    response.on('close', () => onward.destroy())
    request.pipe(onward)
  }

  #upgrade(request, socket, head) {
    socket.on('error', () => {})
    if (this.#refuses(request.url, true)) return socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')
    const onward = net.connect(this.target, '127.0.0.1', () => {
      const lines = [`${request.method} ${request.url} HTTP/1.1`]
      for (let i = 0; i < request.rawHeaders.length; i += 2) lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`)
      onward.write(`${lines.join('\r\n')}\r\n\r\n`)
      onward.write(head)
      socket.pipe(onward).pipe(socket)
    })
    onward.on('error', () => socket.destroy())
    socket.on('close', () => onward.destroy())
    onward.on('close', () => socket.destroy())
  }

  /** Cuts what is connected. */
  cut() {
    for (const socket of this.sockets) socket.destroy()
  }

  block(...transports) {
    this.blocked = new Set(transports)
  }

  async stop() {
    this.cut()
    await new Promise((resolve) => this.server.close(resolve))
  }
}
