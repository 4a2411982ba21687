import { lift, setBlockType, toggleMark, wrapIn } from 'prosemirror-commands';
import type { MarkType, NodeType } from 'prosemirror-model';
import { wrapInList } from 'prosemirror-schema-list';
import type { Command, EditorState } from 'prosemirror-state';
import type { EditorView } from 'prosemirror-view';

import { make } from '../dom';
import { safe_href, schema } from './schema';

const { nodes, marks } = schema;

interface Action {
  id: string;
  name: string;
  keys: string;
  label: string;
  run: Command;
  active(state: EditorState): boolean;
}

function has_mark(state: EditorState, type: MarkType): boolean {
  const { from, to, empty, $from } = state.selection;
  if (empty) return !!type.isInSet(state.storedMarks ?? $from.marks());
  return state.doc.rangeHasMark(from, to, type);
}

function inside(state: EditorState, type: NodeType, level?: number): boolean {
  const { $from } = state.selection;
  for (let depth = $from.depth; depth > 0; depth -= 1) {
    const node = $from.node(depth);
    if (node.type === type && (level === undefined || node.attrs.level === level)) return true;
  }
  return false;
}

/** Takes it back where it is there already. */
function toggle(there: (state: EditorState) => boolean, back: Command, forth: Command): Command {
  return (state, dispatch, view) => (there(state) ? back : forth)(state, dispatch, view);
}

function mark(id: string, name: string, keys: string, label: string, type: MarkType): Action {
  return { id, name, keys, label, run: toggleMark(type), active: (state) => has_mark(state, type) };
}

function heading(level: number): Action {
  const active = (state: EditorState) => inside(state, nodes.heading, level);
  const run = toggle(active, setBlockType(nodes.paragraph), setBlockType(nodes.heading, { level }));
  return { id: `h${level}`, name: `Heading ${level}`, keys: `Mod-Alt-${level}`, label: `H${level}`, run, active };
}

function block(id: string, name: string, keys: string, label: string, type: NodeType, forth: Command): Action {
  const active = (state: EditorState) => inside(state, type);
  return { id, name, keys, label, run: toggle(active, lift, forth), active };
}

const svg = (path: string) => `<svg viewBox="0 0 20 20" aria-hidden="true"><path d="${path}"/></svg>`;

export const actions: readonly Action[] = [
  heading(1),
  heading(2),
  mark('bold', 'Bold', 'Mod-b', '<b>B</b>', marks.strong),
  mark('italic', 'Italic', 'Mod-i', '<i>I</i>', marks.em),
  mark('strike', 'Strikethrough', 'Mod-Shift-s', '<s>S</s>', marks.strike),
  mark('code', 'Code', 'Mod-e', '&lt;&gt;', marks.code),
  block('bullets', 'Bullet list', 'Mod-Shift-8', svg('M8 5h9M8 10h9M8 15h9M3.5 5h.01M3.5 10h.01M3.5 15h.01'), nodes.bullet_list, wrapInList(nodes.bullet_list)),
  block('numbers', 'Numbered list', 'Mod-Shift-7', svg('M8.5 5H17M8.5 10H17M8.5 15H17M3 3.5l1.2-.5v4M3 12h2.2L3 15.5h2.4'), nodes.ordered_list, wrapInList(nodes.ordered_list)),
  block('quote', 'Quote', 'Mod-Shift-9', svg('M4 4v12M8 6h9M8 10h9M8 14h6'), nodes.blockquote, wrapIn(nodes.blockquote)),
];

const mac = /Mac|iPhone|iPad/.test(navigator.platform);
const spoken = (keys: string) => keys.replace('Mod', mac ? '⌘' : 'Ctrl').replaceAll('-', ' ');

/** Buttons for what the keys do too. Left and right walk through them; Tab passes by. */
export class Toolbar {
  readonly dom: HTMLElement;
  private readonly buttons_: HTMLButtonElement[];
  private readonly link_: HTMLFormElement;
  private readonly href_: HTMLInputElement;

