import { readAuthMessage } from 'y-protocols/auth';
import type { Awareness } from 'y-protocols/awareness';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';

import { to_path, type Route } from './route';
import { read_user, type User } from './user';

/**
 * connecting: not yet synced for the first time.
 * synced:     everything here is sent, everything there is here.
 * offline:    no connection; edits stay in this tab and are sent when it is back.
 * denied:     the server refused, and asking again will not help.
 * broken:     the server is there but could not load the document; it is asked again.
 */
export type State = 'connecting' | 'synced' | 'offline' | 'denied' | 'broken';

export interface Status {
  state: State;
  /** The document has been loaded once, so its text may be shown. */
  loaded: boolean;
  /** Own changes made since the connection was last synced. */
  unsent: number;
  /** Why, in words; empty if there is nothing to say. */
  reason: string;
}

export interface Person {
  client: number;
  self: boolean;
  user: User;
}

const close_invalid = 4400;
const close_denied = 4403;
const close_too_large = 4413;
const close_unavailable = 4503;
const close_internal = 1011;
const auth_message = 2;
/** Fewer than this many failures in a row still look like connecting. */
const failures_until_offline = 2;
const probe_timeout_ms = 2000;

/** Whether to ask again would only repeat what the server has just refused. */
function refuses(code: number): boolean {
  return code >= 4400 && code < 4500;
}

function refusal(code: number, reason: string): string {
  const said = new Map([
    [close_denied, 'The server does not take your changes to this document'],
    [close_too_large, 'An edit was too large for the server'],
    [close_invalid, 'The server could not read an edit'],
  ]).get(code);
  return `${said ?? 'The server refused the connection'}${reason ? ` (${reason})` : ''}.`;
}

/** One open document: its Yjs state, its connection, and what to say about it. */
export class Session {
  readonly doc = new Y.Doc();
  readonly text = this.doc.getText('content');
  readonly undo = new Y.UndoManager(this.text);
  readonly awareness: Awareness;
  status: Status = { state: 'connecting', loaded: false, unsent: 0, reason: '' };
  private readonly provider_: WebsocketProvider;
  private readonly listeners_ = new AbortController();
  private denied_ = '';
  private failures_ = 0;
  private last_code_ = 0;

  constructor(
    readonly route: Route,
    user: User,
    private readonly changed_: (status: Status) => void,
    people_changed: () => void,
  ) {
    const base = new URL('./ws', location.href.replace(/#.*/, ''));
    base.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:';
    // No broadcast channel between tabs: what one tab shows of another came from the server, so
    // it is safely stored.
    this.provider_ = new WebsocketProvider(base.href, to_path(route), this.doc, {
      connect: false,
      disableBc: true,
      shouldReconnect: (event) => !refuses(event.code),
    });
    this.awareness = this.provider_.awareness;
    this.set_user(user);
    this.provider_.messageHandlers[auth_message] = (_encoder, decoder) => {
      readAuthMessage(decoder, this.doc, (_doc, reason) => this.deny_(reason));
    };
    this.provider_.on('status', () => this.update_());
    this.provider_.on('sync', (synced: boolean) => {
      if (synced) {
        this.failures_ = 0;
        this.status = { ...this.status, loaded: true, unsent: 0 };
      }
      this.update_();
    });
    this.provider_.on('connection-close', (event) => {
      this.failures_ += 1;
      this.last_code_ = event?.code ?? 0;
      this.update_();
    });
    this.provider_.on('closed', ({ code, reason }) => this.deny_(refusal(code, reason)));
    this.doc.on('update', (_update: Uint8Array, origin: unknown) => {
      if (origin === this.provider_ || this.provider_.synced) return;
      this.status = { ...this.status, unsent: this.status.unsent + 1 };
      this.update_();
    });
    this.awareness.on('change', people_changed);
    const signal = this.listeners_.signal;
    addEventListener('offline', () => void this.check_(), { signal });
    addEventListener('online', () => this.retry(), { signal });
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
    if (!this.denied_) this.provider_.connect();
  }

  close(): void {
    this.listeners_.abort();
    this.awareness.setLocalState(null); // others see the departure before the socket closes
    this.provider_.destroy();
    this.awareness.destroy();
    this.doc.destroy();
  }

  private deny_(reason: string): void {
    this.denied_ = reason || 'You may not open this document.';
    this.undo.clear(); // undo would write past the editor, which takes nothing any more
    this.provider_.disconnect();
    this.update_();
  }

  /**
   * The browser says the network is gone. A server on this machine is still there, so ask it;
   * if it is not, give up the socket now and not after its 30 s of silence.
   */
  private async check_(): Promise<void> {
    try {
      await fetch('./healthz', { cache: 'no-store', signal: AbortSignal.timeout(probe_timeout_ms) });
    } catch {
      if (this.denied_ || this.listeners_.signal.aborted) return;
      this.provider_.disconnect();
      this.provider_.connect();
    }
  }

  private update_(): void {
    if (this.listeners_.signal.aborted) return;
    this.status = { ...this.status, ...this.judge_() };
    this.changed_(this.status);
  }

  private judge_(): { state: State; reason: string } {
    if (this.denied_) return { state: 'denied', reason: this.denied_ };
    if (this.provider_.synced) return { state: 'synced', reason: '' };
    const refused = this.last_code_ === close_unavailable || this.last_code_ === close_internal;
    if (this.failures_ > 0 && refused && !this.status.loaded) {
      return { state: 'broken', reason: 'The server could not load this document. It is asked again by itself.' };
    }
    if (this.status.loaded) {
      return { state: 'offline', reason: refused ? 'The server cannot store edits right now.' : '' };
    }
    if (this.failures_ >= failures_until_offline) {
      return { state: 'offline', reason: 'The server cannot be reached. It is tried again by itself.' };
    }
    return { state: 'connecting', reason: '' };
  }
}
