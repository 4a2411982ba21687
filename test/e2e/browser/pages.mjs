// The three ways to look at a document, each by two people over every transport that the network may leave.
import assert from 'node:assert/strict';
import * as Y from 'yjs';

import { drag, until } from './harness.mjs';

const timeout = { timeout: 10_000 };

/** Whether the server speaks Socket.IO decides what `automatic` comes to. */
async function expected_transports(url) {
  const { status } = await fetch(`${url}/socket.io/?EIO=4&transport=polling`);
  return status === 200
    ? { open: 'Socket.IO', blocked: 'Socket.IO, polling' }
    : { open: 'WebSocket', blocked: 'HTTP' };
}

const fact = (window, id, wanted) =>
  until(`${id} ${wanted}`, async () => {
    const text = await window.at(id).textContent();
    return { ok: text === wanted, text };
  });

async function visit(window, name, view, transport) {
  const search = transport ? `?transport=${transport}` : '';
  await window.page.goto(`${window.url}/${search}#/default/${encodeURIComponent(name)}?as=${view}`);
  await window.state('synced');
  await pages[view].ready(window);
}

const shapes = (window) =>
  window.at('shapes').locator('li').evaluateAll((all) =>
    all.map(({ dataset, textContent }) => ({ kind: dataset.kind, place: dataset.place.split(' ').map(Number), text: textContent })),
  );

async function shapes_are(window, wanted) {
  return until(`shapes ${JSON.stringify(wanted)}`, async () => {
    const texts = (await shapes(window)).map(({ text }) => text).sort();
    return { ok: JSON.stringify(texts) === JSON.stringify([...wanted].sort()), texts };
  });
}

async function note(window, text, x, y) {
  await window.at('tool-note').click();
  const box = await window.at('board').boundingBox();
  await window.page.mouse.click(box.x + x, box.y + y);
  await window.at('board-writing').waitFor();
  await window.page.keyboard.type(text);
  await window.page.keyboard.press('Escape');
}

const rich_text = (window) =>
  window.at('rich').evaluate((editor) => {
    const copy = editor.cloneNode(true);
    for (const extra of copy.querySelectorAll('.peer-caret, .ProseMirror-trailingBreak, .ProseMirror-separator')) extra.remove();
    for (const marked of copy.querySelectorAll('.peer-selection')) marked.replaceWith(...marked.childNodes);
    return copy.innerHTML.replaceAll('\u2060', '');
  });

const rich_is = (window, wanted) =>
  until(`rich text ${wanted}`, async () => {
    const html = await rich_text(window);
    return { ok: html === wanted, html };
  });

/** How much text stands before the caret. */
const before_caret = (window) =>
  window.at('rich').evaluate((editor) => {
    const { anchorNode, anchorOffset } = getSelection();
    const range = document.createRange();
    range.selectNodeContents(editor);
    range.setEnd(anchorNode, anchorOffset);
    return range.toString().length;
  });

async function rich_type(window, text, at) {
  await window.at('rich').focus();
  // What arrives meanwhile may put the caret back where the focus had found it.
  await until(`the caret behind ${at}`, async () => {
    await window.page.keyboard.press(at);
    const before = await before_caret(window);
    return { ok: at !== 'Control+Home' || before === 0, before };
  });
  await window.page.keyboard.type(text);
}

/** These words in any order, each with the space behind it: what is typed before that has come would be one word with it. */
const holds_words = (text, words) =>
  words.every((word) => new RegExp(`${word}\\s`).test(text)) && text.trim().split(/\s+/).length === words.length;

