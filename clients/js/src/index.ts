export { encodeKafkaEnvelope, decodeKafkaEnvelope, EnvelopeError, type Channel, type Metadata } from './codec.js';
export { Connection, default_transports, type ConnectionOptions, type Token } from './connection.js';
export type { Closing, ControlMessage, DocumentName, Refusal, TransportName } from './link.js';
export type { ProviderEvents, ProviderOptions, Status } from './options.js';
export { ProtocolProvider } from './provider.js';
export type { Store, StoredDocument } from './store.js';
