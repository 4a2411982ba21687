// Randomness from a printed seed, so that a failed run can be repeated as far as timing allows.

export class Random {
  constructor(seed) {
    this.state = seed >>> 0
  }

  /** A 32-bit unsigned integer (mulberry32). */
  u32() {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let t = this.state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }

  /** An integer in [0, end). */
  below(end) {
    return Math.floor((this.u32() / 2 ** 32) * end)
  }

  chance(probability) {
    return this.u32() / 2 ** 32 < probability
  }

  pick(list) {
    return list[this.below(list.length)]
  }

  bytes(size) {
    const out = Buffer.alloc(size)
    for (let i = 0; i < size; i++) out[i] = this.below(256)
    return out
  }
}
