// A real server process on a free port with a data directory of its own.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { make_certificate } from './certificate.mjs'
import { until } from './wait.mjs'

export function free_port() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}

export class Server {
  /** options: weft (program), durability, env, args, scratch (parent of the data directory), tls
   * (true: with a certificate of its own, this.tls). */
  constructor(options) {
    this.options = options
    this.process = null
    this.exit = null
    this.starts = 0
  }

  static async create(options) {
    const server = new Server(options)
    server.scratch = fs.mkdtempSync(path.join(options.scratch ?? os.tmpdir(), 'weft-e2e-'))
    server.data = path.join(server.scratch, 'data')
    server.log = path.join(server.scratch, 'server.log')
    server.port = await free_port()
    if (options.tls) server.tls = make_certificate(server.scratch)
    return server
  }

  get http() {
    return `http${this.tls ? 's' : ''}://127.0.0.1:${this.port}`
  }

  get ws() {
    return `ws${this.tls ? 's' : ''}://127.0.0.1:${this.port}`
  }

  /** GET, trusting the certificate: {status, headers, body}. */
  get(route, options = {}) {
    return new Promise((resolve, reject) => {
      const request = (this.tls ? https : http).get(this.http + route, { ca: this.tls?.ca, agent: false, ...options }, (response) => {
        const chunks = []
        response.on('data', (chunk) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() }))
      })
      request.on('error', reject)
    })
  }

  /** One sample of /metrics; NaN when there is none of that name. */
  async metric(name) {
    return Number(new RegExp(`^${name} (\\S+)`, 'm').exec((await this.get('/metrics')).body)?.[1] ?? NaN)
  }

  /** Starts the process without waiting for it to serve. */
  spawn() {
    const { weft, durability = 'fsync', env = {}, args = [], web } = this.options
    const log = fs.openSync(this.log, 'a')
    const argv = ['serve', '--listen', `127.0.0.1:${this.port}`, '--data', this.data, '--durability', durability]
    if (web) argv.push('--web', web)
    if (this.tls) argv.push('--tls.certificate', this.tls.certificate, '--tls.key', this.tls.key)
    const child = spawn(weft, [...argv, ...args], { stdio: ['ignore', log, log], env: { ...process.env, ...env } })
    fs.closeSync(log)
    this.process = child
    this.starts += 1
    this.exit = new Promise((resolve) => {
      child.once('error', (error) => resolve({ code: null, signal: null, error }))
      child.once('exit', (code, signal) => resolve({ code, signal }))
    })
    this.exit.then(() => {
      if (this.process === child) this.process = null
    })
  }

  async start() {
    this.spawn()
    await this.ready()
    return this
  }

  async ready() {
    await until(
      () => `/readyz of ${this.http}; the log ends with:\n${this.tail()}`,
      async () => {
        if (this.process === null) throw new Error('the server ended')
        return (await this.get('/readyz')).status === 200
      },
      20_000
    )
  }

  /** Sends the signal and waits for the end: {code, signal}. */
  async stop(signal = 'SIGTERM', deadline_ms = 20_000) {
    if (this.process === null) return this.exit
    const child = this.process
    let timer
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => {
        child.kill('SIGKILL')
        reject(new Error(`the server did not end within ${deadline_ms} ms after ${signal}:\n${this.tail()}`))
      }, deadline_ms)
    })
    child.kill(signal)
    try {
      return await Promise.race([this.exit, late])
    } finally {
      clearTimeout(timer)
    }
  }

  async restart(signal) {
    const ended = await this.stop(signal)
    await this.start()
    return ended
  }

  tail(lines = 15) {
    try {
      return fs.readFileSync(this.log, 'utf8').split('\n').slice(-lines).join('\n')
    } catch {
      return '(no log)'
    }
  }

  /** Ends the process; the directory stays when `keep`, for whoever looks into a failure. */
  async dispose(keep = false) {
    if (this.process !== null) await this.stop('SIGKILL')
    if (!keep) fs.rmSync(this.scratch, { recursive: true, force: true })
  }
}
