import { ProtocolProvider, type Refusal, type TransportName } from 'weft-provider';
import type { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';

import type { Route } from './route';
import { token } from './token';
import { transports_of, type Choice } from './transport';
import { read_user, type User } from './user';

/**
 * connecting: not yet synced for the first time.
 * synced:     everything there is here; `unsaved` says what is on its way there.
 * offline:    no connection; edits stay in this tab and are sent when it is back.
 * readonly:   synced, but the server takes no edits of this user.
 * denied:     the server refused, and asking again will not help.
 * broken:     the server is there but could not load the document; it is asked again.
 */
export type State = 'connecting' | 'synced' | 'offline' | 'readonly' | 'denied' | 'broken';

export interface Status {
  state: State;
  /** The document has been loaded once, so its content may be shown. */
  loaded: boolean;
  /** Own changes that are not known to be safely stored. */
  unsaved: number;
  /** Why, in words; empty if there is nothing to say. */
  reason: string;
  transport: TransportName | null;
  carrier: string | null;
  /** The last version that has come; null where the transport tells none. */
  version: number | null;
}

export interface Person {
  client: number;
  self: boolean;
  user: User;
}

/** Fewer than this many failures in a row still look like connecting. */
const failures_until_offline = 2;

const refusals = new Map([
  ['conflicting-ids', 'The server does not take your changes to this document'],
  ['forbidden', 'You may not do that with this document'],
  ['unauthenticated', 'The server does not know who you are'],
  ['too-large', 'An edit was too large for the server'],
  ['invalid-update', 'The server could not read an edit'],
]);

function explain({ code, message }: Refusal): string {
  return `${refusals.get(code) ?? 'The server refused the connection'}${message ? ` (${message})` : ''}.`;
}

/** One open document: its Yjs state, its connection, and what to say about it. */
export class Session {
  readonly doc = new Y.Doc();
  readonly awareness: Awareness;
  status: Status = {
    state: 'connecting', loaded: false, unsaved: 0, reason: '', transport: null, carrier: null, version: null,
  };
  private readonly provider_: ProtocolProvider;
  private closed_ = false;
  private failures_ = 0;
  private passing_: Refusal | null = null;

  constructor(
    readonly route: Route,
    choice: Choice,
    user: User,
    private readonly changed_: (status: Status) => void,
    people_changed: () => void,
  ) {
    const { room, document } = route;
    // No exchange with other tabs: what one tab shows of another came from the server, so it is
    // safely stored.
    this.provider_ = new ProtocolProvider(
      new URL('.', location.href.replace(/[?#].*/, '')),
      { roomId: room, docId: document },
      this.doc,
      { transports: [...transports_of(choice)], token, connect: false, disableBc: true },
    );
    this.awareness = this.provider_.awareness;
    this.set_user(user);
    const update = () => this.update_();
    this.provider_.on('status', ({ status }) => {
      if (status === 'disconnected') this.failures_ += 1;
      update();
    });
    this.provider_.on('sync', (synced) => {
      if (synced) {
        this.failures_ = 0;
        this.passing_ = null;
        this.status = { ...this.status, loaded: true };
      }
      update();
    });
    this.provider_.on('connection-close', ({ refusal }) => (this.passing_ = refusal ?? null));
    this.provider_.on('connection-error', ({ refusal }) => (this.passing_ = refusal ?? this.passing_));
    this.provider_.on('refused', update);
    this.provider_.on('permission', update);
    this.provider_.on('transport', update);
    this.provider_.on('pending', update);
    this.provider_.on('version', update);
    this.awareness.on('change', people_changed);
    this.provider_.connect();
  }

  set_user(user: User): void {
    this.awareness.setLocalStateField('user', { ...user, colorLight: `${user.color}33` });
  }

  /** Everybody present, this user first, then by name. */
  people(): Person[] {
    const people: Person[] = [];
    for (const [client, state] of this.awareness.getStates()) {
      people.push({ client, self: client === this.doc.clientID, user: read_user(state.user) });
    }
    return people.sort(
      (a, b) => Number(b.self) - Number(a.self) || a.user.name.localeCompare(b.user.name) || a.client - b.client,
    );
  }

  /** Connects at once in place of waiting for the next attempt; not after a refusal. */
  retry(): void {
    this.provider_.retry();
  }

  use(choice: Choice): void {
    this.provider_.setTransports(transports_of(choice));
  }

  close(): void {
    this.closed_ = true;
    void this.provider_.destroy();
    this.doc.destroy();
  }

  private update_(): void {
    if (this.closed_) return;
    const { pending, transport, carrier, version } = this.provider_;
    this.status = { ...this.status, unsaved: pending, transport, carrier, version, ...this.judge_() };
    this.changed_(this.status);
  }

  private judge_(): { state: State; reason: string } {
    const { refusal, synced, readOnly } = this.provider_;
    const { loaded } = this.status;
    if (synced && readOnly) return { state: 'readonly', reason: 'You may read this document, but not change it.' };
    if (refusal) return { state: 'denied', reason: explain(refusal) };
    if (synced) return { state: 'synced', reason: '' };
    if (this.failures_ > 0 && this.passing_ && !loaded) {
      return { state: 'broken', reason: 'The server could not load this document. This page keeps asking.' };
    }
    if (loaded) return { state: 'offline', reason: this.passing_ ? 'The server cannot store edits right now.' : '' };
    if (this.failures_ >= failures_until_offline) {
      return { state: 'offline', reason: 'The server cannot be reached. This page keeps trying.' };
    }
    return { state: 'connecting', reason: '' };
  }
}
