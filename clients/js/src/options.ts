/** What a provider is told, and what it tells. */

import type { Awareness } from 'y-protocols/awareness';
import type * as Y from 'yjs';

import type { ConnectionOptions } from './connection.js';
import type { Closing, ControlMessage, Refusal, TransportName } from './link.js';
import type { ProtocolProvider } from './provider.js';
import type { Store } from './store.js';

export type Status = 'connecting' | 'connected' | 'disconnected';

export interface ProviderOptions extends ConnectionOptions {
  /** Connect at once. Default true. */
  connect?: boolean;
  awareness?: Awareness;
  /** Keeps the document on this machine. Default: nowhere. */
  store?: Store;
  /** The name under which the store keeps it. Default: `weft:<room>/<document>`. */
  storeName?: string;
  /** The pauses between attempts: first and longest. Defaults 200 and 10000 ms. */
  minBackoffTime?: number;
  maxBackoffTime?: number;
  /** While a lesser transport serves, better ones are tried after this. Default 30000 ms. */
  retryBetterAfter?: number;
  /** No exchange with other tabs of this browser. Default false; there is none outside browsers. */
  disableBc?: boolean;
  /** Open a provider for each loaded subdocument. Default true. */
  subdocs?: boolean;
}

export type ProviderEvents = {
  status: (event: { status: Status; transport: TransportName | null }) => void;
  sync: (synced: boolean) => void;
  synced: (synced: boolean) => void;
  /** A connection was lost, or given up by `disconnect()`. */
  'connection-close': (closing: Closing, provider: ProtocolProvider) => void;
  /** An attempt came to nothing. */
  'connection-error': (closing: Closing, provider: ProtocolProvider) => void;
  transport: (transport: TransportName | null, carrier: string | null) => void;
  version: (version: number, log: string | null) => void;
  pending: (pending: number) => void;
  saved: (saved: boolean) => void;
  /** The server takes nothing more, and asking again would not help. */
  refused: (refusal: Refusal) => void;
  permission: (permission: { write: boolean }) => void;
  control: (message: ControlMessage) => void;
  authorize: (refusal: Refusal | null) => void;
  'store-error': (error: unknown) => void;
  subdoc: (provider: ProtocolProvider, doc: Y.Doc) => void;
  destroy: () => void;
};
