/** One document over one link, from its opening to its end: the exchange of what either side lacks. */

import * as Y from 'yjs';
import { applyAwarenessUpdate, encodeAwarenessUpdate, type Awareness } from 'y-protocols/awareness';

import type { Ledger } from './ledger.js';
import type { Closing, ControlMessage, DocumentName, Link, LinkPeer, Position, Refusal } from './link.js';
import { content_of, deletes_of, unite, type RangeMap } from './ranges.js';
import type { Reached } from './reached.js';

/** What a session knows of its provider, and tells it. */
export interface SessionOwner {
  readonly name: DocumentName;
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  readonly ledger: Ledger;
  readonly sender_id: string;
  /** The origin of transactions and presence that come from the server. */
  readonly origin: unknown;
  readonly reached: Reached;
  opened(): void;
  synced(): void;
  refused(refusal: Refusal): void;
  closed(closing: Closing): void;
  control(message: ControlMessage): void;
}

function vector_bytes(clocks: Map<number, number>): Uint8Array {
  return Y.encodeStateVector(clocks);
}

export class Session implements LinkPeer {
  link!: Link;
  is_open = false;
  is_synced = false;
  /** The server takes edits: it was told what it lacked, and has refused nothing since. */
  private writing_ = false;
  is_refused = false;
  /** Deletions from before the first answer, and those that it held; null when nobody compares. */
  private deletes_: { own: RangeMap; held: RangeMap } | null = null;

  constructor(private readonly owner_: SessionOwner) {}

  get name(): DocumentName {
    return this.owner_.name;
  }

  get doc(): Y.Doc {
    return this.owner_.doc;
  }

  get sender_id(): string {
    return this.owner_.sender_id;
  }

  // --- from the provider ---

  /** An edit that was made here. Before the server said what it lacks, it is part of that answer. */
  edit(update: Uint8Array): void {
    if (this.writing_) this.link.send(update, false);
  }

  /** What this client says of itself. */
  presence(): void {
    const { awareness } = this.owner_;
    const { clientID } = awareness;
    if (!this.is_open || !awareness.meta.has(clientID)) return;
    this.link.send_awareness(encodeAwarenessUpdate(awareness, [clientID]));
  }

  /** Edits are not sent any more; what others do still comes. */
  stop_writing(): void {
    this.writing_ = false;
    this.is_refused = true;
  }

  // --- from the link ---

  version_name(): string | null {
    return this.owner_.reached.name;
  }

  proven_state_vector(): Uint8Array {
    return vector_bytes(this.owner_.ledger.proven_state_vector(this.doc));
  }

  unproven(): boolean {
    return !this.owner_.ledger.saved;
  }

  opened(): void {
    this.is_open = true;
    const own = deletes_of(this.doc);
    this.deletes_ = own.size > 0 ? { own, held: new Map() } : null;
    this.owner_.opened();
  }

  server_state(state_vector: Uint8Array): void {
    if (this.is_refused) return;
    const { ledger } = this.owner_;
    const held = Y.decodeStateVector(state_vector);
    ledger.add_beyond(this.doc, held);
    this.writing_ = true;
    if (ledger.saved) return; // it has everything, or lacks deletions, which synced() finds
    // What is unproven may be on its way into the log: it is part of the answer all the same, so
    // that its acknowledgement covers it.
    const from = ledger.proven_state_vector(this.doc);
    for (const [client, clock] of from) from.set(client, Math.min(clock, held.get(client) ?? 0));
    this.link.send(Y.encodeStateAsUpdate(this.doc, vector_bytes(from)), true);
  }

  update(update: Uint8Array, at?: Position): void {
    const { ledger, origin } = this.owner_;
    if (this.deletes_ || !ledger.saved) {
      const content = content_of(update);
      if (this.deletes_) unite(this.deletes_.held, content.deletes);
      ledger.prove_content(content);
    }
    Y.applyUpdate(this.doc, update, origin);
    if (at) this.owner_.reached.take(at);
  }

  synced(at?: Position): void {
    const { ledger } = this.owner_;
    if (this.deletes_) {
      // Every answer has all deletions that the server has, so these are new to it: it was set
      // back, or they were made without it.
      const { own, held } = this.deletes_;
      this.deletes_ = null;
      if (ledger.add_deletes_beyond(own, held) && this.writing_) {
        this.link.send(Y.encodeStateAsUpdate(this.doc, Y.encodeStateVector(this.doc)), true);
      }
    }
    if (at) this.owner_.reached.take(at);
    this.is_synced = true;
    this.owner_.synced();
  }

  acked(update: Uint8Array, at?: Position): void {
    this.owner_.ledger.prove(update);
    if (at) this.owner_.reached.take(at);
  }

  awareness(update: Uint8Array): void {
    applyAwarenessUpdate(this.owner_.awareness, update, this.owner_.origin);
  }

  awareness_wanted(): void {
    this.presence();
  }

  control(message: ControlMessage): void {
    this.owner_.control(message);
  }

  refused(refusal: Refusal): void {
    this.stop_writing();
    this.owner_.refused(refusal);
  }

  closed(closing: Closing): void {
    this.owner_.closed(closing);
  }
}
