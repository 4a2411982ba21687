// A reader of server-sent events as a browser is one: it remembers the last id and comes back with it.

import http from 'node:http'
import { turn } from './wait.mjs'

export class EventReader {
  /** Reads until close(), over as many connections as it takes. */
  constructor(url, headers = {}) {
    this.url = url
    this.headers = headers
    this.events = []
    this.connections = 0
    this.last_id = null
    this.running = this.#run()
  }

  of(type) {
    return this.events.filter((event) => event.type === type)
  }

  async #run() {
    while (!this.closed) {
      await this.#read()
      await turn()
    }
  }

  /** One connection to its end, whatever ends it. */
  #read() {
    return new Promise((resolve) => {
      const id = this.last_id === null ? {} : { 'Last-Event-ID': this.last_id }
      this.request = http.get(this.url, { agent: false, headers: { ...this.headers, ...id } }, (response) => {
        if (response.statusCode !== 200) {
          response.resume()
          return resolve()
        }
        this.connections += 1
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk) => {
          text += chunk
          for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
            this.#take(text.slice(0, end))
            text = text.slice(end + 2)
          }
        })
        response.on('error', () => {})
        response.on('close', resolve)
      })
      this.request.on('error', () => resolve())
    })
  }

  #take(block) {
    const fields = {}
    for (const line of block.split('\n')) {
      const colon = line.indexOf(': ')
      if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2)
    }
    if (fields.id !== undefined) this.last_id = fields.id
    if (fields.data !== undefined) this.events.push({ type: fields.event, id: fields.id, data: JSON.parse(fields.data) })
  }

  close() {
    this.closed = true
    this.request?.destroy()
    return this.running
  }
}
