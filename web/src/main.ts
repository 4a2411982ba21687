import './style/base.css';
import './style/frame.css';
import './style/text.css';
import './style/panels.css';
import './style/narrow.css';

import { by_id, make } from './dom';
import { DocumentList } from './documents';
import { default_room, from_hash, label, same, to_hash, type Route } from './route';
import { Session, type Status } from './session';
import { Sidebar } from './sidebar';
import { Switcher } from './switcher';
import { chosen, transport_label, watch_choice, type Choice } from './transport';
import { initials, load_user, type User } from './user';
import { guess_view, open_view, view_names, type View, type ViewName } from './view';

function title_of(route: Route): (Node | string)[] {
  if (route.room === default_room) return [route.document];
  return [make('span', { class: 'room' }, `${route.room} / `), route.document];
}

const mac = /Mac|iPhone|iPad/.test(navigator.platform);

class App {
  private user_ = load_user();
  private session_: Session | null = null;
  private view_: View | null = null;
  private view_name_: ViewName | null = null;
  private choice_: Choice = chosen();
  /** The next document that is opened gets the keyboard once it is there. */
  private focus_next_ = false;
  private focus_when_loaded_ = false;
  private banner_ = '';
  private people_ = '';
  private readonly documents_ = new DocumentList(() => this.draw_list_());
  private readonly switcher_ = new Switcher(
    () => this.documents_.listing.documents,
    (route) => this.go_(route),
  );
  private readonly sidebar_ = new Sidebar(
    this.user_,
    (user) => this.change_user_(user),
    (route) => this.go_(route),
  );

  constructor() {
    for (const id of ['find-key', 'empty-key']) by_id(id).textContent = mac ? '⌘ K' : 'Ctrl K';
    by_id('find').addEventListener('click', () => this.switcher_.show());
    by_id('empty-create').addEventListener('click', () => this.sidebar_.focus_new());
    by_id('undo').addEventListener('click', () => this.view_?.undo.undo());
    by_id('redo').addEventListener('click', () => this.view_?.undo.redo());
    this.watch_tabs_();
    watch_choice((choice) => {
      this.choice_ = choice;
      this.session_?.use(choice);
    });
    by_id('skip').addEventListener('click', (event) => {
      event.preventDefault();
      if (this.view_) this.view_.focus();
      else this.sidebar_.focus_new();
    });
    by_id('docs').addEventListener('click', () => (this.focus_next_ = true));
    addEventListener(
      'keydown',
      (event) => {
        const only = mac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
        if (!only || event.altKey || event.shiftKey || event.key.toLowerCase() !== 'k') return;
        event.preventDefault();
        event.stopPropagation();
        this.switcher_.show();
      },
      { capture: true }, // before the editor, which has a use for these keys too
    );
    addEventListener('beforeunload', (event) => {
      if (this.session_?.status.unsaved) event.preventDefault();
    });
    addEventListener('hashchange', () => this.route_());
    this.route_();
  }

  /** Opens a document because the user asked for it: it gets the keyboard once it is there. */
  private go_(route: Route): void {
    this.sidebar_.close();
    if (same(route, this.session_?.route ?? null)) {
      this.focus_when_loaded_ = true;
      this.draw_status_(this.session_!.status);
    } else {
      this.focus_next_ = true;
      location.hash = to_hash(route);
    }
  }

  /** The tabs by pointer and by arrow keys, as tabs go. */
  private watch_tabs_(): void {
    const tabs = view_names.map((name) => by_id(`view-${name}`));
    for (const [index, tab] of tabs.entries()) {
      tab.addEventListener('click', () => this.show_as_(view_names[index]));
      tab.addEventListener('keydown', (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (step === undefined) return;
        const next = (index + step + tabs.length) % tabs.length;
        tabs[next].focus();
        this.show_as_(view_names[next]);
      });
    }
  }

  /** The same document in another way; the address says it. */
  private show_as_(view: ViewName): void {
    if (this.session_ && view !== this.view_name_) location.hash = to_hash({ ...this.session_.route, view });
  }

