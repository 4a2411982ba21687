/**
 * Which transport is tried when: the best first, the next when one cannot be had, a growing pause
 * when none can; and while a lesser one serves, the better ones again from time to time.
 */

import type { TransportName } from './link.js';

export interface AttemptOptions {
  /** The first pause and the longest, in milliseconds. */
  backoff_min_ms: number;
  backoff_max_ms: number;
  /** After how long a better transport is tried first; doubled with each failure. */
  better_after_ms: number;
  better_after_max_ms: number;
  random: () => number;
}

export class Attempts {
  private at_ = 0;
  private failed_rounds_ = 0;
  private better_failures_ = 0;

  constructor(
    private list_: readonly TransportName[],
    private readonly options_: AttemptOptions,
  ) {
    this.set_list(list_);
  }

  set_list(list: readonly TransportName[]): void {
    if (list.length === 0) throw new RangeError('no transport is given');
    this.list_ = [...list];
    this.at_ = 0;
    this.failed_rounds_ = 0;
    this.better_failures_ = 0;
  }

  get transport(): TransportName {
    return this.list_[this.at_];
  }

  /** This one cannot be had. Milliseconds until the next one may be tried: 0 within a round. */
  failed(): number {
    this.at_ += 1;
    if (this.at_ < this.list_.length) return 0;
    return this.pause();
  }

  /** It served and was lost, or serves but the document cannot be had: from the best one again. */
  pause(): number {
    this.at_ = 0;
    const { backoff_min_ms, backoff_max_ms, random } = this.options_;
    const ms = Math.min(backoff_min_ms * 2 ** Math.min(this.failed_rounds_, 30), backoff_max_ms);
    this.failed_rounds_ += 1;
    return ms * (0.5 + random() / 2); // jitter: clients of a restarted server come one by one
  }

  succeeded(transport: TransportName): void {
    this.at_ = Math.max(this.list_.indexOf(transport), 0);
    this.failed_rounds_ = 0;
    if (this.at_ === 0) this.better_failures_ = 0;
  }

  /** Somebody says that the network is back. */
  forget_failures(): void {
    this.failed_rounds_ = 0;
    this.better_failures_ = 0;
  }

  /** The better transport to try now: one after the other, the best first. */
  next_better(): TransportName {
    const better = this.list_.slice(0, Math.max(this.at_, 1));
    return better[(this.better_failures_ - 1) % better.length];
  }

  /** When to try a better one; null while the best serves. */
  better_after(): number | null {
    if (this.at_ === 0) return null;
    const { better_after_ms, better_after_max_ms, random } = this.options_;
    const ms = Math.min(better_after_ms * 2 ** Math.min(this.better_failures_, 30), better_after_max_ms);
    this.better_failures_ += 1;
    return ms * (0.75 + random() / 4);
  }
}
