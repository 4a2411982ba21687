import { Plugin, PluginKey, type EditorState } from 'prosemirror-state';
import { Decoration, DecorationSet, type EditorView } from 'prosemirror-view';
import type { Awareness } from 'y-protocols/awareness';
import { absolutePositionToRelativePosition, relativePositionToAbsolutePosition, ySyncPluginKey } from 'y-prosemirror';
import * as Y from 'yjs';

import { read_user, type User } from '../user';

const key = new PluginKey<DecorationSet>('others');
/** The field of the presence: other views have places of other kinds. */
const field = 'rich';

/** Places are JSON of strangers: whatever names none in this document counts as none. */
function place(json: unknown, state: EditorState): number | null {
  const sync = ySyncPluginKey.getState(state);
  if (!sync?.binding) return null;
  try {
    const position = Y.createRelativePositionFromJSON(json);
    const at = relativePositionToAbsolutePosition(sync.doc, sync.type, position, sync.binding.mapping);
    return at === null ? null : Math.min(Math.max(at, 0), state.doc.content.size);
  } catch {
    return null;
  }
}

export function read_places(cursor: unknown, state: EditorState): { anchor: number; head: number } | null {
  if (typeof cursor !== 'object' || cursor === null) return null;
  const { anchor, head } = cursor as { anchor: unknown; head: unknown };
  const [from, to] = [place(anchor, state), place(head, state)];
  return from === null || to === null ? null : { anchor: from, head: to };
}

function caret(user: User): HTMLElement {
  const element = document.createElement('span');
  element.className = 'peer-caret';
  element.style.setProperty('--person', user.color);
  element.setAttribute('aria-hidden', 'true');
  const name = document.createElement('span');
  name.className = 'peer-name';
  name.textContent = user.name;
  element.append('\u2060', name, '\u2060'); // word joiners keep the line from breaking here
  return element;
}

function draw(state: EditorState, awareness: Awareness): DecorationSet {
  const drawn: Decoration[] = [];
  for (const [client, said] of awareness.getStates()) {
    if (client === awareness.clientID) continue;
    const places = read_places(said[field], state);
    if (!places) continue;
    const user = read_user(said.user);
    const { anchor, head } = places;
    // A caret that moved is a new element, whose name shows for a moment.
    const widget_key = `${client}-${head}-${user.name}-${user.color}`;
    drawn.push(Decoration.widget(head, () => caret(user), { key: widget_key, side: 10 }));
    const [from, to] = [Math.min(anchor, head), Math.max(anchor, head)];
    if (from < to) {
      drawn.push(Decoration.inline(from, to, { class: 'peer-selection', style: `--person: ${user.color}` }));
    }
  }
  return DecorationSet.create(state.doc, drawn);
}

/** Shows where others are, with their names, and tells them where this user is. */
export function others(awareness: Awareness): Plugin<DecorationSet> {
  return new Plugin<DecorationSet>({
    key,
    state: {
      init: () => DecorationSet.empty,
      apply: (transaction, drawn, _old, state) =>
        transaction.docChanged || transaction.getMeta(key) ? draw(state, awareness) : drawn,
    },
    props: { decorations: (state) => key.getState(state) },
    view: (view) => {
      let planned = false;
      const redraw = () => {
        if (planned) return;
        planned = true;
        // Not inside of whatever transaction brought it.
        setTimeout(() => {
          planned = false;
          if (!view.isDestroyed) view.dispatch(view.state.tr.setMeta(key, true));
        });
      };
      awareness.on('change', redraw);
      redraw();
      return {
        update: () => publish(view, awareness),
        destroy: () => awareness.off('change', redraw),
      };
    },
  });
}

/** Leaving the editor keeps the place, so that others still see it. */
function publish(view: EditorView, awareness: Awareness): void {
  const sync = ySyncPluginKey.getState(view.state);
  const local = awareness.getLocalState();
  if (!sync?.binding || !local || !view.hasFocus()) return;
  const { anchor, head } = view.state.selection;
  const relative = (at: number) => absolutePositionToRelativePosition(at, sync.type, sync.binding.mapping);
  const places = { anchor: relative(anchor), head: relative(head) };
  if (JSON.stringify(places) !== JSON.stringify(local[field])) awareness.setLocalStateField(field, places);
}

export function places_of(awareness: Awareness, client: number, state: EditorState) {
  return read_places(awareness.getStates().get(client)?.[field], state);
}