  private route_(): void {
    const route = from_hash(location.hash);
    if (!route || !same(route, this.session_?.route ?? null)) return this.open_(route);
    if (route.view) void this.load_view_(route.view);
  }

  private open_(route: Route | null): void {
    this.close_view_();
    this.session_?.close();
    this.session_ = null;
    this.focus_when_loaded_ = this.focus_next_;
    this.focus_next_ = false;
    this.banner_ = '';
    for (const id of ['page', 'state', 'facts', 'views', 'history', 'people']) by_id(id).hidden = !route;
    by_id('empty').hidden = !!route;
    by_id('banner').hidden = true;
    by_id('title').replaceChildren(...(route ? title_of(route) : ['Welcome']));
    document.title = route ? `${label(route)} · Weft` : 'Weft';
    if (route) {
      this.session_ = new Session(
        route,
        this.choice_,
        this.user_,
        (status) => this.draw_status_(status),
        () => this.draw_people_(),
      );
      if (route.view) void this.load_view_(route.view);
      this.draw_status_(this.session_.status);
      this.draw_history_();
      this.draw_people_();
    }
    this.draw_list_();
  }

  private close_view_(): void {
    this.view_?.close();
    this.view_ = null;
    this.view_name_ = null;
    by_id('editor').replaceChildren();
  }

  private async load_view_(name: ViewName): Promise<void> {
    const session = this.session_;
    if (!session || this.view_name_ === name) return;
    this.close_view_();
    this.view_name_ = name;
    this.draw_tabs_();
    const view = await open_view(name, by_id('editor'), session, () => this.sidebar_.focus_current());
    // Something else was opened meanwhile, or this a second time.
    if (session !== this.session_ || this.view_name_ !== name || this.view_) return view.close();
    this.view_ = view;
    const { undo } = view;
    undo.on('stack-item-added', () => this.draw_history_());
    undo.on('stack-item-popped', () => this.draw_history_());
    undo.on('stack-cleared', () => this.draw_history_());
    this.draw_status_(session.status);
    this.draw_history_();
  }

  private draw_tabs_(): void {
    for (const name of view_names) {
      const tab = by_id(`view-${name}`);
      const selected = name === this.view_name_;
      tab.setAttribute('aria-selected', String(selected));
      tab.tabIndex = selected || !this.view_name_ ? 0 : -1;
    }
  }

  private change_user_(user: User): void {
    this.user_ = user;
    this.session_?.set_user(user);
  }

  private draw_list_(): void {
    this.sidebar_.draw(this.documents_.listing, this.session_?.route ?? null);
    this.switcher_.refresh();
  }

  private draw_status_(status: Status): void {
    const { state, loaded, unsaved, reason } = status;
    if (loaded && !this.view_name_ && this.session_) void this.load_view_(guess_view(this.session_.doc));
    const element = by_id('state');
    const was = element.dataset.state;
    element.dataset.state = state;
    const said = {
      connecting: 'Connecting…',
      synced: 'Connected',
      offline: loaded ? 'Offline, reconnecting…' : 'No connection, trying again…',
      readonly: 'Read only',
      denied: 'Closed by the server',
      broken: 'Cannot be loaded, trying again…',
    }[state];
    const text = by_id('state-text');
    if (text.textContent !== said) text.textContent = said; // else it would be read out again
    this.draw_facts_(status);
    const shown = loaded && this.view_ !== null;
    by_id('page').classList.toggle('loading', !shown);
    by_id('skeleton').hidden = shown || state === 'denied'; // it promises that something comes
    by_id('page').setAttribute('aria-busy', String(!loaded && state === 'connecting'));
    const writable = loaded && state !== 'denied' && state !== 'readonly';
    this.view_?.set_writable(writable);
    if (state === 'denied') this.view_?.undo.clear(); // it would write past the editor
    this.draw_banner_(state, loaded, unsaved, reason);
    if (shown && this.focus_when_loaded_) {
      this.focus_when_loaded_ = false;
      this.view_?.focus();
    }
    if (state === 'synced' && was !== 'synced') this.documents_.refresh();
  }

