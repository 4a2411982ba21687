/** y-protocols messages: a varint type, then the body. Source: docs/protocols.md, "y-websocket". */

import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';

const message_sync = 0;
const message_awareness = 1;
const message_auth = 2;
const message_query_awareness = 3;
const sync_step1 = 0;
const sync_step2 = 1;
const sync_update = 2;

export type Message =
  | { type: 'step1'; body: Uint8Array }
  | { type: 'step2'; body: Uint8Array }
  | { type: 'update'; body: Uint8Array }
  | { type: 'awareness'; body: Uint8Array }
  | { type: 'query-awareness' }
  | { type: 'denied'; reason: string };

const sync_types = ['step1', 'step2', 'update'] as const;

/** Reads all messages of one frame. Throws on anything else. */
export function* read_messages(frame: Uint8Array): Generator<Message> {
  const decoder = decoding.createDecoder(frame);
  while (decoding.hasContent(decoder)) {
    const kind = decoding.readVarUint(decoder);
    switch (kind) {
      case message_sync: {
        const type = sync_types[decoding.readVarUint(decoder)];
        if (!type) throw new Error('a sync message of no known kind');
        yield { type, body: decoding.readVarUint8Array(decoder) };
        break;
      }
      case message_awareness:
        yield { type: 'awareness', body: decoding.readVarUint8Array(decoder) };
        break;
      case message_auth:
        decoding.readVarUint(decoder); // only "permission denied" exists
        yield { type: 'denied', reason: decoding.readVarString(decoder) };
        break;
      case message_query_awareness:
        yield { type: 'query-awareness' };
        break;
      default:
        throw new Error(`a message of the unknown type ${kind}`);
    }
  }
}

function write(kinds: number[], body: Uint8Array): Uint8Array<ArrayBuffer> {
  const encoder = encoding.createEncoder();
  for (const kind of kinds) encoding.writeVarUint(encoder, kind);
  encoding.writeVarUint8Array(encoder, body);
  return encoding.toUint8Array(encoder) as Uint8Array<ArrayBuffer>;
}

export const write_step1 = (state_vector: Uint8Array) => write([message_sync, sync_step1], state_vector);
export const write_step2 = (update: Uint8Array) => write([message_sync, sync_step2], update);
export const write_update = (update: Uint8Array) => write([message_sync, sync_update], update);
export const write_awareness = (update: Uint8Array) => write([message_awareness], update);
