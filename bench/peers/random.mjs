/** Small seeded generator (xorshift32): the same seed gives the same numbers everywhere. */
export function randomOf(seed) {
  let state = (seed * 2654435761) >>> 0 || 1
  return (bound) => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state % bound
  }
}
