import { baseKeymap, chainCommands, exitCode } from 'prosemirror-commands';
import { inputRules, textblockTypeInputRule, wrappingInputRule } from 'prosemirror-inputrules';
import { keymap } from 'prosemirror-keymap';
import { liftListItem, sinkListItem, splitListItem } from 'prosemirror-schema-list';
import { EditorState, Plugin, type Command } from 'prosemirror-state';
import { EditorView } from 'prosemirror-view';
import { ySyncPlugin, ySyncPluginKey, yUndoPlugin } from 'y-prosemirror';
import * as Y from 'yjs';

import '../style/rich.css';
import { make } from '../dom';
import type { Session } from '../session';
import { rich_root, type View } from '../view';
import { others, places_of } from './cursors';
import { schema } from './schema';
import { actions, Toolbar } from './toolbar';

const { nodes } = schema;

const line_break: Command = chainCommands(exitCode, (state, dispatch) => {
  dispatch?.(state.tr.replaceSelectionWith(nodes.hard_break.create()).scrollIntoView());
  return true;
});

/** What becomes a block while one types it: `# `, `- `, `1. `, `> `, three backticks. */
const typed_blocks = inputRules({
  rules: [
    textblockTypeInputRule(/^(#{1,3})\s$/, nodes.heading, (match) => ({ level: match[1].length })),
    textblockTypeInputRule(/^```$/, nodes.code_block),
    wrappingInputRule(/^\s*[-*]\s$/, nodes.bullet_list),
    wrappingInputRule(/^1\.\s$/, nodes.ordered_list),
    wrappingInputRule(/^\s*>\s$/, nodes.blockquote),
  ],
});

/** Rich text on `Y.XmlFragment "rich"`. */
export class RichView implements View {
  readonly undo: Y.UndoManager;
  private readonly view_: EditorView;
  private readonly toolbar_: Toolbar;
  private readonly dom_: HTMLElement;
  private writable_ = false;

  constructor(
    parent: HTMLElement,
    private readonly session_: Session,
    leave: () => void,
  ) {
    const { doc, awareness } = session_;
    const fragment = doc.getXmlFragment(rich_root);
    this.undo = new Y.UndoManager(fragment, { trackedOrigins: new Set([ySyncPluginKey]) });
    const keys: Record<string, Command> = {
      'Mod-z': () => this.undo.undo() !== null || true,
      'Mod-y': () => this.undo.redo() !== null || true,
      'Mod-Shift-z': () => this.undo.redo() !== null || true,
      Enter: splitListItem(nodes.list_item),
      'Shift-Enter': line_break,
      // Tab stays the browser's, so that the keyboard is never caught in here.
      'Mod-]': sinkListItem(nodes.list_item),
      'Mod-[': liftListItem(nodes.list_item),
      Escape: () => {
        leave();
        return true;
      },
    };
    for (const { keys: key, run } of actions) keys[key] = run;
    const state = EditorState.create({
      schema,
      plugins: [
        ySyncPlugin(fragment),
        yUndoPlugin({ undoManager: this.undo }),
        others(awareness),
        typed_blocks,
        keymap(keys),
        keymap(baseKeymap),
        new Plugin({ view: () => ({ update: (view) => this.toolbar_.draw(view.state, this.writable_) }) }),
      ],
    });
    const paper = make('div', { class: 'rich-paper' });
    this.view_ = new EditorView(paper, {
      state,
      editable: () => this.writable_,
      attributes: ({ doc: shown }) => ({
        class: shown.childCount === 1 && shown.firstChild?.content.size === 0 ? 'rich blank' : 'rich',
        role: 'textbox',
        'aria-multiline': 'true',
        'aria-label': 'Text of the document. Escape leaves the editor.',
        'data-testid': 'rich',
        'data-placeholder': 'Start writing. Whoever opens this document sees it at once.',
      }),
    });
    this.toolbar_ = new Toolbar(this.view_);
    this.dom_ = make('div', { class: 'rich-view' }, this.toolbar_.dom, paper);
    parent.append(this.dom_);
  }

  set_writable(writable: boolean): void {
    if (this.writable_ === writable) return;
    this.writable_ = writable;
    this.view_.setProps({}); // asks `editable` again
    this.toolbar_.draw(this.view_.state, writable);
  }

  focus(): void {
    this.view_.focus();
  }

  show_client(client: number): void {
    const places = places_of(this.session_.awareness, client, this.view_.state);
    if (!places) return;
    const { node } = this.view_.domAtPos(places.head);
    (node instanceof Element ? node : node.parentElement)?.scrollIntoView({ block: 'center' });
  }

  plain(): string {
    const { doc } = this.view_.state;
    return doc.textBetween(0, doc.content.size, '\n\n', '\n');
  }

  close(): void {
    this.view_.destroy();
    this.undo.destroy();
    this.dom_.remove();
  }
}
