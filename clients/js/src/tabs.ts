/** Tabs of one browser that hold the same document share edits and presence without the server. */

import * as Y from 'yjs';
import { applyAwarenessUpdate, encodeAwarenessUpdate, type Awareness } from 'y-protocols/awareness';

import { read_messages, write_awareness, write_step1, write_step2, write_update } from './messages.js';

export class Tabs {
  private readonly channel_: BroadcastChannel;

  /** `origin` marks what comes from other tabs. */
  constructor(
    name: string,
    private readonly doc_: Y.Doc,
    private readonly awareness_: Awareness,
    private readonly origin_: unknown,
  ) {
    this.channel_ = new BroadcastChannel(name);
    this.channel_.onmessage = ({ data }) => this.take_(data);
    this.send_(write_step1(Y.encodeStateVector(doc_)));
    this.send_(write_step2(Y.encodeStateAsUpdate(doc_)));
    this.presence();
  }

  update(update: Uint8Array): void {
    this.send_(write_update(update));
  }

  presence(): void {
    const { clientID } = this.awareness_;
    if (this.awareness_.meta.has(clientID)) this.send_(write_awareness(encodeAwarenessUpdate(this.awareness_, [clientID])));
  }

  close(): void {
    this.channel_.close();
  }

  private send_(message: Uint8Array): void {
    this.channel_.postMessage(message);
  }

  private take_(data: unknown): void {
    if (!(data instanceof Uint8Array)) return;
    for (const message of read_messages(data)) {
      if (message.type === 'step1') {
        this.send_(write_step2(Y.encodeStateAsUpdate(this.doc_, message.body)));
        this.presence();
      } else if (message.type === 'step2' || message.type === 'update') {
        Y.applyUpdate(this.doc_, message.body, this.origin_);
      } else if (message.type === 'awareness') {
        applyAwarenessUpdate(this.awareness_, message.body, this.origin_);
      }
    }
  }
}