/** What two people do on a page: add a word, see all words, and see one another. */
const pages = {
  text: {
    ready: (window) => window.page.locator('[data-testid=editor] .cm-content').waitFor(),
    add: (window, word, at) => window.type(`${word} `, at),
    see: (window, words) =>
      until(`text with ${words}`, async () => {
        const text = await window.text();
        return { ok: holds_words(text, words), text };
      }),
    sees_other: (window, name) => until(`caret of ${name}`, async () => (await window.carets()).includes(name)),
  },
  rich: {
    ready: (window) => window.at('rich').waitFor(),
    add: (window, word, at = 'Control+End') => rich_type(window, `${word} `, at),
    see: (window, words) =>
      until(`rich text with ${words}`, async () => {
        const text = await window.at('rich').evaluate((editor) => {
          const copy = editor.cloneNode(true);
          for (const caret of copy.querySelectorAll('.peer-caret')) caret.remove();
          return copy.textContent;
        });
        return { ok: holds_words(text, words), text };
      }),
    sees_other: (window, name) =>
      until(`caret of ${name}`, async () => (await window.at('rich').locator('.peer-name').allTextContents()).includes(name)),
  },
  board: {
    ready: (window) => window.at('board').waitFor(),
    add: async (window, word) => {
      const count = (await shapes(window)).length;
      await note(window, word, 60 + (count % 3) * 200, 40 + Math.floor(count / 3) * 190);
    },
    see: (window, words) => shapes_are(window, words.map((word) => `Sticky note: ${word}`)),
    sees_other: (window, name) =>
      until(`pointer of ${name}`, async () => (await window.at('board-pointer').allTextContents()).includes(name)),
  },
};

async function together(a, b, page) {
  await page.add(a, 'first');
  await page.see(b, ['first']);
  await page.add(b, 'second');
  await page.see(a, ['first', 'second']);
  // At two places: y-prosemirror may mix letters that two people type at one.
  await Promise.all([page.add(a, 'third'), page.add(b, 'fourth', 'Control+Home')]);
  for (const window of [a, b]) {
    await page.see(window, ['first', 'second', 'third', 'fourth']);
    await fact(window, 'saved', 'Saved');
  }
  await page.sees_other(a, 'Grace');
  await page.sees_other(b, 'Ada');
  await until('both are listed', async () => (await a.people()).length === 2);
}

/** A network on which a WebSocket begins and is cut at once. */
const block_sockets = (window) => window.context.routeWebSocket(/.*/, (socket) => socket.close());

