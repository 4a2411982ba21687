/** What a provider and its transports know of each other. */

import type * as Y from 'yjs';

export type TransportName = 'socketio' | 'websocket' | 'http';

export interface DocumentName {
  roomId: string;
  docId: string;
  subdocId?: string;
}

/** Where a message stands in the log. `version` counts within `log` only. */
export interface Position {
  version: number | null;
  log?: string;
}

/** Why a document or an edit was refused; `retry`: the same may be tried again later. */
export interface Refusal {
  code: string;
  message: string;
  retry: boolean;
}

/** How a link ended. `refusal` is there when the server gave a reason, `code` over WebSocket. */
export interface Closing {
  code?: number;
  reason: string;
  refusal?: Refusal;
}

/**
 * What a transport tells of one document. Everything that the server sends is durable, so content
 * that comes by `update` is proven by it.
 */
export interface LinkPeer {
  readonly name: DocumentName;
  readonly doc: Y.Doc;
  readonly sender_id: string;
  /** `42@<log>`, the version that has been reached; null without one. */
  version_name(): string | null;
  /** The state vector from which on an update holds everything that is unproven. */
  proven_state_vector(): Uint8Array;
  unproven(): boolean;
  /** Messages can be sent. */
  opened(): void;
  /** The server lacks what is behind this state vector. */
  server_state(state_vector: Uint8Array): void;
  update(update: Uint8Array, at?: Position): void;
  /** Everything that the server had when it was asked has come. */
  synced(at?: Position): void;
  /** This update of ours is durable. */
  acked(update: Uint8Array, at?: Position): void;
  awareness(update: Uint8Array): void;
  awareness_wanted(): void;
  control(message: ControlMessage): void;
  /** The server takes nothing more of this document. */
  refused(refusal: Refusal): void;
  /** The end, said once; nothing comes after it. */
  closed(closing: Closing): void;
}

/** One document over one transport. */
export interface Link {
  readonly transport: TransportName;
  /** What carries it right now: `websocket`, `polling` (Socket.IO) or `http`. */
  readonly carrier: string;
  /** Nothing is lost when it cannot be sent: what is unproven goes out with the next link. */
  send(update: Uint8Array, answer: boolean): void;
  send_awareness(update: Uint8Array): void;
  /** False where the transport has no control channel. */
  send_control(message: ControlMessage): boolean;
  /** Quietly: `closed` is not called. */
  close(): void;
}

export interface ControlMessage {
  type: string;
  [key: string]: unknown;
}

/** Bytes of a control message as JSON. */
export const control_bytes_max = 64 * 1024;
