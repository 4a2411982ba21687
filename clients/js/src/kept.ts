/** A document's place in a store, and what of it need not be proven to be durable once more. */

import * as Y from 'yjs';

import type { Ledger } from './ledger.js';
import type { Store, StoredDocument } from './store.js';

/** After the last proof. */
const proof_delay_ms = 1000;
const proof_key = 'weft-proof';

export class Kept {
  /** Everything that was stored is in the document. */
  loaded = false;
  private stored_: StoredDocument | null = null;
  private proof_timer_: ReturnType<typeof setTimeout> | undefined;
  private closed_ = false;

  constructor(
    private readonly store_: Store | undefined,
    readonly name: string,
    private readonly doc_: Y.Doc,
    private readonly ledger_: Ledger,
    private readonly failed_: (error: unknown) => void,
  ) {}

  /** Whether a transaction of this origin only brings what is stored. */
  brings(origin: unknown): boolean {
    return !this.loaded && this.stored_ !== null && origin === this.stored_;
  }

  /** Never rejects: a store that fails leaves a document that is kept nowhere. */
  async load(): Promise<void> {
    let proof: Uint8Array | null = null;
    try {
      if (this.store_) {
        this.stored_ = this.store_.open(this.name, this.doc_);
        await this.stored_.whenSynced;
        const kept = await this.stored_.get(proof_key);
        if (kept instanceof ArrayBuffer) proof = new Uint8Array(kept);
      }
    } catch (error) {
      this.failed_(error);
    }
    if (this.closed_) return;
    this.loaded = true;
    this.ledger_.add_loaded(this.doc_, proof);
  }

  /** All is durable: the store learns of it a little later. */
  plan_proof(): void {
    if (!this.stored_ || this.closed_) return;
    clearTimeout(this.proof_timer_);
    this.proof_timer_ = setTimeout(() => void this.store_proof_(), proof_delay_ms);
  }

  async close(): Promise<void> {
    if (this.closed_) return;
    this.closed_ = true;
    clearTimeout(this.proof_timer_);
    await this.store_proof_();
    const stored = this.stored_;
    this.stored_ = null;
    try {
      await stored?.destroy();
    } catch (error) {
      this.failed_(error);
    }
  }

  private async store_proof_(): Promise<void> {
    if (!this.stored_ || !this.loaded || !this.ledger_.saved) return;
    const proof = Y.encodeSnapshot(Y.snapshot(this.doc_));
    try {
      await this.stored_.set(proof_key, proof.slice().buffer as ArrayBuffer);
    } catch (error) {
      this.failed_(error);
    }
  }
}
