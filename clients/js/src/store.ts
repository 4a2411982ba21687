/** Where a document is kept on this machine while the server cannot be reached, and in between. */

import type * as Y from 'yjs';

/** A stored document; `IndexeddbPersistence` of y-indexeddb is one. */
export interface StoredDocument {
  /** Resolves when everything that was stored is in the document. */
  readonly whenSynced: Promise<unknown>;
  get(key: string): Promise<unknown>;
  set(key: string, value: ArrayBuffer): Promise<unknown>;
  /** Stops storing and closes; what was stored stays. */
  destroy(): Promise<unknown>;
}

export interface Store {
  /**
   * Loads the document and stores every update from then on. Stored updates are applied with the
   * returned object as their origin.
   */
  open(name: string, doc: Y.Doc): StoredDocument;
}
