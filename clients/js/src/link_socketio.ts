/**
 * Socket.IO: one socket for all documents of a connection; envelopes up, payloads down, and an
 * acknowledgement for each edit once it is durable. Source: docs/protocols.md, "Socket.IO".
 */

import * as Y from 'yjs';
import { io, type Socket } from 'socket.io-client';

import { encodeKafkaEnvelope, type Channel } from './codec.js';
import type { Connection } from './connection.js';
import { control_bytes_max } from './link.js';
import type { ControlMessage, DocumentName, Link, LinkPeer, Position, Refusal } from './link.js';
import { read_messages, write_awareness, write_step2, write_update } from './messages.js';

const retry_ms = 500;
const retry_max_ms = 10_000;

type Answer = { error?: Refusal } & Partial<Position>;

/** What a server's callback said, held to what it may say. */
function read_answer(answer: unknown): Answer {
  return typeof answer === 'object' && answer !== null ? (answer as Answer) : {};
}

function position_in(source: unknown): Position | undefined {
  const { version, log } = (source ?? {}) as { version?: unknown; log?: unknown };
  if (typeof version !== 'number') return undefined;
  return { version, ...(typeof log === 'string' ? { log } : {}) };
}

function bytes_of(value: unknown): Uint8Array | null {
  if (value instanceof Uint8Array) return value;
  return value instanceof ArrayBuffer ? new Uint8Array(value) : null;
}

const key_of = ({ roomId, docId, subdocId }: DocumentName) => JSON.stringify([roomId, docId, subdocId ?? null]);

/** The socket that the links of one connection share. It is open while there is a link. */
export class SharedSocket {
  private socket_: Socket | null = null;
  private readonly links_ = new Map<string, SocketIoLink>();

  constructor(private readonly connection_: Connection) {}

  get connected(): boolean {
    return this.socket_?.connected ?? false;
  }

  /** `websocket` or `polling`. */
  get carrier(): string {
    return this.socket_?.io.engine?.transport?.name ?? 'polling';
  }

  attach(link: SocketIoLink): void {
    if (this.links_.has(link.key)) {
      // The server does not send a connection its own edits, so the second would not see them.
      return queueMicrotask(() => link.lost('this connection has this document open already'));
    }
    this.links_.set(link.key, link);
    const socket = this.open_();
    if (socket.connected) queueMicrotask(() => link.connected(socket));
    else if (!socket.active) socket.connect();
  }

  detach(link: SocketIoLink): void {
    if (this.links_.get(link.key) !== link) return;
    this.links_.delete(link.key);
    if (this.connected) this.socket_?.emit('sync-leave', link.address);
    if (this.links_.size === 0) {
      this.socket_?.disconnect();
      this.socket_ = null;
    }
  }

  /** Tells the server a new token; null when there is no socket that could. */
  authorize(token: string): Promise<Refusal | null> | null {
    const socket = this.socket_;
    if (!socket?.connected) return null;
    return new Promise((resolve) => {
      socket.emit('authorize', { token }, (answer: unknown) => resolve(read_answer(answer).error ?? null));
    });
  }

  private open_(): Socket {
    if (this.socket_) return this.socket_;
    const { origin, path } = this.connection_.socketio_address();
    const socket = io(origin, {
      ...this.connection_.socket_options,
      path,
      auth: (give) => {
        this.connection_.handshake().then(give, () => socket.disconnect());
      },
      timeout: this.connection_.connect_timeout_ms,
      reconnection: false, // providers decide when and over what to come back
      autoConnect: false,
      forceNew: true,
    });
    this.socket_ = socket;
    socket.on('connect', () => {
      for (const link of this.each_()) link.connected(socket);
      socket.io.engine.once('upgrade', () => {
        for (const link of this.each_()) link.carrier_changed();
      });
    });
    socket.on('connect_error', (error: Error & { data?: Partial<Refusal> }) => {
      const { code, message } = error.data ?? {};
      const said = typeof code === 'string';
      const refusal = said ? { code, message: message ?? error.message, retry: error.data?.retry === true } : undefined;
      this.close_all_(error.message, refusal);
    });
    socket.on('disconnect', (reason) => this.close_all_(reason));
    socket.on('protocol-message', (payload: unknown, info: unknown) => {
      const bytes = bytes_of(payload);
      const name = info as DocumentName & { channel?: string };
      if (!bytes || typeof name !== 'object' || name === null) return;
      this.links_.get(key_of(name))?.take(bytes, name.channel ?? 'doc', position_in(info));
    });
    socket.on('protocol-error', (said: unknown) => {
      const { code = 'refused', message = '', retry = false, ...name } = (said ?? {}) as Refusal & DocumentName;
      if (name.docId !== undefined) return this.links_.get(key_of(name))?.failed({ code, message, retry });
      for (const link of this.each_()) link.failed({ code, message, retry });
    });
    return socket;
  }

  private each_(): SocketIoLink[] {
    return [...this.links_.values()];
  }

  private close_all_(reason: string, refusal?: Refusal): void {
    const links = this.each_();
    this.links_.clear();
    this.socket_?.disconnect();
    this.socket_ = null;
    for (const link of links) link.lost(reason, refusal);
  }
}

