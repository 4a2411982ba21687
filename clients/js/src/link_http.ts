/**
 * Plain HTTP: the state and what the server lacks by GET, edits of others by server-sent events,
 * own edits by POST, whose 201 says that they are durable. Presence comes with the events, and is
 * posted for as long as their stream is open.
 */

import * as Y from 'yjs';
import * as buffer from 'lib0/buffer';

import type { Connection } from './connection.js';
import { read_events, type ServerEvent } from './events.js';
import type { ControlMessage, Link, LinkPeer, Position, Refusal } from './link.js';

/** Longer state vectors go into a body: servers limit addresses. */
const address_bytes_max = 2000;
/** Edits that wait for a request are sent as one update up to this size. */
const merge_bytes_max = 256 * 1024;
const retry_ms = 500;
const retries_max = 5;

class Problem extends Error {
  constructor(readonly refusal: Refusal | undefined, message: string, readonly after_ms: number) {
    super(message);
  }
}

/** `42@<log>`, `42` or `none@<log>`; no version at all is that of a document without a record. */
function position_of(version: string | null, log: string | null): Position {
  const [number, name] = (version ?? 'none').split('@');
  const named = name ?? log ?? undefined;
  return { version: /^\d+$/.test(number) ? Number(number) : null, ...(named ? { log: named } : {}) };
}

export class HttpLink implements Link {
  readonly transport = 'http';
  readonly carrier = 'http';
  private readonly abort_ = new AbortController();
  private ended_ = false;
  private open_ = false;
  private posting_ = false;
  private waiting_: Uint8Array[] = [];
  private merge_bytes_ = merge_bytes_max;
  private last_id_: string | null = null;
  private stream_: string | null = null; // names the events' stream while it is open
  private presence_: Uint8Array | null = null; // not shown yet
  private showing_ = false;

  constructor(
    private readonly connection_: Connection,
    private readonly peer_: LinkPeer,
  ) {
    void this.run_();
  }

  send(update: Uint8Array, _answer: boolean): void {
    if (!this.open_) return;
    this.waiting_.push(update);
    if (!this.posting_) void this.post_();
  }

  /** Only the latest counts: what comes while a request is under way replaces what waits. */
  send_awareness(update: Uint8Array): void {
    this.presence_ = update;
    void this.show_();
  }

  send_control(_message: ControlMessage): boolean {
    return false;
  }

  close(): void {
    this.ended_ = true;
    this.open_ = false;
    this.abort_.abort();
  }

  private async run_(): Promise<void> {
    try {
      await this.load_();
      for (;;) {
        if (this.ended_) return;
        const since = this.last_id_ === null ? '' : `&since=${encodeURIComponent(this.last_id_)}`;
        await this.ask_(`events?awareness=1${since}`, { headers: { accept: 'text/event-stream' } }, (response) => this.follow_(response));
        if (!this.ended_) await this.load_();
      }
    } catch (error) {
      const refusal = error instanceof Problem ? error.refusal : undefined;
      this.end_(error instanceof Error ? error.message : String(error), refusal);
    }
  }

  /** Takes events until the state has to be read again; a stream that ends before is an error. */
  private async follow_({ body }: Response): Promise<void> {
    if (!body) throw new Problem(undefined, 'an answer without a body', 0);
    try {
      for await (const event of read_events(body, this.connection_.silence_max_ms)) {
        if (this.ended_) return;
        if (event.id !== null) this.last_id_ = event.id;
        if (this.take_(event)) return;
      }
    } finally {
      this.stream_ = null;
    }
    throw new Problem(undefined, 'the stream of events ended', 0);
  }

  /** The state as it is now. What follows it comes by events. */
  private async load_(): Promise<void> {
    const { bytes: state_vector } = await this.ask_('state-vector', {}, read_bytes, this.connection_.connect_timeout_ms);
    if (this.ended_) return;
    if (!this.open_) {
      this.open_ = true;
      this.peer_.opened();
    }
    const own = Y.encodeStateVector(this.peer_.doc);
    const encoded = buffer.toBase64UrlEncoded(own).replace(/=+$/, '');
    const answer =
      encoded.length <= address_bytes_max
        ? await this.ask_(`update?sv=${encoded}`, {}, read_bytes)
        : await this.ask_('diff', { method: 'POST', body: own as BodyInit, headers: binary }, read_bytes);
    if (this.ended_) return;
    const at = position_of(answer.headers.get('weft-version'), answer.headers.get('weft-log'));
    this.last_id_ = at.log === undefined ? null : `${at.version ?? 'none'}@${at.log}`;
    this.peer_.update(answer.bytes);
    this.peer_.synced(at);
    this.peer_.server_state(state_vector);
  }

  /** True when the state has to be read again. */
  private take_(event: ServerEvent): boolean {
    if (event.type === 'awareness') {
      const { update } = JSON.parse(event.data) as { update: string };
      this.peer_.awareness(buffer.fromBase64(update));
      return false;
    }
    if (event.type === 'start' || event.type === 'reset') {
      const { stream } = JSON.parse(event.data) as { stream?: unknown };
      this.stream_ = typeof stream === 'string' ? stream : null;
      if (this.stream_ !== null) this.peer_.awareness_wanted();
    }
    if (event.type === 'reset') return true;
    if (event.type === 'end') {
      const { type, detail } = JSON.parse(event.data) as { type?: string; detail?: string };
      throw new Problem(undefined, detail ?? type ?? 'the server ended the stream', 0);
    }
    if (event.type !== 'update') return false;
    const { update } = JSON.parse(event.data) as { update: string };
    this.peer_.update(buffer.fromBase64(update), position_of(event.id, null));
    return false;
  }

