import { by_id, make } from './dom';
import type { Listed } from './documents';
import { default_room, from_typed, label, same, type Route } from './route';

interface Choice {
  route: Route;
  create: boolean;
}

const choices_max = 8;

/** The dialog behind Ctrl/Cmd-K: find a document by part of its name, or make a new one. */
export class Switcher {
  private readonly dialog_ = by_id<HTMLDialogElement>('switcher');
  private readonly input_ = by_id<HTMLInputElement>('switcher-input');
  private readonly list_ = by_id('switcher-list');
  private choices_: Choice[] = [];
  private active_ = 0;

  constructor(
    private readonly documents_: () => Listed[],
    private readonly open_: (route: Route) => void,
  ) {
    this.input_.addEventListener('input', () => this.draw_(0));
    this.input_.addEventListener('keydown', (event) => this.key_(event));
    this.dialog_.addEventListener('click', (event) => {
      if (event.target === this.dialog_) this.dialog_.close(); // the backdrop
    });
    by_id('switcher-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.take_(this.active_);
    });
  }

  show(): void {
    if (this.dialog_.open) return;
    this.input_.value = '';
    this.draw_(0);
    this.dialog_.showModal();
    this.input_.focus();
  }

  /** The server's list changed; the choice under the cursor keeps its place. */
  refresh(): void {
    if (this.dialog_.open) this.draw_(this.active_);
  }

  private key_(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || this.choices_.length === 0) return;
    event.preventDefault();
    this.draw_((this.active_ + step + this.choices_.length) % this.choices_.length);
  }

  private take_(index: number): void {
    const choice = this.choices_[index];
    if (!choice) return;
    this.dialog_.close();
    this.open_(choice.route);
  }

  private draw_(active: number): void {
    const wanted = this.input_.value.trim().toLowerCase();
    const found = this.documents_().filter((listed) => label(listed).toLowerCase().includes(wanted));
    this.choices_ = found.slice(0, choices_max).map((route) => ({ route, create: false }));
    const typed = from_typed(this.input_.value);
    if (typed && !found.some((listed) => same(listed, typed))) this.choices_.push({ route: typed, create: true });
    this.active_ = Math.max(0, Math.min(active, this.choices_.length - 1));
    this.list_.replaceChildren(...this.choices_.map((choice, index) => this.option_(choice, index)));
    if (this.choices_.length === 0) {
      this.list_.append(make('li', { class: 'none', role: 'presentation' }, 'Type a name to create a document.'));
      this.input_.removeAttribute('aria-activedescendant');
    } else {
      this.input_.setAttribute('aria-activedescendant', `choice-${this.active_}`);
    }
  }

  private option_({ route, create }: Choice, index: number): HTMLElement {
    const option = make(
      'li',
      { id: `choice-${index}`, role: 'option', 'aria-selected': String(index === this.active_) },
      make('span', {}, create ? `Create “${label(route)}”` : route.document),
      make('small', {}, create || route.room === default_room ? '' : route.room),
    );
    option.addEventListener('click', () => this.take_(index));
    return option;
  }
}