  constructor(private readonly view_: EditorView) {
    this.buttons_ = actions.map(({ id, name, keys, label, run }) => {
      const button = this.button_(id, `${name} (${spoken(keys)})`, label);
      button.addEventListener('click', () => {
        run(view_.state, view_.dispatch, view_);
        view_.focus();
      });
      return button;
    });
    const link = this.button_('link', `Link (${spoken('Mod-k')} opens documents)`, svg('M8.5 11.5a3 3 0 0 0 4.2 0l2.6-2.6a3 3 0 0 0-4.2-4.2l-1 1M11.5 8.5a3 3 0 0 0-4.2 0l-2.6 2.6a3 3 0 0 0 4.2 4.2l1-1'));
    link.addEventListener('click', () => this.ask_link_());
    this.buttons_.push(link);
    this.href_ = make('input', { type: 'text', 'aria-label': 'Address of the link', placeholder: 'https://', 'data-testid': 'link-address' });
    this.link_ = make('form', { class: 'link-form' }, this.href_, make('button', { type: 'submit' }, 'Link'));
    this.link_.hidden = true;
    this.href_.addEventListener('input', () => this.href_.setCustomValidity(''));
    this.link_.addEventListener('submit', (event) => {
      event.preventDefault();
      this.set_link_(this.href_.value.trim());
    });
    this.link_.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      this.link_.hidden = true;
      view_.focus();
    });
    const bar = make('div', { role: 'toolbar', 'aria-label': 'Formatting', class: 'tools' }, ...this.buttons_);
    bar.addEventListener('keydown', (event) => this.walk_(event));
    this.dom = make('div', { class: 'rich-bar' }, bar, this.link_);
    this.buttons_.forEach((button, index) => (button.tabIndex = index === 0 ? 0 : -1));
    this.draw(view_.state, false);
  }

  draw(state: EditorState, writable: boolean): void {
    for (const [index, button] of this.buttons_.entries()) {
      const active = actions[index]?.active(state) ?? has_mark(state, marks.link);
      button.setAttribute('aria-pressed', String(active));
      button.disabled = !writable;
    }
  }

  private button_(id: string, title: string, markup: string): HTMLButtonElement {
    const button = make('button', { type: 'button', class: 'tool', title, 'aria-label': title, 'data-testid': `rich-${id}` });
    button.innerHTML = markup; // of this file
    button.addEventListener('mousedown', (event) => event.preventDefault()); // the selection stays
    return button;
  }

  private walk_(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = this.buttons_.indexOf(document.activeElement as HTMLButtonElement);
    if (step === undefined || at < 0) return;
    event.preventDefault();
    const next = this.buttons_[(at + step + this.buttons_.length) % this.buttons_.length];
    this.buttons_[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  private ask_link_(): void {
    const { state, dispatch } = this.view_;
    if (has_mark(state, marks.link)) {
      toggleMark(marks.link)(state, dispatch);
      return this.view_.focus();
    }
    this.link_.hidden = !this.link_.hidden;
    this.href_.value = '';
    if (!this.link_.hidden) this.href_.focus();
  }

  private set_link_(typed: string): void {
    const address = /^[a-z][a-z0-9+.-]*:/i.test(typed) ? typed : `https://${typed}`;
    const href = typed ? safe_href(address) : '';
    this.href_.setCustomValidity(href ? '' : 'An address of a page or mail, please');
    if (!href) return void this.href_.reportValidity();
    this.link_.hidden = true;
    const { state, dispatch } = this.view_;
    if (state.selection.empty) {
      dispatch(state.tr.replaceSelectionWith(schema.text(typed, [marks.link.create({ href })]), false));
    } else {
      toggleMark(marks.link, { href })(state, dispatch);
    }
    this.view_.focus();
  }
}