  /** Shows what waits. It is only seen for as long as the stream is open, and told anew with each. */
  private async show_(): Promise<void> {
    if (this.showing_) return;
    this.showing_ = true;
    while (this.presence_ !== null && this.stream_ !== null && !this.ended_) {
      const [update, stream] = [this.presence_, this.stream_];
      this.presence_ = null;
      try {
        const post = { method: 'POST', body: update as BodyInit, headers: binary };
        await this.ask_(`awareness?stream=${stream}`, post, read_bytes, this.connection_.connect_timeout_ms);
      } catch (error) {
        const { refusal, after_ms } = error instanceof Problem ? error : new Problem(undefined, String(error), 0);
        // One who may not be seen goes on unseen; a stream that has ended is followed by one that asks anew.
        if (refusal && !refusal.retry) continue;
        this.presence_ ??= update;
        await this.pause_(Math.max(after_ms, retry_ms));
      }
    }
    this.showing_ = false;
  }

  /** Sends what waits, one request at a time, so that edits arrive in their order. */
  private async post_(): Promise<void> {
    this.posting_ = true;
    for (let failures = 0; this.waiting_.length > 0 && !this.ended_; ) {
      const [update, count] = this.next_();
      try {
        const sender = encodeURIComponent(this.peer_.sender_id);
        // The version that it answers may be ahead of what the events have brought.
        const publish = { method: 'POST', body: update as BodyInit, headers: binary };
        await this.ask_(`updates?sender=${sender}`, publish, read_bytes);
        if (this.ended_) return;
        this.waiting_.splice(0, count);
        failures = 0;
        this.peer_.acked(update);
      } catch (error) {
        const problem = error instanceof Problem ? error : new Problem(undefined, String(error), 0);
        failures += 1;
        if (this.ended_) return;
        if (problem.refusal?.code === 'too-large' && count > 1) {
          this.merge_bytes_ = 0; // the server's limit is for one edit: one by one, then
          failures = 0;
          continue;
        }
        if (problem.refusal && !problem.refusal.retry) {
          this.peer_.refused(problem.refusal);
          this.waiting_ = [];
          break;
        }
        if (failures > retries_max) return this.end_(problem.message, problem.refusal);
        await this.pause_(Math.max(problem.after_ms, retry_ms * failures));
      }
    }
    this.posting_ = false;
  }

  /** The first of the waiting edits as one update, and how many they are. */
  private next_(): [Uint8Array, number] {
    let bytes = this.waiting_[0].length;
    let count = 1;
    while (count < this.waiting_.length && bytes + this.waiting_[count].length <= this.merge_bytes_) {
      bytes += this.waiting_[count].length;
      count += 1;
    }
    return [count === 1 ? this.waiting_[0] : Y.mergeUpdates(this.waiting_.slice(0, count)), count];
  }

  private pause_(ms: number): Promise<void> {
    const { signal } = this.abort_;
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
    });
  }

  /**
   * One request. Its answer must begin in time, and may then take as long as it is large; `use`
   * reads it.
   */
  private async ask_<T>(
    route: string,
    init: RequestInit,
    use: (response: Response) => Promise<T>,
    within_ms = this.connection_.silence_max_ms,
  ): Promise<T> {
    const { url, headers } = await this.connection_.http_request(this.peer_.name, route);
    const ended = new AbortController();
    const end = () => ended.abort();
    if (this.ended_) end();
    this.abort_.signal.addEventListener('abort', end);
    const timer = setTimeout(() => ended.abort(new Error('no answer in time')), within_ms);
    try {
      const response = await this.connection_.fetch(url.href, {
        cache: 'no-store',
        signal: ended.signal,
        ...init,
        headers: { ...headers, ...(init.headers as Record<string, string> | undefined) },
      });
      clearTimeout(timer);
      if (!response.ok) throw await problem_of(response);
      return await use(response);
    } finally {
      clearTimeout(timer);
      this.abort_.signal.removeEventListener('abort', end);
    }
  }

  private end_(reason: string, refusal?: Refusal): void {
    if (this.ended_) return;
    this.close();
    this.peer_.closed({ reason, refusal });
  }
}

async function read_bytes(response: Response): Promise<{ bytes: Uint8Array; headers: Headers }> {
  return { bytes: new Uint8Array(await response.arrayBuffer()), headers: response.headers };
}

const binary = { 'content-type': 'application/octet-stream' };
const problem_prefix = 'urn:weft:problem:';

/** Only what the server itself says is a refusal; a proxy's page means: not this transport. */
async function problem_of(response: Response): Promise<Problem> {
  const after_ms = Number(response.headers.get('retry-after') ?? 0) * 1000 || 0;
  let said: { type?: unknown; detail?: unknown } = {};
  try {
    said = (await response.json()) as typeof said;
  } catch {
    // no problem document
  }
  const message = typeof said.detail === 'string' ? said.detail : `the server answered ${response.status}`;
  if (typeof said.type !== 'string' || !said.type.startsWith(problem_prefix)) {
    return new Problem(undefined, message, after_ms);
  }
  const code = said.type.slice(problem_prefix.length);
  return new Problem({ code, message, retry: response.status >= 500 }, message, after_ms);
}
