// A process of examples/embedded_server on a free port, with data of its own. It prints a JSON object
// a line.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import readline from 'node:readline'

export class EmbeddedServer {
  static async start(program) {
    const server = new EmbeddedServer()
    server.scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'weft-embedded-'))
    server.lines = []
    server.errors = ''
    server.process = spawn(program, ['--port', '0', '--data', path.join(server.scratch, 'data')], { stdio: ['ignore', 'pipe', 'pipe'] })
    server.process.stderr.on('data', (chunk) => (server.errors += chunk))
    server.exit = new Promise((resolve) => {
      server.process.once('error', (error) => resolve({ code: null, error }))
      server.process.once('exit', (code, signal) => resolve({ code, signal }))
    })
    const listening = new Promise((resolve) => {
      readline.createInterface({ input: server.process.stdout }).on('line', (line) => {
        const said = JSON.parse(line)
        if (said.listening) resolve(said.listening)
        else server.lines.push(said)
      })
    })
    server.port = await Promise.race([listening, server.exit.then((exit) => {
      throw new Error(`${program} ended: ${JSON.stringify(exit)} ${server.errors}`)
    })])
    server.http = `http://127.0.0.1:${server.port}`
    return server
  }

  /** A token for this name. */
  async log_in(name, query = '') {
    const answer = await fetch(`${this.http}/login?name=${name}${query}`, { method: 'POST' })
    if (!answer.ok) throw new Error(await answer.text())
    return answer.text()
  }

  /** Waits for the end: {code, signal}. */
  async stop(signal = 'SIGTERM') {
    this.process.kill(signal)
    const exit = await this.exit
    fs.rmSync(this.scratch, { recursive: true, force: true })
    return exit
  }
}
