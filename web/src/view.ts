import type * as Y from 'yjs';

import type { Session } from './session';

/** The ways to look at a document. Each has a root of its own in it, so they share its name only. */
export type ViewName = 'text' | 'rich' | 'board';

export const view_names: readonly ViewName[] = ['text', 'rich', 'board'];

/** What a way to look at a document can do; the shell knows no more of it. */
export interface View {
  /** Takes back this user's own changes only. */
  readonly undo: Y.UndoManager;
  set_writable(writable: boolean): void;
  focus(): void;
  /** Shows where another client is. */
  show_client(client: number): void;
  /** What one would copy to keep it. */
  plain(): string;
  close(): void;
}

export const text_root = 'content';
export const rich_root = 'rich';
export const board_root = 'shapes';

/** What a document was made for, by what is in it. */
export function guess_view(doc: Y.Doc): ViewName {
  if (doc.getText(text_root).length > 0) return 'text';
  if (doc.getXmlFragment(rich_root).length > 0) return 'rich';
  return doc.getMap(board_root).size > 0 ? 'board' : 'text';
}

/** Loads the code of a view when it is first needed. `leave` gives the keyboard back to the shell. */
export async function open_view(name: ViewName, parent: HTMLElement, session: Session, leave: () => void): Promise<View> {
  switch (name) {
    case 'text':
      return new (await import('./text/view')).TextView(parent, session, leave);
    case 'rich':
      return new (await import('./rich/view')).RichView(parent, session, leave);
    case 'board':
      return new (await import('./board/view')).BoardView(parent, session, leave);
  }
}
