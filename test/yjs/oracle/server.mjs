// The client of yjs_oracle_server: one request at a time over its pipes.
import { spawn } from 'node:child_process'

export const operation = {
  merge: 1, diff: 2, stateVector: 3, compact: 4, split: 5, reduce: 6, validate: 7, contains: 8,
  classify: 9, sameContent: 10, indexedDiff: 11, validateV2: 12, v1ToV2: 13, v2ToV1: 14, stateVectorV2: 15, mergeV2: 16,
  diffV2: 17, revert: 18,
  canRead: 32, readJson: 33, readText: 34, readDelta: 35, readXml: 36, sameDocument: 37
}
export const errc = { truncated: 1, corrupt: 2, tooLarge: 3, overLimit: 4, noV1Form: 5 }
export const novelty = { empty: 0, fresh: 1, contained: 2, partly: 3 }

const u32 = value => {
  const out = Buffer.alloc(4)
  out.writeUInt32LE(value)
  return out
}

export class OracleServer {
  constructor (program) {
    this.child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.waiting = []
    this.chunks = []
    this.size = 0
    this.child.stdout.on('data', chunk => {
      this.chunks.push(chunk)
      this.size += chunk.length
      this.deliver()
    })
    this.child.on('exit', code => {
      for (const { reject } of this.waiting) reject(new Error(`the server ended with code ${code}`))
      this.waiting = []
    })
  }

  deliver () {
    while (this.waiting.length > 0 && this.size >= 4) {
      if (this.chunks.length > 1) this.chunks = [Buffer.concat(this.chunks)]
      const buffer = this.chunks[0]
      const length = buffer.readUInt32LE(0)
      if (this.size < 4 + length) return
      const body = buffer.subarray(4, 4 + length)
      this.chunks = [buffer.subarray(4 + length)]
      this.size -= 4 + length
      this.waiting.shift().resolve(this.parse(body))
    }
  }

  /** The list of an answer, or null for a refusal; `refusal` is then its errc. */
  parse (body) {
    this.refusal = body[0]
    if (body[0] !== 0) return null
    const out = []
    let at = 5
    for (let n = body.readUInt32LE(1); n > 0; n--) {
      const length = body.readUInt32LE(at)
      out.push(new Uint8Array(body.subarray(at + 4, at + 4 + length)))
      at += 4 + length
    }
    return out
  }

  ask (op, list) {
    const parts = [Buffer.from([op]), u32(list.length)]
    for (const entry of list) parts.push(u32(entry.length), Buffer.from(entry))
    const body = Buffer.concat(parts)
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject })
      this.child.stdin.write(Buffer.concat([u32(body.length), body]))
    })
  }

  close () {
    this.child.stdin.end()
  }
}
