/**
 * The y-websocket protocol: one socket for each document.
 *
 * It has no acknowledgement. What is durable is found by asking: a SyncStep1 whose state vector is
 * set back to the begin of what is unproven is answered with that content once the server has
 * stored it, and every such answer carries all deletions that are stored.
 */

import * as Y from 'yjs';

import type { Connection } from './connection.js';
import type { ControlMessage, Link, LinkPeer } from './link.js';
import { read_messages, write_awareness, write_step1, write_step2, write_update, type Message } from './messages.js';

/** How long after an edit the server is asked for it first; doubled while it is not there. */
const probe_delay_ms = 100;
const probe_delay_max_ms = 5000;
/** Answers cost their bytes (all deletions are in each): ask so rarely that they stay below this. */
const probe_bytes_per_ms = 100;
const watch_interval_ms = 3000;

const final_codes = [4400, 4499];

export class WebSocketLink implements Link {
  readonly transport = 'websocket';
  readonly carrier = 'websocket';
  private socket_: WebSocket | null = null;
  private ended_ = false;
  private open_ = false;
  private asked_ = false; // a SyncStep1 of ours has no answer yet
  private synced_ = false;
  private last_message_ms_ = 0;
  private answer_bytes_ = 0;
  private probe_delay_ms_ = probe_delay_ms;
  private probe_timer_: ReturnType<typeof setTimeout> | undefined;
  private connect_timer_: ReturnType<typeof setTimeout> | undefined;
  private watch_timer_: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly connection_: Connection,
    private readonly peer_: LinkPeer,
  ) {
    this.connect_timer_ = setTimeout(() => this.end_(0, 'no connection in time'), connection_.connect_timeout_ms);
    void this.connect_();
  }

  send(update: Uint8Array, answer: boolean): void {
    if (!this.open_) return;
    this.write_(answer ? write_step2(update) : write_update(update));
    this.probe_delay_ms_ = probe_delay_ms;
    this.plan_probe_();
  }

  send_awareness(update: Uint8Array): void {
    if (this.open_) this.write_(write_awareness(update));
  }

  send_control(_message: ControlMessage): boolean {
    return false;
  }

  close(): void {
    if (this.ended_) return;
    this.stop_();
    this.socket_?.close();
  }

  private async connect_(): Promise<void> {
    let url: URL;
    try {
      url = await this.connection_.websocket_url(this.peer_.name);
    } catch (error) {
      return this.end_(0, `no address or no token: ${String(error)}`);
    }
    if (this.ended_) return;
    let socket: WebSocket;
    try {
      socket = new this.connection_.websocket_class(url.href);
    } catch (error) {
      return this.end_(0, String(error));
    }
    this.socket_ = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.opened_();
    socket.onmessage = (event) => this.take_(event.data);
    socket.onclose = (event) => this.end_(event.code, event.reason);
    socket.onerror = () => {}; // a close follows, which says more
  }

  private opened_(): void {
    if (this.ended_) return this.socket_?.close();
    clearTimeout(this.connect_timer_);
    this.open_ = true;
    this.last_message_ms_ = Date.now();
    this.watch_timer_ = setInterval(() => this.watch_(), watch_interval_ms);
    this.peer_.opened();
    this.ask_(Y.encodeStateVector(this.peer_.doc));
  }

  private ask_(state_vector: Uint8Array): void {
    this.asked_ = true;
    this.answer_bytes_ = 0;
    this.write_(write_step1(state_vector));
  }

  private take_(data: unknown): void {
    if (this.ended_) return;
    this.last_message_ms_ = Date.now();
    try {
      if (!(data instanceof ArrayBuffer)) throw new Error('a text frame');
      for (const message of read_messages(new Uint8Array(data))) {
        this.handle_(message);
        if (this.ended_) return;
      }
    } catch (error) {
      // Whatever this server speaks, it is not this protocol, or not all of it.
      this.end_(0, String(error));
    }
  }

  private handle_(message: Message): void {
    switch (message.type) {
      case 'step1':
        return this.peer_.server_state(message.body);
      case 'update':
        this.answer_bytes_ += message.body.length;
        return this.peer_.update(message.body);
      case 'step2':
        this.answer_bytes_ += message.body.length;
        this.peer_.update(message.body);
        return this.answered_();
      case 'awareness':
        return this.peer_.awareness(message.body);
      case 'query-awareness':
        return this.peer_.awareness_wanted();
      case 'denied':
        return this.peer_.refused({ code: 'forbidden', message: message.reason, retry: false });
    }
  }

  private answered_(): void {
    this.asked_ = false;
    if (!this.synced_) {
      this.synced_ = true;
      this.peer_.synced();
    } else {
      this.probe_delay_ms_ = Math.min(this.probe_delay_ms_ * 2, probe_delay_max_ms);
    }
    this.plan_probe_();
  }

  /** Asks once more after a while, as long as something is unproven. */
  private plan_probe_(): void {
    if (this.probe_timer_ !== undefined || this.asked_ || this.ended_ || !this.peer_.unproven()) return;
    const spared = Math.min(this.answer_bytes_ / probe_bytes_per_ms, probe_delay_max_ms);
    this.probe_timer_ = setTimeout(
      () => {
        this.probe_timer_ = undefined;
        if (this.open_ && !this.asked_ && this.peer_.unproven()) this.ask_(this.peer_.proven_state_vector());
      },
      Math.max(this.probe_delay_ms_, spared),
    );
  }

  /** A server that says nothing at all is gone, whatever the socket says. */
  private watch_(): void {
    if (Date.now() - this.last_message_ms_ > this.connection_.silence_max_ms) this.end_(0, 'silence');
  }

  private write_(frame: Uint8Array<ArrayBuffer>): void {
    if (this.socket_?.readyState === 1) this.socket_.send(frame);
  }

  private stop_(): void {
    this.ended_ = true;
    this.open_ = false;
    clearTimeout(this.connect_timer_);
    clearTimeout(this.probe_timer_);
    clearInterval(this.watch_timer_);
  }

  private end_(code: number, reason: string): void {
    if (this.ended_) return;
    this.stop_();
    if (this.socket_ && this.socket_.readyState < 2) this.socket_.close();
    const final = code >= final_codes[0] && code <= final_codes[1];
    const name = {
      4400: 'invalid-update', 4401: 'unauthenticated', 4403: 'forbidden', 4409: 'conflicting-ids', 4413: 'too-large',
      4501: 'expired', 4503: 'unavailable',
    }[code];
    const refusal = final || name !== undefined ? { code: name ?? 'refused', message: reason, retry: !final } : undefined;
    this.peer_.closed({ code, reason, refusal });
  }
}
