// Random edits of a replica, and what a replica holds. Nothing here imports Yjs, of which a process
// should have one copy only: callers bring theirs.

/** What replicas of any kind have in common when they are equal: state vector and typed content, as
 * plain data. clients/pycrdt_editor.py says the same of a replica that is not Yjs. */
export function content_of(Y, doc) {
  return {
    vector: [...Y.decodeStateVector(Y.encodeStateVector(doc))].sort(([a], [b]) => a - b),
    text: doc.getText('content').toDelta(),
    map: sorted(doc.getMap('map').toJSON()),
    array: doc.getArray('array').toJSON(),
    pending: doc.store.pendingStructs !== null || doc.store.pendingDs !== null,
  }
}

/** The delta whose neighbours differ in their attributes: where else one is cut is nobody's content. */
export function joined(delta) {
  const out = []
  for (const { insert, attributes = {} } of delta) {
    const last = out.at(-1)
    const same = last && JSON.stringify(sorted(last.attributes)) === JSON.stringify(sorted(attributes))
    if (same && typeof insert === 'string' && typeof last.insert === 'string') last.insert += insert
    else out.push({ insert, attributes })
  }
  return out
}

export function sorted(value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]))
}

const words = ['weft ', 'warp ', 'loom ', 'ä', '😀', '\n', 'x', 'shuttle ', '日本']

/** The place at or before `index` that is not inside a surrogate pair: editors never cut one, and
 * replicas of Yjs itself differ in the halves when somebody does. */
function boundary(text, index) {
  const code = text.toString().charCodeAt(index)
  return code >= 0xdc00 && code <= 0xdfff ? index - 1 : index
}

/** A short random range of whole characters: [from, length], or null in a short text. */
function range(random, text) {
  if (text.length < 4) return null
  const from = boundary(text, random.below(text.length - 3))
  const end = boundary(text, from + 2 + random.below(2))
  return [from, end - from]
}

/** One random edit of text, map or array; every kind that an editor makes. `client` has the document,
 * these three of it, and makes maps: of the Yjs that the document is of. */
export function random_edit(random, client) {
  const { doc, text, map, array } = client
  doc.transact(() => {
    switch (random.below(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        text.insert(boundary(text, random.below(text.length + 1)), random.pick(words))
        break
      case 4: {
        const part = range(random, text)
        if (part) text.delete(...part)
        break
      }
      case 5: {
        const part = range(random, text)
        if (part) text.format(...part, { bold: random.chance(0.5) ? true : null })
        break
      }
      case 6:
        map.set(`key${random.below(12)}`, { by: doc.clientID, n: random.u32() })
        break
      case 7:
        if (random.chance(0.5)) map.delete(`key${random.below(12)}`)
        else {
          const inner = client.new_map()
          inner.set('n', random.below(1000))
          map.set(`inner${random.below(4)}`, inner)
        }
        break
      case 8:
        array.insert(random.below(array.length + 1), [random.below(1000), 'item', random.chance(0.5)])
        break
      default:
        if (array.length > 2) array.delete(random.below(array.length - 1), 1)
        else array.push([null])
    }
  })
}