  private draw_facts_({ state, loaded, unsaved, transport, carrier, version }: Status): void {
    const put = (id: string, text: string) => {
      const element = by_id(id);
      if (element.textContent !== text) element.textContent = text;
      element.hidden = text === '';
    };
    const on_its_way = unsaved === 1 ? '1 unsaved change' : `${unsaved} unsaved changes`;
    put('saved', !loaded ? '' : unsaved === 0 ? 'Saved' : state === 'synced' ? 'Saving…' : on_its_way);
    by_id('saved').toggleAttribute('data-unsaved', unsaved > 0);
    put('transport', transport_label(transport, carrier));
    by_id('transport').title = transport === 'http' ? 'Over plain HTTP you do not see who else is here' : '';
    put('version', version === null ? '' : `Version ${version}`);
  }

  private draw_banner_(state: Status['state'], loaded: boolean, unsaved: number, reason: string): void {
    const kept = unsaved === 0 ? '' : unsaved === 1 ? ' 1 change is waiting.' : ` ${unsaved} changes are waiting.`;
    const offline = `${reason || 'No connection to the server.'} Your edits are kept in this tab and sent as soon as the connection is back.${kept}`;
    const said = {
      connecting: '',
      synced: '',
      readonly: reason,
      offline: loaded ? offline : reason,
      broken: reason,
      denied: loaded ? `${reason} You can read it and copy its text, but not change it here.` : reason,
    }[state];
    const banner = by_id('banner');
    banner.hidden = said === '';
    banner.dataset.state = state;
    // An alert that counts along with typing would be read out at every key.
    banner.setAttribute('aria-live', unsaved > 1 ? 'off' : 'assertive');
    by_id('banner-text').textContent = said;
    if (this.banner_ === state) return; // its buttons stand, and may have the focus
    this.banner_ = state;
    const actions: HTMLElement[] = [];
    const act = (name: string, run: (button: HTMLButtonElement) => void) => {
      const button = make('button', { type: 'button' }, name);
      button.addEventListener('click', () => run(button));
      actions.push(button);
    };
    if (state === 'denied' && loaded) act('Copy the text', (button) => void this.copy_(button));
    if (state === 'denied') act('Load again', () => this.open_({ ...this.session_!.route, view: this.view_name_ ?? undefined }));
    if (state === 'offline' || state === 'broken') act('Try now', () => this.session_?.retry());
    by_id('banner-actions').replaceChildren(...actions);
  }

  private async copy_(button: HTMLButtonElement): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.view_?.plain() ?? '');
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Not allowed to copy';
    }
  }

  private draw_history_(): void {
    const undo = this.view_?.undo;
    // aria-disabled and not disabled: a button that disables itself would drop the focus.
    by_id('undo').setAttribute('aria-disabled', String(!undo?.canUndo()));
    by_id('redo').setAttribute('aria-disabled', String(!undo?.canRedo()));
  }

  private draw_people_(): void {
    const list = by_id('people');
    const people = this.session_?.people() ?? [];
    const drawing = JSON.stringify(people);
    if (drawing === this.people_) return; // somebody only moved; a button stays under its click
    this.people_ = drawing;
    const focused = (document.activeElement as HTMLElement | null)?.dataset.client;
    list.replaceChildren(
      ...people.map(({ client, self, user }) => {
        const avatar = make('span', { class: 'avatar', 'aria-hidden': 'true' }, initials(user.name));
        avatar.style.setProperty('--person', user.color);
        const name = make('span', { class: 'person-name' }, self ? `${user.name} (you)` : user.name);
        const item = make('li', { 'data-testid': 'person' });
        if (self) {
          item.append(make('span', { class: 'person', title: `${user.name} (you)` }, avatar, name));
        } else {
          const button = make(
            'button',
            { type: 'button', class: 'person', title: `Go to where ${user.name} is`, 'data-client': String(client) },
            avatar,
            name,
          );
          button.addEventListener('click', () => this.view_?.show_client(client));
          item.append(button);
        }
        return item;
      }),
    );
    if (focused) list.querySelector<HTMLElement>(`[data-client="${focused}"]`)?.focus();
  }
}

new App();
