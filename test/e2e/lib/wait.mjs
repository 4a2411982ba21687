// Waiting is always for a condition, with a deadline that names what was missing.

export const turn = () => new Promise((resolve) => setTimeout(resolve, 5))

/** Polls `condition` (may be async; errors count as "not yet") until it is truthy; its value. */
export async function until(what, condition, deadline_ms = 30_000) {
  const end = Date.now() + deadline_ms
  let last
  for (;;) {
    try {
      const value = await condition()
      if (value) return value
      last = undefined
    } catch (error) {
      last = error
    }
    if (Date.now() > end) {
      const detail = typeof what === 'function' ? what() : what
      throw new Error(`not within ${deadline_ms} ms: ${detail}${last ? ` (${last.message})` : ''}`)
    }
    await turn()
  }
}

export function assert(condition, message) {
  if (!condition) throw new Error(message)
}
