/** The provider: a Y.Doc and its awareness, kept equal with a server over whatever can be had. */

import { ObservableV2 } from 'lib0/observable';
import { Awareness } from 'y-protocols/awareness';
import type * as Y from 'yjs';

import { Attempts } from './attempts.js';
import { Connection, type ConnectionOptions } from './connection.js';
import { in_browser, watch_page } from './environment.js';
import { Kept } from './kept.js';
import { Ledger } from './ledger.js';
import type { Closing, ControlMessage, DocumentName, Refusal, TransportName } from './link.js';
import type { ProviderEvents, ProviderOptions, Status } from './options.js';
import { Presence } from './presence.js';
import { Reached } from './reached.js';
import { Session } from './session.js';
import { Subdocuments } from './subdocuments.js';
import { Tabs } from './tabs.js';

const better_after_max_ms = 10 * 60_000;
const reachable_timeout_ms = 2000;

export class ProtocolProvider extends ObservableV2<ProviderEvents> {
  readonly awareness: Awareness;
  readonly connection: Connection;
  /** What the application wants; false after `disconnect()` and after a refusal. */
  shouldConnect = false;
  status: Status = 'disconnected';
  synced = false;
  readOnly = false;
  /** Why the server takes nothing more; null while it does. */
  refusal: Refusal | null = null;
  /** Resolves when the store has loaded the document; soon without a store. */
  readonly whenLoaded: Promise<void>;

  private readonly reached_ = new Reached((version, log) => this.emit('version', [version, log]));
  private readonly ledger_: Ledger;
  private readonly kept_: Kept;
  private readonly presence_: Presence;
  private readonly attempts_: Attempts;
  private readonly own_awareness_: boolean;
  private readonly subdocuments_: Subdocuments;
  private readonly unwatch_: () => void;
  private readonly tabs_origin_ = {};
  private session_: Session | null = null;
  /** A session over a better transport, which takes over once it is synced. */
  private candidate_: Session | null = null;
  private retry_timer_: ReturnType<typeof setTimeout> | undefined;
  private better_timer_: ReturnType<typeof setTimeout> | undefined;
  private destroyed_ = false;
  private tabs_: Tabs | null = null;
  private told_pending_ = 0;
  private told_saved_ = true;

  /** `server`: its address, or a Connection that several providers share. */
  constructor(
    server: string | URL | Connection,
    readonly name: DocumentName,
    readonly doc: Y.Doc,
    private readonly options_: ProviderOptions = {},
  ) {
    super();
    const { roomId, docId, subdocId } = name;
    const parts = [roomId, docId, ...(subdocId === undefined ? [] : [subdocId])];
    if (parts.some((part) => typeof part !== 'string' || part === '')) {
      throw new TypeError('a document is named by a roomId and a docId');
    }
    this.connection = server instanceof Connection ? server : new Connection(server, options_);
    if (!(server instanceof Connection)) this.connection.bound_to = { roomId, docId };
    this.own_awareness_ = !options_.awareness;
    this.awareness = options_.awareness ?? new Awareness(doc);
    this.presence_ = new Presence(this.awareness, (origin) => this.on_presence_(origin));
    this.ledger_ = new Ledger(() => this.tell_pending_());
    const store_name = options_.storeName ?? `weft:${parts.map(encodeURIComponent).join('/')}`;
    this.kept_ = new Kept(options_.store, store_name, doc, this.ledger_, (error) => this.emit('store-error', [error]));
    this.attempts_ = new Attempts(options_.transports ?? this.connection.transports, {
      backoff_min_ms: options_.minBackoffTime ?? 200,
      backoff_max_ms: options_.maxBackoffTime ?? 10_000,
      better_after_ms: options_.retryBetterAfter ?? 30_000,
      better_after_max_ms,
      random: Math.random,
    });
    this.subdocuments_ = new Subdocuments(this, options_);
    doc.on('update', this.on_update_);
    doc.on('destroy', this.on_doc_destroy_);
    this.connection.on('authorize', this.on_authorize_);
    this.unwatch_ = watch_page({
      offline: () => void this.check_(),
      online: () => this.retry(),
      hidden: () => this.presence_.hide(),
      shown: () => {
        this.presence_.show();
        this.retry();
      },
    });
    this.whenLoaded = this.load_();
    if (options_.connect ?? true) this.connect();
  }

  /** Everything up to here has been delivered; null while no version is known. */
  get version(): number | null {
    return this.reached_.version;
  }

  /** The log in which `version` counts. */
  get log(): string | null {
    return this.reached_.log;
  }

  /** Edits of this document that are not known to be durable. */
  get pending(): number {
    return this.ledger_.pending;
  }

  /** Everything in the document is known to be durable on the server. */
  get saved(): boolean {
    return this.ledger_.saved;
  }

  /** What is connected; null while nothing is. */
  get transport(): TransportName | null {
    return this.session_?.is_open ? this.session_.link.transport : null;
  }

