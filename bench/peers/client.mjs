// A small client of the y-websocket protocol, or of Hocuspocus', for the programs beside it.
import { readFileSync } from 'node:fs'
import WebSocket from 'ws'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

export const STEP1 = 0
export const STEP2 = 1
export const UPDATE = 2

const SYNC = 0
const AUTH = 2
const SYNC_REPLY = 4
const UNSENT_BYTES_MAX = 1 << 20

/** Updates of a file: [length u32 LE][bytes]… */
export function* records(path) {
  const bytes = readFileSync(path)
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32LE(at)
    yield bytes.subarray(at + 4, end)
    at = end
  }
}

/** One connection to one document; `url` ends with the name of the document. */
export class Client {
  /** @param {string} url @param {'y' | 'hocuspocus'} dialect */
  constructor(url, dialect) {
    this.name = dialect === 'hocuspocus' ? new URL(url).pathname.slice(1) : null
    this.socket = new WebSocket(url, { maxPayload: 0 })
    this.socket.binaryType = 'arraybuffer'
    /** Called with every sync message: (step, body). */
    this.onSync = () => {}
  }

  /** Connects and asks for what `stateVector` lacks; resolves when the answer has come. */
  open(stateVector = Uint8Array.of(0)) {
    return new Promise((resolve, reject) => {
      this.socket.on('error', reject)
      this.socket.on('close', (code) => reject(new Error(`closed: ${code}`)))
      this.socket.on('open', () => {
        if (this.name !== null) this.#sendMessage((out) => {
          encoding.writeVarUint(out, AUTH)
          encoding.writeVarUint(out, 0)
          encoding.writeVarString(out, 'bench')
        })
        this.send(STEP1, stateVector)
      })
      this.socket.on('message', (data) => {
        const input = decoding.createDecoder(new Uint8Array(data))
        if (this.name !== null) decoding.readVarString(input)
        const type = decoding.readVarUint(input)
        if (type !== SYNC && !(type === SYNC_REPLY && this.name !== null)) return
        const step = decoding.readVarUint(input)
        const body = decoding.readVarUint8Array(input)
        if (step === STEP1) this.send(STEP2, Uint8Array.of(0, 0))
        this.onSync(step, body)
        if (step === STEP2) resolve(this)
      })
    })
  }

  send(step, body) {
    this.#sendMessage((out) => {
      encoding.writeVarUint(out, SYNC)
      encoding.writeVarUint(out, step)
      encoding.writeVarUint8Array(out, body)
    })
  }

  /** Sends an update when the socket has taken most of what went before. */
  async sendUpdate(update) {
    this.send(UPDATE, update)
    while (this.socket.bufferedAmount > UNSENT_BYTES_MAX) {
      await new Promise((resolve) => { setImmediate(resolve) })
    }
  }

  close() {
    this.socket.removeAllListeners('close')
    this.socket.close()
  }

  #sendMessage(write) {
    const out = encoding.createEncoder()
    if (this.name !== null) encoding.writeVarString(out, this.name)
    write(out)
    this.socket.send(encoding.toUint8Array(out))
  }
}

export function sleep(ms) {
  return new Promise((resolve) => { setTimeout(resolve, ms) })
}
