/**
 * The envelope: `[metadataLength: uint16 little-endian][metadata: JSON, UTF-8][payload]`.
 * Source: docs/protocols.md, "Envelope"; held to test/vectors/envelope.json, as the server is.
 */

export type Channel = 'doc' | 'awareness' | 'control';

/** What an envelope says about its payload. Keys that are not named here are kept as they are. */
export interface Metadata {
  roomId: string;
  docId: string;
  subdocId?: string;
  channel: Channel;
  /** The sender's last version, an integer from 0 on. */
  version?: number;
  senderId?: string;
  /** Milliseconds since 1970 by the sender's clock; for people. */
  timestamp?: number;
  [key: string]: unknown;
}

export type EnvelopeProblem = 'truncated' | 'corrupt' | 'too-large';

/** Bytes that are no envelope, or metadata that cannot become one. */
export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError';

  constructor(
    readonly code: EnvelopeProblem,
    message: string,
  ) {
    super(message);
  }
}

export const metadata_bytes_max = 0xffff;
const length_bytes = 2;
const channels: readonly unknown[] = ['doc', 'awareness', 'control'];
const optional_keys = ['subdocId', 'version', 'senderId', 'timestamp'] as const;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

function corrupt(message: string): never {
  throw new EnvelopeError('corrupt', `envelope metadata: ${message}`);
}

/** Text with half a surrogate pair has no UTF-8 form. */
function check_text(text: string): void {
  if (/\p{Surrogate}/u.test(text)) corrupt('a string holds half a surrogate pair');
}

/** Looks into everything, known and unknown; without recursion, because depth is the sender's. */
function check_strings(root: object): void {
  const waiting: object[] = [root];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    for (const [key, inner] of Object.entries(value)) {
      check_text(key);
      if (typeof inner === 'string') check_text(inner);
      else if (typeof inner === 'object' && inner !== null) waiting.push(inner);
    }
  }
}

function check_metadata(value: unknown): asserts value is Metadata {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) corrupt('not a JSON object');
  const { roomId, docId, subdocId, channel, version, senderId, timestamp } = value as Record<string, unknown>;
  const name = (text: unknown) => typeof text === 'string' && text !== '';
  if (!name(roomId)) corrupt('"roomId" must be a non-empty string');
  if (!name(docId)) corrupt('"docId" must be a non-empty string');
  if (!channels.includes(channel)) corrupt('"channel" must be doc, awareness or control');
  if (subdocId !== undefined && !name(subdocId)) corrupt('"subdocId" must be a non-empty string');
  const counts = Number.isSafeInteger(version) && (version as number) >= 0 && !Object.is(version, -0);
  if (version !== undefined && !counts) corrupt('"version" must be an integer not below 0');
  if (senderId !== undefined && typeof senderId !== 'string') corrupt('"senderId" must be a string');
  if (timestamp !== undefined && !Number.isSafeInteger(timestamp)) corrupt('"timestamp" must be an integer');
  check_strings(value);
}

/**
 * Encodes one message. The metadata is written with its keys in their order.
 * Throws an EnvelopeError: `corrupt` for metadata that a reader would refuse, `too-large` beyond
 * 65,535 bytes of it.
 */
export function encodeKafkaEnvelope(metadata: Metadata, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  check_metadata(metadata);
  const json = encoder.encode(JSON.stringify(metadata));
  if (json.length > metadata_bytes_max) {
    throw new EnvelopeError('too-large', `envelope metadata: ${json.length} bytes, more than ${metadata_bytes_max}`);
  }
  const out = new Uint8Array(length_bytes + json.length + payload.length);
  out[0] = json.length & 0xff;
  out[1] = json.length >> 8;
  out.set(json, length_bytes);
  out.set(payload, length_bytes + json.length);
  return out;
}

/**
 * Cuts an envelope into its parts; `payload` points into `envelope`. An optional key that is null
 * is taken for absent. Throws an EnvelopeError: `truncated`, or `corrupt` with what is wrong.
 */
export function decodeKafkaEnvelope(envelope: Uint8Array): { metadata: Metadata; payload: Uint8Array } {
  if (envelope.length < length_bytes) {
    throw new EnvelopeError('truncated', 'envelope: shorter than its 2-byte metadata length');
  }
  const size = envelope[0] | (envelope[1] << 8);
  const end = length_bytes + size;
  if (envelope.length < end) {
    const have = envelope.length - length_bytes;
    throw new EnvelopeError('truncated', `envelope: metadata length ${size} exceeds the ${have} bytes given`);
  }
  let metadata: unknown;
  try {
    metadata = JSON.parse(decoder.decode(envelope.subarray(length_bytes, end)));
  } catch {
    corrupt('not JSON in UTF-8');
  }
  if (typeof metadata === 'object' && metadata !== null) {
    const object = metadata as Record<string, unknown>;
    for (const key of optional_keys) if (object[key] === null) delete object[key];
  }
  check_metadata(metadata);
  return { metadata, payload: envelope.subarray(end) };
}
