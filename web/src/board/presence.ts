import type { Awareness } from 'y-protocols/awareness';

import { make } from '../dom';
import { read_user, type User } from '../user';
import type { Camera } from './draw';

const field = 'board';
const reach = 1e6;

export interface Other {
  client: number;
  user: User;
  at: { x: number; y: number } | null;
  selected: string | null;
}

/** Where others point and what they have selected: JSON of strangers, read as far as it makes sense. */
export function read_others(awareness: Awareness): Other[] {
  const others: Other[] = [];
  for (const [client, said] of awareness.getStates()) {
    const board: unknown = said[field];
    if (client === awareness.clientID || typeof board !== 'object' || board === null) continue;
    const { x, y, selected } = board as Record<string, unknown>;
    const there = [x, y].every((value) => typeof value === 'number' && Math.abs(value) <= reach);
    others.push({
      client,
      user: read_user(said.user),
      at: there ? { x: x as number, y: y as number } : null,
      selected: typeof selected === 'string' ? selected : null,
    });
  }
  return others;
}

/** Others' pointers, as elements above the canvas; and this user's own, told to them. */
export class Pointers {
  readonly dom = make('div', { class: 'board-pointers', 'aria-hidden': 'true' });
  private readonly drawn_ = new Map<number, HTMLElement>();
  private own_: { x?: number; y?: number; selected: string | null } = { selected: null };
  private frame_ = 0;

  constructor(private readonly awareness_: Awareness) {}

  /** Tells the others, once a frame. */
  tell(own: { x?: number; y?: number; selected?: string | null }): void {
    this.own_ = { ...this.own_, ...own };
    if (this.frame_) return;
    this.frame_ = requestAnimationFrame(() => {
      this.frame_ = 0;
      if (this.awareness_.getLocalState()) this.awareness_.setLocalStateField(field, this.own_);
    });
  }

  draw(others: readonly Other[], camera: Camera): void {
    const gone = new Set(this.drawn_.keys());
    for (const { client, user, at } of others) {
      if (!at) continue;
      gone.delete(client);
      const element = this.drawn_.get(client) ?? this.add_(client);
      element.style.setProperty('--person', user.color);
      element.style.transform = `translate(${(at.x - camera.x) * camera.scale}px, ${(at.y - camera.y) * camera.scale}px)`;
      const name = element.lastElementChild!;
      if (name.textContent !== user.name) name.textContent = user.name;
    }
    for (const client of gone) {
      this.drawn_.get(client)?.remove();
      this.drawn_.delete(client);
    }
  }

  close(): void {
    cancelAnimationFrame(this.frame_);
    if (this.awareness_.getLocalState()) this.awareness_.setLocalStateField(field, null);
  }

  private add_(client: number): HTMLElement {
    const element = make('div', { class: 'board-pointer', 'data-testid': 'board-pointer' });
    element.innerHTML = '<svg viewBox="0 0 18 22"><path d="M2 2v15l4.2-4 3 6.6 2.7-1.3-3-6.4H15z"/></svg>';
    element.append(make('span', {}));
    this.dom.append(element);
    this.drawn_.set(client, element);
    return element;
  }
}
