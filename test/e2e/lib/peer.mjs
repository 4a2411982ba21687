// Clients as processes of their own, which edit when they are told to. A request and its answer are
// a line of JSON each, in order:
//   {do: 'edit', count}     that many random edits; {client, clock}: whose, and where they end
//   {do: 'present', name}   says who it is, by awareness
//   {do: 'report'}          {synced, people, content, …}: whom it sees, and lib/edits.mjs' content_of
//   {do: 'leave'}           says good-bye (weft-provider)

import { spawn } from 'node:child_process'
import readline from 'node:readline'
import { fileURLToPath } from 'node:url'

const path_of = (script) => fileURLToPath(new URL(`../clients/${script}`, import.meta.url))

export class Peer {
  /** A weft-provider on one transport: see clients/provider_editor.mjs. */
  static provider(server, room, doc, kind, seed) {
    return new Peer(process.execPath, [path_of('provider_editor.mjs'), server.http, room, doc, kind, String(seed)])
  }

  static pycrdt(python, server, room, doc, seed) {
    return new Peer(python, [path_of('pycrdt_editor.py'), `${server.ws}/ws/${room}/${doc}`, String(seed)])
  }

  constructor(command, args) {
    this.said = ''
    this.asked = []
    this.process = spawn(command, args)
    this.process.stderr.on('data', (chunk) => (this.said = `${this.said}${chunk}`.slice(-4000)))
    this.process.stdin.on('error', () => {}) // it has ended, which is told below
    readline.createInterface({ input: this.process.stdout }).on('line', (line) => this.asked.shift()?.resolve(JSON.parse(line)))
    const fail = (why) => {
      this.failure = new Error(`${args[0]} ended: ${why}\n${this.said}`)
      for (const { reject } of this.asked.splice(0)) reject(this.failure)
    }
    this.process.once('error', fail)
    this.ended = new Promise((resolve) => this.process.once('close', (code, signal) => {
      fail(signal ?? `exit code ${code}`)
      resolve()
    }))
  }

  ask(request) {
    if (this.failure) return Promise.reject(this.failure)
    return new Promise((resolve, reject) => {
      this.asked.push({ resolve, reject })
      this.process.stdin.write(`${JSON.stringify(request)}\n`)
    })
  }

  edit(count) {
    return this.ask({ do: 'edit', count })
  }

  present(name) {
    return this.ask({ do: 'present', name })
  }

  report() {
    return this.ask({ do: 'report' })
  }

  leave() {
    return this.ask({ do: 'leave' })
  }

  /** Ends it without a word to the server. */
  close() {
    this.process.kill('SIGKILL')
    return this.ended
  }
}
