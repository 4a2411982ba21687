// A process of examples/socketio_echo on a free port, and clients of its protocols byte by byte.

import { spawn } from 'node:child_process'
import net from 'node:net'
import WebSocket from 'ws'

export class EchoServer {
  static async start(program, args) {
    const server = new EchoServer()
    server.process = spawn(program, ['--port', '0', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    server.output = ''
    server.exit = new Promise((resolve) => {
      server.process.once('error', (error) => resolve({ code: null, error }))
      server.process.once('exit', (code, signal) => resolve({ code, signal }))
    })
    const listening = new Promise((resolve) => {
      const hear = (chunk) => {
        server.output += chunk
        const found = /listening on port (\d+)/.exec(server.output)
        if (found) resolve(Number(found[1]))
      }
      server.process.stdout.on('data', hear)
      server.process.stderr.on('data', hear)
    })
    server.port = await Promise.race([listening, server.exit.then((exit) => {
      throw new Error(`${program} ended: ${JSON.stringify(exit)} ${server.output}`)
    })])
    return server
  }

  get http() {
    return `http://127.0.0.1:${this.port}`
  }

  get ws() {
    return `ws://127.0.0.1:${this.port}`
  }

  /** Waits for the end: {code, signal}. */
  stop(signal = 'SIGTERM') {
    this.process.kill(signal)
    return this.exit
  }
}

/** A session that polls: `path` is '/engine.io/' or '/socket.io/'. */
export class PollingSession {
  static async open(server, path) {
    const session = new PollingSession()
    session.base = `${server.http}${path}?EIO=4&transport=polling`
    const text = await (await fetch(session.base)).text()
    session.handshake = JSON.parse(text.slice(1))
    session.url = `${session.base}&sid=${session.handshake.sid}`
    return session
  }

  /** {status, text} of one poll. */
  async poll() {
    const response = await fetch(this.url)
    return { status: response.status, text: await response.text() }
  }

  async post(body, headers = {}) {
    const response = await fetch(this.url, { method: 'POST', body, headers })
    return { status: response.status, text: await response.text() }
  }
}

/** A WebSocket whose messages wait until they are asked for. Texts are strings, bytes are Buffers. */
export class RawSocket {
  constructor(server, path, query = 'EIO=4&transport=websocket') {
    this.waiting = []
    this.wanted = []
    this.socket = new WebSocket(`${server.ws}${path}?${query}`)
    this.opened = new Promise((resolve, reject) => {
      this.socket.once('open', resolve)
      this.socket.once('error', reject)
    })
    this.opened.catch(() => {})
    this.socket.on('error', () => {})
    /** The close code. */
    this.closed = new Promise((resolve) => this.socket.once('close', resolve))
    this.closed.then((code) => this.wanted.splice(0).forEach(({ reject }) => reject(new Error(`closed with ${code}`))))
    this.socket.on('message', (data, binary) => {
      const message = binary ? data : data.toString()
      const next = this.wanted.shift()
      if (next) next.resolve(message)
      else this.waiting.push(message)
    })
  }

  /** The next message. */
  next() {
    if (this.waiting.length > 0) return Promise.resolve(this.waiting.shift())
    if (this.socket.readyState === WebSocket.CLOSED) return Promise.reject(new Error('closed'))
    return new Promise((resolve, reject) => this.wanted.push({ resolve, reject }))
  }

  /** The next message that is no heartbeat; heartbeats are answered. */
  async next_packet() {
    for (;;) {
      const message = await this.next()
      if (message !== '2') return message
      this.send('3')
    }
  }

  send(message) {
    this.socket.send(message)
  }

  close() {
    this.socket.terminate()
  }
}

/** A way to the server on which each piece takes up to `delay_ms`, in order: {http, close()}. */
export async function slow_path(server, random, delay_ms) {
  const pass = (from, to) => {
    let arrived = Promise.resolve()
    const later = (work) => {
      const delay = random.below(delay_ms + 1)
      arrived = arrived.then(() => new Promise((resolve) => setTimeout(resolve, delay))).then(work)
    }
    from.on('data', (piece) => later(() => to.write(piece)))
    from.on('end', () => later(() => to.end()))
    from.on('error', () => to.destroy())
  }
  const sockets = new Set()
  const proxy = net.createServer((client) => {
    const upstream = net.connect(server.port, '127.0.0.1')
    sockets.add(client).add(upstream)
    pass(client, upstream)
    pass(upstream, client)
  })
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  return {
    http: `http://127.0.0.1:${proxy.address().port}`,
    close() {
      proxy.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
