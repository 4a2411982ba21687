/** Documents in the browser's IndexedDB, by y-indexeddb. */

import { IndexeddbPersistence } from 'y-indexeddb';
import type * as Y from 'yjs';

import type { Store } from './store.js';

export const indexedDbStore: Store = {
  open: (name: string, doc: Y.Doc) => new IndexeddbPersistence(name, doc),
};
