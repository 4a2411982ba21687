import { Annotation, RangeSet, type Extension, type Range } from '@codemirror/state';
import {
  Decoration,
  ViewPlugin,
  WidgetType,
  type DecorationSet,
  type EditorView,
  type PluginValue,
  type ViewUpdate,
} from '@codemirror/view';
import type { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';

import { read_user, type User } from '../user';

/** Tells the view that somebody else's cursor or name changed. */
const others_changed = Annotation.define<boolean>();

/**
 * Where another client's selection lies in the text now; null without one. Its JSON is a
 * stranger's, so whatever does not name two places in this text counts as none.
 */
export function read_selection(cursor: unknown, text: Y.Text): { anchor: number; head: number } | null {
  try {
    const { anchor, head } = cursor as { anchor: unknown; head: unknown };
    const places = [anchor, head].map((json) =>
      Y.createAbsolutePositionFromRelativePosition(Y.createRelativePositionFromJSON(json), text.doc as Y.Doc),
    );
    if (places.some((place) => place?.type !== text)) return null;
    const [a, h] = places.map((place) => Math.min((place as Y.AbsolutePosition).index, text.length));
    return { anchor: a, head: h };
  } catch {
    return null;
  }
}

class Caret extends WidgetType {
  /** `key` changes when its owner moves it: a new element, whose name shows for a moment. */
  constructor(
    private readonly user_: User,
    private readonly key_: string,
  ) {
    super();
  }

  override eq(other: Caret): boolean {
    return other.key_ === this.key_ && other.user_.name === this.user_.name && other.user_.color === this.user_.color;
  }

  toDOM(): HTMLElement {
    const caret = document.createElement('span');
    caret.className = 'cm-ySelectionCaret';
    caret.style.setProperty('--person', this.user_.color);
    caret.setAttribute('aria-hidden', 'true');
    const info = document.createElement('span');
    info.className = 'cm-ySelectionInfo';
    info.textContent = this.user_.name;
    // Word joiners keep the line from breaking at the caret.
    caret.append('\u2060', info, '\u2060');
    return caret;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

class Cursors implements PluginValue {
  decorations: DecorationSet = RangeSet.empty;
  private readonly listener_: (changes: { added: number[]; updated: number[]; removed: number[] }) => void;

  constructor(
    view: EditorView,
    private readonly text_: Y.Text,
    private readonly awareness_: Awareness,
  ) {
    this.listener_ = ({ added, updated, removed }) => {
      const others = [...added, ...updated, ...removed].some((client) => client !== awareness_.clientID);
      if (others) view.dispatch({ annotations: others_changed.of(true) });
    };
    awareness_.on('change', this.listener_);
    this.decorations = this.draw_(view);
  }

  destroy(): void {
    this.awareness_.off('change', this.listener_);
  }

  update(update: ViewUpdate): void {
    if (update.selectionSet || update.docChanged || update.focusChanged) this.publish_(update.view);
    const others = update.transactions.some((transaction) => transaction.annotation(others_changed));
    if (others || update.docChanged) this.decorations = this.draw_(update.view);
  }

  /** Says where this user is. Leaving the editor keeps the place, so that others still see it. */
  private publish_(view: EditorView): void {
    const local = this.awareness_.getLocalState();
    if (!local || !view.hasFocus) return;
    const { anchor, head } = view.state.selection.main;
    const cursor = {
      anchor: Y.createRelativePositionFromTypeIndex(this.text_, anchor),
      head: Y.createRelativePositionFromTypeIndex(this.text_, head),
    };
    if (JSON.stringify(cursor) !== JSON.stringify(local.cursor)) this.awareness_.setLocalStateField('cursor', cursor);
  }

  /**
   * Typing at the very end moves no relative position: the end stays the end. What tells there
   * that `client` writes is that the last character is its own.
   */
  private typed_at_end_(client: number, head: number): number {
    if (head < this.text_.length) return 0;
    const last = Y.createRelativePositionFromTypeIndex(this.text_, head, -1).item;
    return last?.client === client ? last.clock : 0;
  }

  private draw_(view: EditorView): DecorationSet {
    const doc = view.state.doc;
    const drawn: Range<Decoration>[] = [];
    for (const [client, state] of this.awareness_.getStates()) {
      if (client === this.awareness_.clientID || !state.cursor) continue;
      const selection = read_selection(state.cursor, this.text_);
      if (!selection) continue;
      const user = read_user(state.user);
      const anchor = Math.min(selection.anchor, doc.length);
      const head = Math.min(selection.head, doc.length);
      if (anchor !== head) {
        drawn.push(
          Decoration.mark({
            class: 'cm-ySelection',
            attributes: { style: `--person: ${user.color}` },
          }).range(Math.min(anchor, head), Math.max(anchor, head)),
        );
      }
      const key = `${client}:${JSON.stringify(state.cursor)}:${this.typed_at_end_(client, selection.head)}`;
      // The caret stands outside its own selection.
      drawn.push(Decoration.widget({ side: head > anchor ? -1 : 1, widget: new Caret(user, key) }).range(head));
    }
    return Decoration.set(drawn, true);
  }
}

/** Others' selections and named carets, and this user's own told to them. */
export function remote_cursors(text: Y.Text, awareness: Awareness): Extension {
  return ViewPlugin.define((view) => new Cursors(view, text, awareness), {
    decorations: (cursors) => cursors.decorations,
  });
}
