// Writes v8_sort_vectors.inc: the order in which this Node's Array.prototype.sort leaves lists that
// v8_sort_test.cc makes too. Usage: node v8_sort_vectors.mjs >v8_sort_vectors.inc
// Written by Node 20.20 (V8 11.3).

const lengths = [2, 3, 5, 8, 16, 31, 32, 33, 47, 63, 64, 65, 66, 96, 100, 127, 128, 129, 191, 200, 257, 333, 512, 1000, 2500]

/** The next number of a linear congruential generator; the high half is used. */
const step = state => (Math.imul(state, 1664525) + 1013904223) >>> 0

const shapes = {
  /** No order at all. */
  noise: (i, keys, chance) => chance % keys,
  /** Rising and falling runs of 97. */
  runs: (i, keys) => Math.floor((Math.floor(i / 97) % 2 === 0 ? i % 97 : 96 - i % 97) * keys / 97),
  /** In order but for one in 16. */
  nearly: (i, keys, chance) => chance % 16 === 0 ? chance % keys : Math.min(keys - 1, i)
}

const comparisons = {
  consistent: (a, b) => a.key < b.key,
  /** As Yjs': of two kinds at one key each is before the other. */
  rivals: (a, b) => a.key === b.key ? a.kind !== b.kind : a.key < b.key,
  /** In a circle: each is before the two that follow it. */
  circle: (a, b) => (b.key - a.key + 5) % 5 === 1 || (b.key - a.key + 5) % 5 === 2,
  /** No sense at all. */
  wild: (a, b) => (a.key * 31 + b.key * 17 + a.key * b.key * 7 + a.kind) % 5 < 2
}

const hashOf = order => {
  let hash = 0x811c9dc5 // FNV-1a, a 32-bit word at a time
  for (const index of order) hash = Math.imul(hash ^ index, 0x01000193) >>> 0
  return hash
}

for (const [comparison, before] of Object.entries(comparisons)) {
  for (const [shape, keyAt] of Object.entries(shapes)) {
    for (const keys of comparison === 'circle' ? [5] : [2, 40]) {
      for (const length of lengths) {
        let state = length * 31 + keys
        const items = Array.from({ length }, (_, index) => {
          state = step(state)
          const key = keyAt(index, keys, state >>> 16)
          state = step(state)
          return { index, key, kind: (state >>> 16) % 2 }
        })
        items.sort((a, b) => before(a, b) ? -1 : 1)
        console.log(`{comparison::${comparison}, shape::${shape}, ${keys}, ${length}, ${hashOf(items.map(item => item.index))}u},`)
      }
    }
  }
}