  /** What carries the transport: `websocket`, `polling` or `http`. */
  get carrier(): string | null {
    return this.session_?.is_open ? this.session_.link.carrier : null;
  }

  /** Providers of the loaded subdocuments, by their guid. */
  get subdocs(): ReadonlyMap<string, ProtocolProvider> {
    return this.subdocuments_.providers;
  }

  get wsconnected(): boolean {
    return this.status === 'connected';
  }

  get wsconnecting(): boolean {
    return this.status === 'connecting';
  }

  connect(): void {
    if (this.destroyed_) return;
    if (this.refusal?.code === 'forbidden') this.set_writable_(true); // until it is said again
    this.refusal = null;
    this.shouldConnect = true;
    if (!this.session_ && this.retry_timer_ === undefined) this.attempt_soon_(0);
  }

  disconnect(): void {
    this.shouldConnect = false;
    this.drop_('disconnected by the application');
  }

  /** Tries at once in place of waiting for the next attempt. */
  retry(): void {
    if (!this.shouldConnect || this.session_) return;
    this.attempts_.forget_failures();
    this.attempt_soon_(0);
  }

  /** Uses these transports from now on, in this order. */
  setTransports(transports: readonly TransportName[]): void {
    this.attempts_.set_list(transports);
    this.reopen_('another transport');
  }

  /** A new token, or the function asked again; the `authorize` event says what the server thinks. */
  authorize(token?: ConnectionOptions['token']): Promise<void> {
    return this.connection.authorize(token);
  }

  /**
   * Sends a control message to the others in this document. False while there is no Socket.IO
   * connection: nothing else has a control channel.
   */
  sendControl(message: ControlMessage): boolean {
    return this.session_?.is_open ? this.session_.link.send_control(message) : false;
  }

  /** Leaves for good. The document and what is stored stay. Resolves when the store is closed. */
  override destroy(): Promise<void> {
    if (this.destroyed_) return Promise.resolve();
    this.subdocuments_.destroy();
    this.presence_.leave();
    this.destroyed_ = true;
    this.disconnect();
    this.unwatch_();
    this.tabs_?.close();
    this.doc.off('update', this.on_update_);
    this.doc.off('destroy', this.on_doc_destroy_);
    this.connection.off('authorize', this.on_authorize_);
    if (this.own_awareness_) this.awareness.destroy();
    this.emit('destroy', []);
    super.destroy();
    return this.kept_.close();
  }

  // --- the document ---

  private readonly on_update_ = (update: Uint8Array, origin: unknown): void => {
    if (origin === this || this.kept_.brings(origin)) return;
    this.ledger_.add(update);
    if (origin !== this.tabs_origin_) this.tabs_?.update(update);
    for (const session of [this.session_, this.candidate_]) session?.edit(update);
  };

  private on_presence_(origin: unknown): void {
    this.session_?.presence();
    if (origin !== this.tabs_origin_) this.tabs_?.presence();
  }

  private readonly on_authorize_ = (refusal: Refusal | null): void => {
    this.emit('authorize', [refusal]);
    if (refusal !== null || !['forbidden', 'unauthenticated'].includes(this.refusal?.code ?? '')) return;
    this.connect();
    this.reopen_('a new token');
  };

  private readonly on_doc_destroy_ = (): void => {
    void this.destroy();
  };

  private tell_pending_(): void {
    const { pending, saved } = this.ledger_;
    if (pending !== this.told_pending_) {
      this.told_pending_ = pending;
      this.emit('pending', [pending]);
    }
    if (saved === this.told_saved_) return;
    this.told_saved_ = saved;
    if (saved) this.kept_.plan_proof();
    this.emit('saved', [saved]);
  }

  private async load_(): Promise<void> {
    await this.kept_.load();
    if (this.destroyed_ || !in_browser || this.options_.disableBc) return;
    if (typeof BroadcastChannel !== 'function') return;
    this.tabs_ = new Tabs(this.kept_.name, this.doc, this.awareness, this.tabs_origin_);
  }

  // --- connecting ---

  private attempt_soon_(ms: number): void {
    clearTimeout(this.retry_timer_);
    this.set_status_(ms === 0 ? 'connecting' : 'disconnected');
    this.retry_timer_ = setTimeout(() => void this.attempt_(), ms);
  }

  private async attempt_(): Promise<void> {
    await this.whenLoaded;
    this.retry_timer_ = undefined;
    if (!this.shouldConnect || this.destroyed_ || this.session_) return;
    this.set_status_('connecting');
    this.session_ = this.open_(this.attempts_.transport);
  }

  private open_(transport: TransportName): Session {
    const session = new Session({
      name: this.name,
      doc: this.doc,
      awareness: this.awareness,
      ledger: this.ledger_,
      origin: this,
      sender_id: this.connection.senderId ?? String(this.doc.clientID),
      reached: this.reached_,
      opened: () => this.opened_(session),
      synced: () => this.synced_(session),
      refused: (refusal) => this.refused_(session, refusal),
      closed: (closing) => this.closed_(session, closing),
      control: (message) => this.take_control_(message),
    });
    session.link = this.connection.open_link(transport, session, () => this.tell_transport_());
    return session;
  }

