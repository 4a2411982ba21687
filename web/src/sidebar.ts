import { by_id, make } from './dom';
import type { Listing } from './documents';
import { default_room, from_typed, label, same, to_hash, type Route } from './route';
import { initials, palette, save_user, type User } from './user';

/** A phone shows the side bar as a drawer; this is where the style sheet switches. */
const drawer = matchMedia('(max-width: 760px)');

/** The documents, a form for a new one, and who the user is. */
export class Sidebar {
  private readonly side_ = by_id('side');
  private readonly scrim_ = by_id('scrim');
  private readonly opener_ = by_id<HTMLButtonElement>('side-open');
  private readonly list_ = by_id('docs');
  private readonly name_ = by_id<HTMLInputElement>('user-name');
  private readonly new_doc_ = by_id<HTMLInputElement>('new-doc');
  private drawn_ = '';
  private shown_: Route | null = null;

  constructor(
    private user_: User,
    private readonly user_changed_: (user: User) => void,
    open: (route: Route) => void,
  ) {
    by_id('create').addEventListener('submit', (event) => {
      event.preventDefault();
      const route = from_typed(this.new_doc_.value);
      by_id('create-hint').textContent = route ? '' : 'Type a name first, such as “notes” or “team/plans”.';
      if (!route) return this.new_doc_.focus();
      this.new_doc_.value = '';
      open(route);
    });
    this.list_.addEventListener('click', () => this.close());
    this.opener_.addEventListener('click', () => this.show());
    by_id('side-close').addEventListener('click', () => this.close());
    this.scrim_.addEventListener('click', () => this.close());
    this.side_.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && drawer.matches) this.close();
    });
    drawer.addEventListener('change', () => this.settle_());
    this.settle_();
    this.draw_user_();
  }

  /** Draws the list, with the open document in it even before the server knows of it. */
  draw(listing: Listing, current: Route | null): void {
    const notice = by_id('docs-notice');
    const quiet = listing.known && listing.documents.length === 0 && !current;
    const more = listing.more ? 'There are more. Open them by name.' : '';
    notice.textContent = listing.problem || more || (quiet ? 'None yet. Yours will be the first.' : '');
    notice.classList.toggle('bad', listing.problem !== '');
    notice.hidden = notice.textContent === '';

    const entries = [...listing.documents];
    if (current && !entries.some((entry) => same(entry, current))) entries.push({ ...current, connections: 0 });
    // The new one too: it must not change its place once the server knows of it.
    entries.sort((a, b) => a.document.localeCompare(b.document) || a.room.localeCompare(b.room));
    const drawing = JSON.stringify([entries, current]);
    if (drawing === this.drawn_) return; // an unchanged list keeps its focus
    this.drawn_ = drawing;
    const focused = (document.activeElement as HTMLElement | null)?.getAttribute('href');
    this.list_.replaceChildren(
      ...entries.map((entry) => {
        const link = make(
          'a',
          { href: to_hash(entry), 'data-testid': 'doc-item', title: label(entry) },
          make('span', { class: 'doc-name' }, entry.document),
        );
        if (entry.room !== default_room) link.append(make('span', { class: 'doc-room' }, entry.room));
        if (entry.connections > 0) {
          const tip = entry.connections === 1 ? '1 open connection' : `${entry.connections} open connections`;
          const live = make('span', { class: 'doc-live', title: tip }, String(entry.connections));
          live.append(make('span', { class: 'hidden' }, ' connected'));
          link.append(live);
        }
        if (same(entry, current)) link.setAttribute('aria-current', 'page');
        return make('li', {}, link);
      }),
    );
    if (!same(current, this.shown_)) this.list_.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
    this.shown_ = current;
    for (const link of this.list_.querySelectorAll('a')) {
      if (focused && link.getAttribute('href') === focused) link.focus();
    }
  }

  /** Puts the cursor where a new document gets its name. */
  focus_new(): void {
    this.show();
    this.new_doc_.focus();
  }

  /** Where Escape in the editor leads: the open document's entry, or what opens the list. */
  focus_current(): void {
    if (drawer.matches) this.opener_.focus();
    else (this.list_.querySelector<HTMLElement>('[aria-current]') ?? this.new_doc_).focus();
  }

  show(): void {
    if (!drawer.matches) return;
    this.side_.inert = false;
    this.side_.classList.add('open');
    this.scrim_.hidden = false;
    this.opener_.setAttribute('aria-expanded', 'true');
    by_id('side-close').focus();
  }

  close(): void {
    if (!this.side_.classList.contains('open')) return;
    this.settle_();
    this.opener_.focus();
  }

  private settle_(): void {
    this.side_.classList.remove('open');
    this.side_.inert = drawer.matches; // a closed drawer is out of the Tab order
    this.scrim_.hidden = true;
    this.opener_.setAttribute('aria-expanded', 'false');
  }

  private draw_user_(): void {
    this.name_.value = this.user_.name;
    this.name_.addEventListener('input', () => {
      const name = this.name_.value.trim();
      if (name) this.change_user_({ ...this.user_, name });
    });
    this.name_.addEventListener('blur', () => (this.name_.value = this.user_.name));
    this.name_.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') this.name_.blur();
    });
    const swatches = by_id('swatches');
    for (const { name, color } of palette) {
      const radio = make('input', { type: 'radio', name: 'color', value: color, 'aria-label': name });
      radio.checked = color === this.user_.color;
      radio.style.setProperty('--person', color);
      radio.addEventListener('change', () => this.change_user_({ ...this.user_, color }));
      swatches.append(radio);
    }
    this.draw_avatar_();
  }

  private change_user_(user: User): void {
    this.user_ = user;
    save_user(user);
    this.draw_avatar_();
    this.user_changed_(user);
  }

  private draw_avatar_(): void {
    const avatar = by_id('me-avatar');
    avatar.textContent = initials(this.user_.name);
    avatar.style.setProperty('--person', this.user_.color);
  }
}
