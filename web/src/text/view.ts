import { defaultKeymap } from '@codemirror/commands';
import { defineLanguageFacet, HighlightStyle, Language, syntaxHighlighting } from '@codemirror/language';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState } from '@codemirror/state';
import { drawSelection, dropCursor, EditorView, highlightSpecialChars, keymap, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { parser, Strikethrough, TaskList } from '@lezer/markdown';
import { yCollab, yUndoManagerKeymap } from 'y-codemirror.next';
import * as Y from 'yjs';

import type { Session } from '../session';
import { text_root, type View } from '../view';
import { read_selection, remote_cursors } from './cursors';

// The plain parser: CodeMirror's own Markdown package brings HTML, CSS and JavaScript with it.
const markdown = new Language(defineLanguageFacet(), parser.configure([Strikethrough, TaskList]), [], 'markdown');

const highlighting = syntaxHighlighting(
  HighlightStyle.define([
    { tag: tags.heading1, class: 'md-h1' },
    { tag: tags.heading2, class: 'md-h2' },
    { tag: tags.heading, class: 'md-h3' },
    { tag: tags.strong, class: 'md-strong' },
    { tag: tags.emphasis, class: 'md-em' },
    { tag: tags.strikethrough, class: 'md-del' },
    { tag: tags.monospace, class: 'md-code' },
    { tag: tags.quote, class: 'md-quote' },
    { tag: [tags.link, tags.url], class: 'md-link' },
    { tag: [tags.processingInstruction, tags.contentSeparator], class: 'md-mark' },
  ]),
);

/** The CodeMirror view of one session's text. */
export class TextView implements View {
  readonly undo: Y.UndoManager;
  private readonly text_: Y.Text;
  private readonly view_: EditorView;
  private readonly writable_ = new Compartment();

  constructor(
    parent: HTMLElement,
    private readonly session_: Session,
    leave: () => void,
  ) {
    const { doc, awareness } = session_;
    const text = doc.getText(text_root);
    const undo = new Y.UndoManager(text);
    this.text_ = text;
    this.undo = undo;
    this.view_ = new EditorView({
      parent,
      state: EditorState.create({
        doc: text.toString(),
        extensions: [
          this.writable_.of(EditorState.readOnly.of(true)),
          yCollab(text, null, { undoManager: undo }),
          remote_cursors(text, awareness),
          markdown,
          highlighting,
          search({ top: true }),
          highlightSelectionMatches(),
          highlightSpecialChars(),
          drawSelection(),
          dropCursor(),
          EditorView.lineWrapping,
          placeholder('Start writing. Whoever opens this document sees it at once.'),
          EditorView.contentAttributes.of({
            'aria-label': 'Text of the document. Escape leaves the editor.',
            spellcheck: 'true',
            autocapitalize: 'sentences',
          }),
          // Tab stays the browser's, so that the keyboard is never caught in here. Escape comes
          // last: it first closes the search or gives up further selections.
          keymap.of([
            ...yUndoManagerKeymap,
            ...searchKeymap,
            ...defaultKeymap,
            {
              key: 'Escape',
              run: () => {
                leave();
                return true;
              },
            },
          ]),
        ],
      }),
    });
  }

  set_writable(writable: boolean): void {
    if (this.view_.state.readOnly === !writable) return;
    this.view_.dispatch({ effects: this.writable_.reconfigure(EditorState.readOnly.of(!writable)) });
  }

  focus(): void {
    this.view_.focus();
  }

  /** Scrolls to where another client writes. */
  show_client(client: number): void {
    const state = this.session_.awareness.getStates().get(client);
    const selection = state?.cursor ? read_selection(state.cursor, this.text_) : null;
    if (!selection) return;
    const head = Math.min(selection.head, this.view_.state.doc.length);
    this.view_.dispatch({ effects: EditorView.scrollIntoView(head, { y: 'center' }) });
  }

  plain(): string {
    return this.text_.toString();
  }

  close(): void {
    this.undo.destroy();
    this.view_.destroy();
  }
}
