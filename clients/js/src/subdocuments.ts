/** A provider for each subdocument that is loaded, over the connection of its parent. */

import type * as Y from 'yjs';

import type { ProviderOptions } from './options.js';
import { ProtocolProvider } from './provider.js';

interface Changes {
  loaded: Set<Y.Doc>;
  removed: Set<Y.Doc>;
}

export class Subdocuments {
  readonly providers = new Map<string, ProtocolProvider>();

  constructor(
    private readonly parent_: ProtocolProvider,
    private readonly options_: ProviderOptions,
  ) {
    // The address has one place for a subdocument: those inside of one are the application's.
    if (options_.subdocs === false || parent_.name.subdocId !== undefined) return;
    parent_.doc.on('subdocs', this.changed_);
    for (const doc of parent_.doc.getSubdocs()) if (doc.shouldLoad) this.open_(doc);
  }

  destroy(): void {
    this.parent_.doc.off('subdocs', this.changed_);
    for (const provider of this.providers.values()) void provider.destroy();
    this.providers.clear();
  }

  private readonly changed_ = ({ loaded, removed }: Changes): void => {
    for (const doc of removed) {
      const provider = this.providers.get(doc.guid);
      if (provider?.doc !== doc) continue; // a document of the same guid took its place
      this.providers.delete(doc.guid);
      void provider.destroy();
    }
    for (const doc of loaded) this.open_(doc);
  };

  private open_(doc: Y.Doc): void {
    if (this.providers.has(doc.guid)) return;
    const { connection, name, shouldConnect } = this.parent_;
    const own = { awareness: undefined, storeName: undefined, connect: shouldConnect || (this.options_.connect ?? true) };
    const part = { roomId: name.roomId, docId: name.docId, subdocId: doc.guid };
    const provider = new ProtocolProvider(connection, part, doc, { ...this.options_, ...own });
    provider.awareness.setLocalState(null); // who is here is said in the parent
    this.providers.set(doc.guid, provider);
    this.parent_.emit('subdoc', [provider, doc]);
  }
}