export async function check_pages(checks, with_windows, url, run) {
  const expected = await expected_transports(url);
  for (const [view, page] of Object.entries(pages)) {
    const name = (what) => `${view}-${what}-${run}`;

    await checks.check(`${view}: two people, with WebSocket`, () =>
      with_windows(2, async (a, b) => {
        for (const window of [a, b]) await visit(window, name('open'), view);
        await fact(a, 'transport', expected.open);
        await together(a, b, page);
      }),
    );

    await checks.check(`${view}: two people, WebSocket blocked for both`, () =>
      with_windows(2, async (a, b) => {
        for (const window of [a, b]) {
          await block_sockets(window);
          await visit(window, name('blocked'), view);
        }
        await fact(a, 'transport', expected.blocked);
        await together(a, b, page);
      }),
    );

    await checks.check(`${view}: two people, one with HTTP alone, with versions`, () =>
      with_windows(2, async (a, b) => {
        await visit(a, name('http'), view, 'http');
        await visit(b, name('http'), view);
        await fact(a, 'transport', 'HTTP');
        await together(a, b, page);
        await until('a version', async () => /^Version \d+$/.test(await a.at('version').textContent()));
      }),
    );

    await checks.check(`${view}: offline, then online`, () =>
      with_windows(2, async (a, b) => {
        for (const window of [a, b]) await visit(window, name('offline'), view);
        await page.add(a, 'before');
        await page.see(b, ['before']);
        await fact(a, 'saved', 'Saved');
        await a.context.setOffline(true);
        await a.state('offline');
        await page.add(a, 'away');
        await page.add(b, 'meanwhile');
        await until('what is unsaved is said', async () => /^\d+ unsaved changes?$/.test(await a.at('saved').textContent()));
        await page.see(b, ['before', 'meanwhile']);
        await a.context.setOffline(false);
        await a.state('synced');
        for (const window of [a, b]) await page.see(window, ['before', 'away', 'meanwhile']);
        await fact(a, 'saved', 'Saved');
      }),
    );
  }

  await checks.check('the transport is chosen in the page and stands in the address; nothing is lost on the way', () =>
    with_windows(2, async (a, b) => {
      for (const window of [a, b]) await visit(window, `chosen-${run}`, 'text');
      await a.type('one ');
      await a.at('transport-choice').selectOption('http');
      await fact(a, 'transport', 'HTTP');
      assert.match(a.page.url(), /\?transport=http#/);
      await a.type('two ');
      await b.shows('one two ');
      await a.at('transport-choice').selectOption('websocket');
      await fact(a, 'transport', 'WebSocket');
      await a.type('three');
      await b.shows('one two three');
      await a.page.reload();
      await a.state('synced');
      await fact(a, 'transport', 'WebSocket');
      assert.equal(await a.at('transport-choice').inputValue(), 'websocket');
      await a.at('transport-choice').selectOption('auto');
      await fact(a, 'transport', expected.open);
      assert.doesNotMatch(a.page.url(), /transport/);
    }),
  );

  await checks.check('a document opens as what is in it; the tabs show it otherwise, also by the keyboard', () =>
    with_windows(2, async (a, b) => {
      await visit(a, `guess-${run}`, 'board');
      await note(a, 'on the board', 80, 60);
      await fact(a, 'saved', 'Saved');
      await b.visit('default', `guess-${run}`);
      await b.at('board').waitFor();
      await shapes_are(b, ['Sticky note: on the board']);
      await b.at('view-board').focus();
      await b.page.keyboard.press('ArrowLeft');
      await b.at('rich').waitFor();
      assert.match(b.page.url(), /\?as=rich$/);
      await b.page.keyboard.press('ArrowLeft');
      await b.page.locator('.cm-content').waitFor();
      await b.page.goBack();
      await b.at('rich').waitFor();
    }),
  );

  await checks.check('who may not write any more reads on, and cannot change anything on any page', () =>
    with_windows(2, async (a, b) => {
      const sockets = [];
      await a.page.routeWebSocket(/\/ws\//, (socket) => {
        socket.connectToServer();
        sockets.push(socket);
      });
      for (const [view, page] of Object.entries(pages)) {
        await visit(a, `reader-${view}-${run}`, view, 'websocket');
        await visit(b, `reader-${view}-${run}`, view, 'websocket');
        await page.add(a, 'before');
        await fact(a, 'saved', 'Saved');
        // What y-protocols has for it: auth, permission denied, the reason.
        sockets.at(-1).send(Buffer.from([2, 0, 6, ...Buffer.from('closed')]));
        await a.state('readonly');
        await a.page.getByText('You may read this document').waitFor();
        await page.add(b, 'after');
        await page.see(a, ['before', 'after']);
        if (view === 'board') {
          assert.equal(await a.at('tool-note').isDisabled(), true);
          await a.at('board').press(']');
          await a.at('board').press('Delete');
        } else {
          await a.page.locator(view === 'text' ? '.cm-content' : '[data-testid=rich]').click();
          await a.page.keyboard.type('never');
        }
        await page.see(a, ['before', 'after']);
        await fact(a, 'saved', 'Saved');
      }
    }),
  );

  await checks.check('rich text: headings, lists, bold, links by toolbar and keys; undo of own changes only', () =>
    with_windows(2, async (a, b) => {
      for (const window of [a, b]) await visit(window, `formats-${run}`, 'rich');
      const { keyboard } = a.page;
      await a.at('rich').focus();
      await keyboard.type('# Title');
      await keyboard.press('Enter');
      await keyboard.press('Control+b');
      await keyboard.type('bold');
      await keyboard.press('Control+b');
      await keyboard.type(' and ');
      await a.at('rich-link').click();
      await a.at('link-address').fill('javascript:alert(1)');
      await keyboard.press('Enter');
      assert.equal(await a.at('link-address').isVisible(), true, 'no such links');
      await a.at('link-address').fill('weft.example/a');
      await keyboard.press('Enter');
      await keyboard.press('Enter');
      await keyboard.type('- one');
      await keyboard.press('Enter');
      await keyboard.type('two');
      const link = '<a href="https://weft.example/a" rel="noopener noreferrer nofollow" target="_blank">weft.example/a</a>';
      const before = `<h1>Title</h1><p><strong>bold</strong> and ${link}</p><ul><li><p>one</p></li><li><p>two</p></li></ul>`;
      for (const window of [a, b]) await rich_is(window, before);
      await b.at('rich').locator('h1').click();
      await b.page.keyboard.press('End');
      await b.page.keyboard.type(' of all');
      await rich_is(a, before.replace('Title', 'Title of all'));
      await b.at('rich-h2').click();
      await rich_is(a, before.replace('<h1>Title</h1>', '<h2>Title of all</h2>'));
      await until('the button says so', async () => (await b.at('rich-h2').getAttribute('aria-pressed')) === 'true');
      await b.page.keyboard.press('Control+z');
      await b.page.keyboard.press('Control+z');
      await until('her changes are undone', async () => !(await rich_text(a)).includes('of all'));
      assert.match(await rich_text(a), /two/, 'his stay');
      await pages.rich.sees_other(a, 'Grace');
    }),
  );

  await checks.check('board: shapes are drawn, moved, resized, deleted, and all of it undone', () =>
    with_windows(2, async (a, b) => {
      for (const window of [a, b]) await visit(window, `drawn-${run}`, 'board');
      await a.at('tool-rectangle').click();
      await drag(a, [[100, 80], [300, 200]]);
      await a.at('tool-pen').click();
      await drag(a, [[400, 300], [420, 260], [500, 280]]);
      await a.at('tool-select').click();
      await shapes_are(b, ['Rectangle', 'Line']);
      const place = async (window, kind) => (await shapes(window)).find((shape) => shape.kind === kind)?.place ?? []; // none: not there yet
      assert.deepEqual((await place(a, 'rectangle')).slice(2), [200, 120]);
      const [, , width, height] = await place(b, 'pen');
      assert.deepEqual([width, height], [100, 40], 'the box of a line fits it');
      const [x, y] = await place(b, 'rectangle');
      await drag(a, [[200, 140], [250, 170]]);
      await until('moved', async () => (await place(b, 'rectangle'))[0] === x + 50 && (await place(b, 'rectangle'))[1] === y + 30);
      await drag(a, [[355, 235], [405, 275]]);
      await until('resized', async () => JSON.stringify((await place(b, 'rectangle')).slice(2)) === '[250,160]');
      await a.page.keyboard.press('Delete');
      await shapes_are(b, ['Line']);
      for (let i = 0; i < 3; i += 1) await a.page.keyboard.press('Control+z');
      await until('as it was drawn', async () => JSON.stringify(await place(b, 'rectangle')) === JSON.stringify([x, y, 200, 120]));
      assert.equal(await b.page.getByRole('button', { name: 'Undo' }).getAttribute('aria-disabled'), 'true', 'she did nothing');
      await a.page.getByRole('button', { name: 'Undo' }).click();
      await shapes_are(b, ['Rectangle']);
      await a.page.getByRole('button', { name: 'Redo' }).click();
      await shapes_are(b, ['Rectangle', 'Line']);
    }),
  );

  await checks.check('board: the keyboard alone makes, writes, chooses, moves and deletes shapes, and leaves', () =>
    with_windows(1, async (a) => {
      await visit(a, `keys-${run}`, 'board');
      const { keyboard } = a.page;
      await a.at('board').focus();
      for (const [key, text] of [['n', 'first'], ['t', 'second']]) {
        await keyboard.press(key);
        await keyboard.press('Enter');
        await a.at('board-writing').waitFor();
        await keyboard.type(text);
        await keyboard.press('Escape');
      }
      await keyboard.press('r');
      await keyboard.press('Enter');
      await shapes_are(a, ['Sticky note: first', 'Text: second', 'Rectangle']);
      await keyboard.press(']');
      await a.page.getByText('Sticky note: first, 1 of 3').waitFor({ state: 'attached' });
      const [x, y, w, h] = (await shapes(a))[0].place;
      for (const keys of ['ArrowRight', 'Shift+ArrowDown', 'Alt+ArrowRight']) await keyboard.press(keys);
      await until('moved and resized', async () => JSON.stringify((await shapes(a))[0].place) === JSON.stringify([x + 10, y + 1, w + 10, h]));
      await keyboard.press('Delete');
      await shapes_are(a, ['Text: second', 'Rectangle']);
      await keyboard.press('Escape');
      assert.equal(await a.focused(), 'doc-item', 'Escape leaves the board');
    }),
  );

  await checks.check('board: two people write into one note at once, and lose nothing', () =>
    with_windows(2, async (a, b) => {
      for (const window of [a, b]) await visit(window, `note-${run}`, 'board');
      await note(a, 'middle', 100, 80);
      await shapes_are(b, ['Sticky note: middle']);
      await b.at('board').focus();
      await b.page.keyboard.press(']');
      await b.page.keyboard.press('Enter');
      await a.page.keyboard.press('Enter');
      await a.page.keyboard.press('Home');
      await b.page.keyboard.press('End');
      await Promise.all([a.page.keyboard.type('begin '), b.page.keyboard.type(' end 🧵')]);
      for (const window of [a, b]) await shapes_are(window, ['Sticky note: begin middle end 🧵']);
    }),
  );

  await checks.check('shapes and links that a hostile client wrote neither break the pages nor run anything', () =>
    with_windows(1, async (a) => {
      const name = `hostile-pages-${run}`;
      const doc = new Y.Doc();
      const board = doc.getMap('shapes');
      const shape = (values) => {
        const map = new Y.Map();
        for (const [key, value] of Object.entries(values)) map.set(key, value);
        return map;
      };
      board.set('a', 7);
      board.set('b', shape({ kind: 'bomb', x: 1 }));
      board.set('c', shape({ kind: 'rectangle', x: 'NaN', y: 1e308, w: -50, h: {}, color: 'url(x)', z: [] }));
      board.set('d', shape({ kind: 'pen', x: 0, y: 0, points: 'none' }));
      board.set('e', shape({ kind: 'note', x: 20, y: 20, w: 100, h: 100, text: '<img src=x onerror=alert(1)>' }));
      const fragment = doc.getXmlFragment('rich');
      const paragraph = new Y.XmlElement('paragraph');
      const text = new Y.XmlText();
      text.insert(0, 'click', { link: { href: 'javascript:alert(1)' } });
      paragraph.insert(0, [text]);
      const heading = new Y.XmlElement('heading');
      heading.setAttribute('level', 'script');
      fragment.insert(0, [paragraph, heading]);
      const published = await fetch(`${url}/v1/documents/default/${name}/updates`, { method: 'POST', body: Y.encodeStateAsUpdate(doc) });
      assert.equal(published.status, 201);
      await visit(a, name, 'board');
      await shapes_are(a, ['Rectangle', 'Line', 'Sticky note']);
      await visit(a, name, 'rich');
      await until('the text', async () => (await rich_text(a)).includes('click'));
      assert.doesNotMatch(await rich_text(a), /javascript/);
    }),
  );

  await checks.check('a finger writes on the board of a phone', () =>
    with_windows(1, async (a) => {
      const context = await a.context.browser().newContext({ viewport: { width: 390, height: 760 }, hasTouch: true, isMobile: true });
      const page = await context.newPage();
      try {
        await page.goto(`${url}/#/default/touch-${run}?as=board`);
        await page.getByTestId('tool-note').tap(timeout);
        const box = await page.getByTestId('board').boundingBox();
        await page.touchscreen.tap(box.x + 60, box.y + 80);
        await page.getByTestId('board-writing').waitFor(timeout);
        await page.keyboard.type('by hand');
        await page.keyboard.press('Escape');
        await visit(a, `touch-${run}`, 'board');
        await shapes_are(a, ['Sticky note: by hand']);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        assert.equal(wide, false, 'nothing sticks out sideways');
      } finally {
        await context.close();
      }
    }),
  );
}
