/** A server as several documents use it: addresses, token, and the Socket.IO socket they share. */

import { ObservableV2 } from 'lib0/observable';
import type { ManagerOptions, SocketOptions } from 'socket.io-client';

import type { DocumentName, Link, LinkPeer, Refusal, TransportName } from './link.js';
import { HttpLink } from './link_http.js';
import { SharedSocket, SocketIoLink } from './link_socketio.js';
import { WebSocketLink } from './link_websocket.js';

export type Token = string | (() => string | Promise<string>);

export interface ConnectionOptions {
  /** In order of preference. Default: socketio, websocket, http. */
  transports?: TransportName[];
  /** Sent with every attempt; a function is asked each time. */
  token?: Token;
  /** Who sends, for envelopes and the log. Default: the document's client id. */
  senderId?: string;
  /** How long an attempt may take before the next transport is tried. Default 8000. */
  connectTimeout?: number;
  /** Without any message for so long a connection counts as lost. Default 45000. */
  silenceTimeout?: number;
  /** Where each transport lives below the server's address. */
  paths?: Partial<Record<TransportName, string>>;
  /** Added to the address of WebSocket connections and HTTP requests. */
  params?: Record<string, string>;
  /** For machines without one, e.g. `ws` in Node before 22. */
  WebSocketPolyfill?: typeof WebSocket;
  fetch?: typeof fetch;
  /** Passed on to socket.io-client, e.g. `transports` of Engine.IO or `extraHeaders`. */
  socket?: Partial<ManagerOptions & SocketOptions>;
}

type ConnectionEvents = {
  /** A new token was told to the server: null, or why it does not take it. */
  authorize: (refusal: Refusal | null) => void;
};

const default_paths: Record<TransportName, string> = { socketio: '/socket.io/', websocket: '/ws', http: '/v1' };

export const default_transports: readonly TransportName[] = ['socketio', 'websocket', 'http'];

/** Throws for names that no address can hold: `.` and `..` would be folded away. */
function path_of({ roomId, docId }: DocumentName): string {
  for (const part of [roomId, docId]) if (/^\.{1,2}$/.test(part)) throw new RangeError(`no address has a part "${part}"`);
  return `${encodeURIComponent(roomId)}/${encodeURIComponent(docId)}`;
}

/** Puts into an address which part of its document is meant. */
function name_part(url: URL, { subdocId }: DocumentName): void {
  if (subdocId !== undefined) url.searchParams.set('subdocument', subdocId);
}

export class Connection extends ObservableV2<ConnectionEvents> {
  readonly transports: readonly TransportName[];
  readonly shared_socket: SharedSocket;
  readonly connect_timeout_ms: number;
  readonly silence_max_ms: number;
  readonly websocket_class: typeof WebSocket;
  readonly fetch: typeof fetch;
  readonly socket_options: Partial<ManagerOptions & SocketOptions>;
  readonly senderId: string | undefined;
  /** What the Socket.IO handshake names, so that it binds the socket; nothing for several. */
  bound_to: DocumentName | null = null;
  private readonly base_: URL;
  private readonly paths_: Record<TransportName, string>;
  private readonly params_: Record<string, string>;
  private token_: Token | undefined;

  /** `url`: http(s)://host or ws(s)://host, with the path that a reverse proxy puts before all. */
  constructor(url: string | URL, options: ConnectionOptions = {}) {
    super();
    const here = typeof location === 'undefined' ? undefined : location.href;
    this.base_ = new URL(url, here);
    this.base_.protocol = this.base_.protocol.replace(/^ws/, 'http');
    this.base_.search = '';
    this.base_.hash = '';
    this.paths_ = { ...default_paths, ...options.paths };
    this.params_ = options.params ?? {};
    this.token_ = options.token;
    this.transports = options.transports ?? default_transports;
    this.connect_timeout_ms = options.connectTimeout ?? 8000;
    this.silence_max_ms = options.silenceTimeout ?? 45_000;
    this.websocket_class = options.WebSocketPolyfill ?? globalThis.WebSocket;
    this.fetch = options.fetch ?? ((...request) => globalThis.fetch(...request));
    this.socket_options = options.socket ?? {};
    this.senderId = options.senderId;
    this.shared_socket = new SharedSocket(this);
  }

  /**
   * Uses a new token, or asks the function again, and tells it to the server: at once over
   * Socket.IO, with the next request over HTTP, with the next connection over WebSocket.
   */
  async authorize(token?: Token): Promise<void> {
    if (token !== undefined) this.token_ = token;
    const text = await this.token();
    if (text === undefined) return;
    const answer = this.shared_socket.authorize(text);
    if (answer) this.emit('authorize', [await answer]);
  }

  // --- for the transports ---

  open_link(transport: TransportName, peer: LinkPeer, carrier_changed: () => void): Link {
    switch (transport) {
      case 'socketio':
        return new SocketIoLink(this, peer, carrier_changed);
      case 'websocket':
        return new WebSocketLink(this, peer);
      case 'http':
        return new HttpLink(this, peer);
    }
  }

  async token(): Promise<string | undefined> {
    return typeof this.token_ === 'function' ? this.token_() : this.token_;
  }

  /** What the Socket.IO handshake says. */
  async handshake(): Promise<object> {
    return { ...this.bound_to, senderId: this.senderId, token: await this.token() };
  }

  socketio_address(): { origin: string; path: string } {
    const { origin } = this.base_;
    return { origin, path: this.below_(this.paths_.socketio).pathname };
  }

  async websocket_url(name: DocumentName): Promise<URL> {
    const url = this.below_(`${this.paths_.websocket}/${path_of(name)}`);
    url.protocol = url.protocol.replace(/^http/, 'ws');
    name_part(url, name);
    const token = await this.token();
    if (token !== undefined) url.searchParams.set('token', token);
    return url;
  }

  async http_request(name: DocumentName, route: string): Promise<{ url: URL; headers: Record<string, string> }> {
    const url = this.below_(`${this.paths_.http}/documents/${path_of(name)}/${route}`);
    name_part(url, name);
    const token = await this.token();
    return { url, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } };
  }

  /** Whether the server answers at all. */
  async reachable(timeout_ms: number): Promise<boolean> {
    try {
      await this.fetch(this.below_('/healthz').href, { cache: 'no-store', signal: AbortSignal.timeout(timeout_ms) });
      return true;
    } catch {
      return false;
    }
  }

  private below_(path: string): URL {
    const url = new URL(this.base_);
    const [route, query] = path.split('?');
    url.pathname = `${this.base_.pathname.replace(/\/+$/, '')}${route}`;
    url.search = query ?? '';
    for (const [key, value] of Object.entries(this.params_)) url.searchParams.set(key, value);
    return url;
  }
}
