// What must survive a crash: collected from acknowledgements and from what other clients saw.

import * as Y from 'yjs'

export class Witness {
  constructor() {
    this.clocks = new Map() // client -> clock end that somebody else saw, or the server acknowledged
    this.deletes = new Map() // client -> list of {clock, len} that somebody else saw deleted
    this.tokens = new Set() // content: tokens acknowledged or seen; never deleted by anybody
    this.acknowledged = 0
    this.seen = 0
  }

  /** The server acknowledged this update to its HTTP publisher. */
  acknowledge(update, token) {
    this.note(Y.decodeUpdate(update), null)
    this.tokens.add(token)
    this.acknowledged += 1
  }

  /** An update that came to the client `own` from the server. */
  saw(update, own) {
    this.note(Y.decodeUpdate(update), own)
    this.seen += 1
  }

  note({ structs, ds }, own) {
    for (const struct of structs) {
      const { id, length } = struct
      if (id.client === own || struct instanceof Y.Skip) continue
      this.clocks.set(id.client, Math.max(this.clocks.get(id.client) ?? 0, id.clock + length))
    }
    for (const [client, ranges] of ds.clients) {
      const list = this.deletes.get(client) ?? []
      for (const { clock, len } of ranges) list.push({ clock, len })
      this.deletes.set(client, list)
    }
  }

  /** What of all this is missing in `doc`: a list of sentences. */
  missing_in(doc) {
    const missing = []
    for (const [client, end] of this.clocks) {
      const have = Y.getState(doc.store, client)
      if (have < end) missing.push(`client ${client} has clock ${have}, ${end} was seen or acknowledged`)
    }
    const deleted = Y.createDeleteSetFromStructStore(doc.store)
    for (const [client, ranges] of this.deletes) {
      for (const { clock, len } of ranges) {
        for (const at of [clock, clock + len - 1]) {
          if (!Y.isDeleted(deleted, Y.createID(client, at))) missing.push(`${client}:${at} was seen deleted`)
        }
      }
    }
    const tokens = new Set(doc.getArray('tokens').toJSON())
    for (const token of this.tokens) if (!tokens.has(token)) missing.push(`token ${token} is not in the document`)
    if (doc.store.pendingStructs !== null) missing.push('the document has structs whose causes are missing')
    return missing
  }
}