  private plan_better_(): void {
    clearTimeout(this.better_timer_);
    const ms = this.attempts_.better_after();
    if (ms === null) return;
    this.better_timer_ = setTimeout(() => {
      if (this.session_ && !this.candidate_) this.candidate_ = this.open_(this.attempts_.next_better());
    }, ms);
  }

  /** Ends everything that connects or is connected, without a word to `closed_`. */
  private stop_(): Session | null {
    clearTimeout(this.retry_timer_);
    clearTimeout(this.better_timer_);
    this.retry_timer_ = undefined;
    for (const session of [this.candidate_, this.session_]) session?.link.close();
    const session = this.session_;
    this.candidate_ = null;
    this.session_ = null;
    return session;
  }

  private drop_(reason: string): void {
    this.lost_(this.stop_(), { reason });
    this.set_status_('disconnected');
  }

  private reopen_(reason: string): void {
    this.drop_(reason);
    if (this.shouldConnect && !this.destroyed_) this.attempt_soon_(0);
  }

  /** Tells what the end of `session` means. */
  private lost_(session: Session | null, closing: Closing): void {
    this.set_synced_(false);
    this.presence_.forget_others(this);
    if (!session) return;
    if (!session.is_open) return void this.emit('connection-error', [closing, this]);
    this.tell_transport_();
    this.emit('connection-close', [closing, this]);
  }

  private set_status_(status: Status): void {
    if (this.status === status) return;
    this.status = status;
    this.emit('status', [{ status, transport: this.transport }]);
  }

  private set_synced_(synced: boolean): void {
    if (this.synced === synced) return;
    this.synced = synced;
    this.emit('synced', [synced]);
    this.emit('sync', [synced]);
    this.doc.emit('sync', [synced, this.doc]);
  }

  private tell_transport_(): void {
    this.emit('transport', [this.transport, this.carrier]);
  }

  /** The browser says that the network is gone; a server on this machine is still there. */
  private async check_(): Promise<void> {
    const { session_ } = this;
    if (!session_ || (await this.connection.reachable(reachable_timeout_ms)) || session_ !== this.session_) return;
    this.drop_('offline');
    if (this.shouldConnect) this.attempt_soon_(this.attempts_.pause());
  }

  // --- from the sessions ---

  private opened_(session: Session): void {
    if (session !== this.session_) return;
    this.set_status_('connected');
    this.tell_transport_();
    this.presence_.announce();
  }

  private synced_(session: Session): void {
    if (session === this.candidate_) {
      const old = this.session_;
      this.candidate_ = null;
      this.session_ = session;
      this.presence_.announce();
      old?.link.close();
      this.tell_transport_();
    }
    if (session !== this.session_) return;
    this.attempts_.succeeded(session.link.transport);
    this.plan_better_();
    this.set_synced_(true);
  }

  private refused_(session: Session, refusal: Refusal): void {
    if (session === this.candidate_) return this.end_candidate_();
    if (session !== this.session_) return;
    this.refusal = refusal;
    if (refusal.code === 'forbidden') this.set_writable_(false);
    // One that may read stays; for the rest asking again would only repeat it.
    if (refusal.code !== 'forbidden' || !session.is_synced) {
      this.shouldConnect = false;
      this.drop_(refusal.message);
    }
    this.emit('refused', [refusal]);
  }

  private closed_(session: Session, closing: Closing): void {
    if (session === this.candidate_) return this.end_candidate_();
    if (session !== this.session_) return;
    const { refusal } = closing;
    const final = refusal !== undefined && !refusal.retry;
    if (final) {
      this.refusal = refusal;
      this.shouldConnect = false;
    }
    this.stop_();
    this.lost_(session, closing);
    if (final) this.emit('refused', [refusal]);
    // A transport that brought an answer is one that can be had. One that opens and says nothing
    // is not: so do networks that let a WebSocket begin and nothing through it.
    const reached = session.is_synced || refusal !== undefined;
    if (this.shouldConnect) this.attempt_soon_(reached ? this.attempts_.pause() : this.attempts_.failed());
    else this.set_status_('disconnected');
  }

  private take_control_(message: ControlMessage): void {
    if (message.type === 'permission' && typeof message.write === 'boolean') {
      if (message.write && this.session_?.is_refused) {
        this.refusal = null;
        this.reopen_('writing is allowed again');
      }
      if (!message.write) this.session_?.stop_writing();
      this.set_writable_(message.write);
    }
    this.emit('control', [message]);
  }

  private end_candidate_(): void {
    this.candidate_?.link.close();
    this.candidate_ = null;
    this.plan_better_();
  }

  private set_writable_(write: boolean): void {
    if (this.readOnly === !write) return;
    this.readOnly = !write;
    this.emit('permission', [{ write }]);
  }
}
