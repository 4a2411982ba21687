/** Documents in files of one directory, for programs on Node. One process at a time. */

import fs from 'node:fs';
import path from 'node:path';
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import * as Y from 'yjs';

import type { Store, StoredDocument } from './store.js';

/** Files with more updates than this are written anew when they are opened. */
const updates_max = 500;

/** One file: for each update its length as a varint, and its bytes. */
class StoredFile implements StoredDocument {
  readonly whenSynced: Promise<unknown>;
  private file_: number;

  constructor(
    private readonly path_: string,
    private readonly doc_: Y.Doc,
  ) {
    const { updates, end } = read_updates(path_);
    this.file_ = fs.openSync(path_, 'a');
    // A process that was killed while it wrote leaves a part of an update.
    fs.ftruncateSync(this.file_, end);
    this.whenSynced = Promise.resolve().then(() => this.load_(updates));
  }

  async get(key: string): Promise<unknown> {
    const file = this.beside_(key);
    return fs.existsSync(file) ? new Uint8Array(fs.readFileSync(file)).buffer : undefined;
  }

  async set(key: string, value: ArrayBuffer): Promise<void> {
    replace_file(this.beside_(key), new Uint8Array(value));
  }

  async destroy(): Promise<void> {
    this.doc_.off('update', this.store_);
    if (this.file_ >= 0) fs.closeSync(this.file_);
    this.file_ = -1;
  }

  private load_(updates: Uint8Array[]): void {
    if (this.file_ < 0) return;
    Y.transact(this.doc_, () => updates.forEach((update) => Y.applyUpdate(this.doc_, update, this)), this, false);
    if (updates.length > updates_max) {
      fs.closeSync(this.file_);
      replace_file(this.path_, framed(Y.encodeStateAsUpdate(this.doc_)));
      this.file_ = fs.openSync(this.path_, 'a');
    } else {
      // What was edited before all this was read is not in the file yet.
      this.write_(Y.encodeStateAsUpdate(this.doc_, state_vector_of(updates)));
    }
    this.doc_.on('update', this.store_);
  }

  // Written before the transaction returns: an edit that was made is in the file.
  private readonly store_ = (update: Uint8Array, origin: unknown): void => {
    if (origin !== this) this.write_(update);
  };

  private write_(update: Uint8Array): void {
    if (!is_empty(update)) fs.writeSync(this.file_, framed(update));
  }

  private beside_(key: string): string {
    return `${this.path_}.${encodeURIComponent(key)}`;
  }
}

const is_empty = (update: Uint8Array) => update.length === 2 && update[0] === 0 && update[1] === 0;

function state_vector_of(updates: Uint8Array[]): Uint8Array {
  return updates.length === 0 ? new Uint8Array([0]) : Y.encodeStateVectorFromUpdate(Y.mergeUpdates(updates));
}

function framed(update: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint8Array(encoder, update);
  return encoding.toUint8Array(encoder);
}

function replace_file(file: string, bytes: Uint8Array): void {
  fs.writeFileSync(`${file}.new`, bytes, { flush: true });
  fs.renameSync(`${file}.new`, file);
}

function read_updates(file: string): { updates: Uint8Array[]; end: number } {
  const updates: Uint8Array[] = [];
  if (!fs.existsSync(file)) return { updates, end: 0 };
  const decoder = decoding.createDecoder(new Uint8Array(fs.readFileSync(file)));
  let end = 0;
  try {
    while (decoding.hasContent(decoder)) {
      const update = decoding.readVarUint8Array(decoder);
      if (decoder.pos > decoder.arr.length) break;
      updates.push(update);
      end = decoder.pos;
    }
  } catch {
    // the torn end
  }
  return { updates, end };
}

/** A store that keeps each document in a file of `directory`, which is made when it is missing. */
export function fileStore(directory: string): Store {
  fs.mkdirSync(directory, { recursive: true });
  return {
    open: (name: string, doc: Y.Doc) => new StoredFile(path.join(directory, `${encodeURIComponent(name)}.yjs`), doc),
  };
}
