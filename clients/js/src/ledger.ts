/**
 * Which content of a document is not yet known to be durable.
 *
 * Everything that did not come from the server is unproven until the server acknowledges it or
 * sends it itself. Proof goes by content (clock ranges and deletions), not by counting messages,
 * so it holds over every transport and across reconnects.
 */

import * as Y from 'yjs';

import { clocks_of, content_of, deletes_of, unite, without, type Content, type RangeMap } from './ranges.js';

interface Entry extends Content {
  /** How many edits were put together in this entry. */
  edits: number;
}

/** Beyond this many entries neighbours are joined: a week offline costs no more than an hour. */
const entries_max = 512;

const none: RangeMap = new Map();

export class Ledger {
  private entries_: Entry[] = [];

  constructor(private readonly changed_: () => void) {}

  /** Edits that are not yet proven to be durable. */
  get pending(): number {
    return this.entries_.reduce((sum, entry) => sum + entry.edits, 0);
  }

  get saved(): boolean {
    return this.entries_.length === 0;
  }

  /** An edit that did not come from the server. */
  add(update: Uint8Array): void {
    this.put_({ ...content_of(update), edits: 1 });
  }

  /**
   * Content that is in the document but, by what the server says, perhaps not on the server:
   * `state_vector` is what it has. Counts as one edit.
   */
  add_beyond(doc: Y.Doc, state_vector: Map<number, number>): void {
    const structs: RangeMap = new Map();
    for (const [client, end] of clocks_of(doc)) {
      const from = state_vector.get(client) ?? 0;
      if (from < end) structs.set(client, [[from, end]]);
    }
    this.put_new_({ structs, deletes: none, edits: 1 });
  }

  /** Deletions of the document that `held` lacks, as one edit. Returns whether there are any. */
  add_deletes_beyond(deletes: RangeMap, held: RangeMap): boolean {
    return this.put_new_({ structs: none, deletes: without(deletes, held), edits: 1 });
  }

  /** What a document held when it was loaded, except for what an older proof covers. */
  add_loaded(doc: Y.Doc, proof: Uint8Array | null): void {
    const proven = proof ? Y.decodeSnapshot(proof) : Y.emptySnapshot;
    const held: RangeMap = new Map();
    for (const [client, ranges] of proven.ds.clients) {
      held.set(client, ranges.map(({ clock, len }) => [clock, clock + len]));
    }
    this.add_beyond(doc, proven.sv);
    this.add_deletes_beyond(deletes_of(doc), held);
  }

  /** The server holds, durably, what this update holds. */
  prove(update: Uint8Array): void {
    if (this.saved) return;
    this.prove_content(content_of(update));
  }

  prove_content(content: Content): void {
    if (this.saved) return;
    this.entries_ = this.entries_.filter((entry) => {
      entry.structs = without(entry.structs, content.structs);
      entry.deletes = without(entry.deletes, content.deletes);
      return entry.structs.size > 0 || entry.deletes.size > 0;
    });
    this.changed_();
  }

  /**
   * The document's state vector, with the clocks of unproven content set back to its begin. An
   * update from there on holds all that is unproven.
   */
  proven_state_vector(doc: Y.Doc): Map<number, number> {
    const out = clocks_of(doc);
    for (const { structs } of this.entries_) {
      for (const [client, ranges] of structs) {
        out.set(client, Math.min(out.get(client) ?? 0, ranges[0][0]));
      }
    }
    for (const [client, clock] of out) if (clock === 0) out.delete(client);
    return out;
  }

  /** Counts only what no entry waits for already. */
  private put_new_(entry: Entry): boolean {
    for (const known of this.entries_) {
      entry.structs = without(entry.structs, known.structs);
      entry.deletes = without(entry.deletes, known.deletes);
    }
    return this.put_(entry);
  }

  private put_(entry: Entry): boolean {
    if (entry.structs.size === 0 && entry.deletes.size === 0) return false;
    this.entries_.push(entry);
    if (this.entries_.length > entries_max) this.join_();
    this.changed_();
    return true;
  }

  private join_(): void {
    const joined: Entry[] = [];
    for (let i = 0; i < this.entries_.length; i += 2) {
      const [first, second] = this.entries_.slice(i, i + 2);
      if (second) {
        // Maps may be shared with `none`: unite into fresh ones.
        const structs: RangeMap = new Map(first.structs);
        const deletes: RangeMap = new Map(first.deletes);
        unite(structs, second.structs);
        unite(deletes, second.deletes);
        joined.push({ structs, deletes, edits: first.edits + second.edits });
      } else {
        joined.push(first);
      }
    }
    this.entries_ = joined;
  }
}
