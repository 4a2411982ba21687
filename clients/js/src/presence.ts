/** This client's presence, and that of the others, over connections that come and go. */

import { removeAwarenessStates, type Awareness } from 'y-protocols/awareness';

interface Changes {
  added: number[];
  updated: number[];
  removed: number[];
}

export class Presence {
  private hidden_state_: Record<string, unknown> | null = null;

  /** `changed` is called when this client's own state did; the others tell theirs themselves. */
  constructor(
    private readonly awareness_: Awareness,
    private readonly changed_: (origin: unknown) => void,
  ) {
    awareness_.on('update', this.on_update_);
  }

  /**
   * Says it with a clock that is newer by two: the server may have withdrawn what an older
   * connection said, with a clock that is newer by one, and takes nothing that is not newer still.
   */
  announce(): void {
    const state = this.awareness_.getLocalState();
    const meta = this.awareness_.meta.get(this.awareness_.clientID);
    if (state === null || !meta) return;
    meta.clock += 1;
    this.awareness_.setLocalState(state);
  }

  /** The connection is gone, and with it what is known of the others. */
  forget_others(origin: unknown): void {
    const { clientID, meta } = this.awareness_;
    const others = [...this.awareness_.getStates().keys()].filter((client) => client !== clientID);
    removeAwarenessStates(this.awareness_, others, origin);
    // Else what they say when we are back, with the same clock, would count as known.
    for (const client of others) meta.delete(client);
  }

  /** The page is left, perhaps for good: others see it at once. */
  hide(): void {
    this.hidden_state_ = this.awareness_.getLocalState();
    this.awareness_.setLocalState(null);
  }

  show(): void {
    if (this.hidden_state_) this.awareness_.setLocalState(this.hidden_state_);
    this.hidden_state_ = null;
  }

  /** Says good-bye. */
  leave(): void {
    removeAwarenessStates(this.awareness_, [this.awareness_.clientID], 'destroy');
    this.awareness_.off('update', this.on_update_);
  }

  private readonly on_update_ = ({ added, updated, removed }: Changes, origin: unknown): void => {
    if ([...added, ...updated, ...removed].includes(this.awareness_.clientID)) this.changed_(origin);
  };
}