export class SocketIoLink implements Link {
  readonly transport = 'socketio';
  readonly key: string;
  readonly address: DocumentName;
  private socket_: Socket | null = null;
  private ended_ = false;
  private failures_ = 0;
  private retry_timer_: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly connection_: Connection,
    private readonly peer_: LinkPeer,
    private readonly carrier_changed_: () => void,
  ) {
    const { roomId, docId, subdocId } = peer_.name;
    this.address = { roomId, docId, ...(subdocId === undefined ? {} : { subdocId }) };
    this.key = key_of(this.address);
    connection_.shared_socket.attach(this);
  }

  get carrier(): string {
    return this.connection_.shared_socket.carrier;
  }

  send(update: Uint8Array, answer: boolean): void {
    if (!this.socket_) return;
    const payload = answer ? write_step2(update) : write_update(update);
    this.emit_('doc', payload, (said) => {
      if (said.error) return this.failed(said.error);
      this.failures_ = 0;
      this.peer_.acked(update, position_in(said));
    });
  }

  send_awareness(update: Uint8Array): void {
    if (this.socket_) this.emit_('awareness', write_awareness(update), () => {});
  }

  send_control(message: ControlMessage): boolean {
    const payload = new TextEncoder().encode(JSON.stringify(message));
    if (payload.length > control_bytes_max) {
      throw new RangeError(`a control message of ${payload.length} bytes, more than ${control_bytes_max}`);
    }
    if (!this.socket_) return false;
    this.emit_('control', payload, () => {});
    return true;
  }

  close(): void {
    if (this.ended_) return;
    this.stop_();
    this.connection_.shared_socket.detach(this);
  }

  // --- what the shared socket tells ---

  connected(socket: Socket): void {
    if (this.ended_) return;
    this.socket_ = socket;
    this.peer_.opened();
    this.ask_();
  }

  carrier_changed(): void {
    this.carrier_changed_();
  }

  take(payload: Uint8Array, channel: string, at: Position | undefined): void {
    try {
      if (channel === 'control') {
        const message = JSON.parse(new TextDecoder().decode(payload)) as ControlMessage;
        if (typeof message?.type === 'string') this.peer_.control(message);
        return;
      }
      for (const message of read_messages(payload)) {
        if (message.type === 'step1') this.peer_.server_state(message.body);
        else if (message.type === 'awareness') this.peer_.awareness(message.body);
        else if (message.type === 'query-awareness') this.peer_.awareness_wanted();
        else if (message.type === 'denied') this.failed({ code: 'forbidden', message: message.reason, retry: false });
        else this.peer_.update(message.body, at);
      }
    } catch (error) {
      this.end_(String(error));
    }
  }

  /** A refusal about this document; what may be tried again is asked for anew after a while. */
  failed(refusal: Refusal): void {
    if (this.ended_) return;
    if (!refusal.retry) return this.peer_.refused(refusal);
    if (this.retry_timer_ !== undefined) return;
    const delay = Math.min(retry_ms * 2 ** this.failures_, retry_max_ms);
    this.failures_ += 1;
    this.retry_timer_ = setTimeout(() => {
      this.retry_timer_ = undefined;
      // The server still holds the socket to the token that has expired.
      if (refusal.code === 'expired') void this.connection_.authorize().finally(() => this.ask_());
      else this.ask_();
    }, delay * (0.5 + Math.random() / 2));
  }

  lost(reason: string, refusal?: Refusal): void {
    if (this.ended_) return;
    this.stop_();
    this.peer_.closed({ reason, refusal });
  }

  // --- own ---

  /** Joins, or joins again: the answer brings what is lacking on either side. */
  private ask_(): void {
    if (!this.socket_) return;
    const stateVector = Y.encodeStateVector(this.peer_.doc);
    const version = this.peer_.version_name();
    const question = { ...this.address, stateVector, ...(version === null ? {} : { version }) };
    this.socket_.emit('sync-request', question, (answer: unknown) => {
      if (this.ended_) return;
      const said = read_answer(answer);
      if (said.error) return said.error.retry ? this.end_(said.error.message, said.error) : this.failed(said.error);
      this.failures_ = 0;
      this.peer_.synced(position_in(said));
    });
  }

  private emit_(channel: Channel, payload: Uint8Array, done: (answer: Answer) => void): void {
    const version = /^\d+/.exec(this.peer_.version_name() ?? '')?.[0];
    const envelope = encodeKafkaEnvelope(
      {
        ...this.address,
        channel,
        ...(version === undefined ? {} : { version: Number(version) }),
        senderId: this.peer_.sender_id,
        timestamp: Date.now(),
      },
      payload,
    );
    this.socket_?.emit('protocol-message', envelope, (answer: unknown) => {
      if (!this.ended_) done(read_answer(answer));
    });
  }

  private stop_(): void {
    this.ended_ = true;
    this.socket_ = null;
    clearTimeout(this.retry_timer_);
  }

  private end_(reason: string, refusal?: Refusal): void {
    if (this.ended_) return;
    this.close();
    this.peer_.closed({ reason, refusal });
  }
}
