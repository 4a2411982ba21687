// Two Chromium windows edit through the page of a running Weft; everything is asserted in the DOM.
// The server's http.cors_origins is https://friend.example.
//   node run.mjs --url http://127.0.0.1:8787 [--screenshots DIR] [--chromium /usr/bin/chromium]
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import { Checks, start_browser, until, Window } from './harness.mjs';
import { pages_of_other_origins } from './origins.mjs';
import { check_pages } from './pages.mjs';
import { take_screenshots } from './screenshots.mjs';

const { values: options } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8787' },
    screenshots: { type: 'string' },
    chromium: { type: 'string', default: '/usr/bin/chromium' },
    only: { type: 'string', default: '' }, // checks whose name has this in it
  },
});
const url = options.url.replace(/\/+$/, '');
// Documents of their own, so that a server may be used twice.
const run = `${Date.now().toString(36)}${process.pid.toString(36)}`;
const ada = { name: 'Ada', color: '#7c3aed' };
const grace = { name: 'Grace', color: '#0f766e' };

const { browser, close } = await start_browser(options.chromium);
const checks = new Checks(options.only);

async function with_windows(count, body) {
  const windows = [];
  try {
    for (const user of [ada, grace].slice(0, count)) windows.push(await Window.open(browser, url, { user }));
    await body(...windows);
    for (const window of windows) {
      assert.deepEqual(window.errors, [], 'errors in the page');
      assert.deepEqual(window.strangers, [], 'requests to other hosts');
    }
  } finally {
    await Promise.all(windows.map((window) => window.close()));
  }
}

// First, while the list of a fresh server holds nothing else.
if (options.screenshots) {
  await mkdir(options.screenshots, { recursive: true });
  await checks.check('screenshots', () => take_screenshots(browser, url, options.screenshots));
}

await checks.check('without a document the page says what to do', () =>
  with_windows(1, async (a) => {
    await a.visit();
    await a.page.getByRole('heading', { name: 'Nothing open yet' }).waitFor();
    assert.equal(await a.at('editor').isVisible(), false);
  }),
);

await checks.check('each of two windows shows what the other types, and its named caret', () =>
  with_windows(2, async (a, b) => {
    await a.visit('default', `pair-${run}`);
    await b.visit('default', `pair-${run}`);
    await a.type('Hello from Ada. ');
    await b.shows('Hello from Ada. ');
    await until("Ada's caret", async () => (await b.carets()).includes('Ada'));
    await b.type('And Grace answers.');
    await a.shows('Hello from Ada. And Grace answers.');
    await until("Grace's caret", async () => (await a.carets()).includes('Grace'));
    const shown = () => a.page.locator('.cm-ySelectionInfo').evaluate((name) => Number(getComputedStyle(name).opacity));
    await until('the name fades', async () => (await shown()) === 0);
    await b.type('!');
    await until('the name shows again while she types', async () => (await shown()) === 1);
    assert.equal((await a.carets()).includes('Ada'), false, 'nobody sees a label at the own caret');
  }),
);

await checks.check('typing at the same time ends with the same text in both windows', () =>
  with_windows(2, async (a, b) => {
    await a.visit('default', `both-${run}`);
    await b.visit('default', `both-${run}`);
    await a.type('A:\nB:');
    await b.shows('A:\nB:');
    const [from_a, from_b] = ['the quick brown fox', 'jumps over the lazy dog'].map((text) => text.repeat(2));
    await a.page.keyboard.press('Control+Home');
    await a.page.keyboard.press('End');
    await b.page.locator('[data-testid=editor] .cm-content').focus();
    await b.page.keyboard.press('Control+End');
    await Promise.all([a.page.keyboard.type(from_a), b.page.keyboard.type(from_b)]);
    await Promise.all([a, b].map((window) => window.shows(`A:${from_a}\nB:${from_b}`)));
  }),
);

await checks.check('typing into one place at the same time loses nothing and converges', () =>
  with_windows(2, async (a, b) => {
    await a.visit('default', `place-${run}`);
    await b.visit('default', `place-${run}`);
    await Promise.all([a.type('a'.repeat(40)), b.type('b'.repeat(40))]);
    await until('one text', async () => {
      const texts = await Promise.all([a.text(), b.text()]);
      const count = (letter) => texts[0].split(letter).length - 1;
      return { ok: texts[0] === texts[1] && count('a') === 40 && count('b') === 40, texts };
    });
  }),
);

await checks.check('undo takes back own changes only', () =>
  with_windows(2, async (a, b) => {
    await a.visit('default', `undo-${run}`);
    await b.visit('default', `undo-${run}`);
    await a.type('one ');
    await b.shows('one ');
    await b.type('two');
    await a.shows('one two');
    await a.page.keyboard.press('Control+z');
    await b.shows('two');
    await a.page.getByRole('button', { name: 'Redo' }).click();
    await b.shows('one two');
  }),
);

await checks.check('people appear, change their name, and disappear', () =>
  with_windows(2, async (a, b) => {
    await a.visit('default', `people-${run}`);
    await until('Ada alone', async () => (await a.people()).length === 1);
    await b.visit('default', `people-${run}`);
    await until('Grace is there', async () => (await a.people()).some((name) => name.includes('Grace')));
    await b.at('user-name').fill('Grace Hopper');
    await until('a new name', async () => (await a.people()).some((name) => name.includes('Grace Hopper')));
    await b.page.reload();
    await b.state('synced');
    assert.equal(await b.at('user-name').inputValue(), 'Grace Hopper', 'the name is kept');
    await b.page.close();
    await until('Grace is gone', async () => (await a.people()).length === 1);
  }),
);

await checks.check('the keyboard alone creates, edits, leaves and opens documents', () =>
  with_windows(1, async (a) => {
    const { keyboard } = a.page;
    await a.visit();
    await keyboard.press('Tab');
    assert.equal(await a.focused(), 'skip', 'the first Tab is at the skip link');
    await a.tab_to('new-doc');
    await keyboard.type(`first-${run}`);
    await keyboard.press('Enter');
    await a.state('synced');
    await until('the editor has the keyboard', async () => (await a.focused()) === 'editor');
    await keyboard.type('Written without a mouse.');
    await a.shows('Written without a mouse.');
    await keyboard.press('Escape');
    assert.equal(await a.focused(), 'doc-item', 'Escape leaves the editor');
    await keyboard.press('Control+k');
    await until('the switcher has the keyboard', async () => (await a.focused()) === 'switcher-input');
    await keyboard.type(`team/second-${run}`);
    await keyboard.press('Enter');
    await until('the second document', async () => a.page.url().endsWith(`#/team/second-${run}`));
    await a.state('synced');
    await until('the editor has the keyboard', async () => (await a.focused()) === 'editor');
    await a.shows('');
    await until('both are listed', async () => {
      const listed = await a.documents();
      return { ok: [`first-${run}`, `second-${run}`].every((name) => listed.includes(name)), listed };
    });
    await keyboard.press('Control+k');
    await keyboard.type(`first-${run}`);
    await keyboard.press('Enter');
    await a.shows('Written without a mouse.');
  }),
);

await checks.check('the list shows what somebody else creates, and opens it', () =>
  with_windows(2, async (a, b) => {
    await a.visit();
    await b.visit('default', `listed-${run}`);
    await b.type('found');
    const item = a.at('doc-item').filter({ hasText: `listed-${run}` });
    await item.waitFor();
    await item.click();
    await a.shows('found');
    assert.equal(await item.getAttribute('aria-current'), 'page');
  }),
);

await checks.check('names with spaces, slashes and other scripts open the same document', () =>
  with_windows(2, async (a, b) => {
    const name = `Über/海 100% ${run}`;
    await a.visit('Große Runde', name);
    await b.visit('Große Runde', name);
    await a.type('gleich 🧵');
    await b.shows('gleich 🧵');
  }),
);

await checks.check('offline edits are kept, counted and sent when the connection is back', () =>
  with_windows(2, async (a, b) => {
    await a.visit('default', `offline-${run}`);
    await b.visit('default', `offline-${run}`);
    await a.type('before ');
    await b.shows('before ');
    await a.context.setOffline(true);
    await a.state('offline');
    await a.type('while away ');
    await a.shows('before while away ');
    await a.page.getByText('changes are waiting').waitFor();
    await b.type('meanwhile ');
    assert.equal((await b.text()).includes('while away'), false, 'nothing is sent while offline');
    await a.context.setOffline(false);
    await a.state('synced');
    await until('both edits in both windows', async () => {
      const texts = await Promise.all([a.text(), b.text()]);
      return { ok: texts.every((text) => text === texts[0] && /while away/.test(text) && /meanwhile/.test(text)), texts };
    });
    assert.equal(await a.page.getByText('changes are waiting').isVisible(), false);
  }),
);

// The refusals of a server, played by the browser at the socket: the page is under test here.
for (const [code, state, text] of [
  [4401, 'denied', 'The server does not know who you are'],
  [4403, 'denied', 'You may not do that with this document'],
  [4409, 'denied', 'The server does not take your changes to this document'],
  [4413, 'denied', 'An edit was too large for the server'],
  [4503, 'broken', 'The server could not load this document.'],
]) {
  await checks.check(`close code ${code} before the text has come: ${state}, and nothing to type into`, () =>
    with_windows(1, async (a) => {
      let sockets = 0;
      await a.page.routeWebSocket(/\/ws\//, (socket) => {
        sockets += 1;
        void socket.close({ code, reason: 'refused' });
      });
      await a.page.goto(`${url}/?transport=websocket#/default/refused-${run}`);
      await a.state(state);
      await a.page.getByText(text).waitFor();
      assert.equal(await a.page.locator('.cm-content').isVisible(), false);
      if (state === 'broken') await until('another attempt', () => sockets > 1);
      else assert.equal(sockets, 1, 'it does not try again by itself');
    }),
  );
}

await checks.check('a refused edit stays readable, is not sent again, and the document can be loaded again', () =>
  with_windows(1, async (a) => {
    const sockets = [];
    await a.page.routeWebSocket(/\/ws\//, (socket) => {
      socket.connectToServer();
      sockets.push(socket);
    });
    await a.visit('default', `refused-edit-${run}`, 'websocket');
    await a.type('text ');
    await sockets[0].close({ code: 4409, reason: 'client id used twice' });
    await a.state('denied');
    await a.type('more');
    await a.page.keyboard.press('Control+z');
    assert.equal(await a.text(), 'text ', 'the editor takes no more');
    assert.equal(sockets.length, 1);
    await a.page.getByRole('button', { name: 'Load again' }).click();
    await a.state('synced');
    await a.shows('text ');
  }),
);

await checks.check('a hostile peer can neither break the page nor style it', () =>
  with_windows(2, async (a, b) => {
    const forge = (message, from, to) =>
      typeof message === 'string'
        ? message
        : Buffer.from(message.toString('latin1').replaceAll(from, to), 'latin1'); // of equal length
    let forgery = (message) => forge(message, grace.color, 'red;a:b');
    await b.page.routeWebSocket(/\/ws\//, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((message) => server.send(forgery(message)));
    });
    await a.visit('default', `hostile-${run}`, 'websocket');
    await b.visit('default', `hostile-${run}`, 'websocket');
    const markup = '<img src=x>';
    await b.at('user-name').fill(markup);
    await b.type('hello');
    await a.shows('hello');
    await until('the name as text', async () => (await a.carets()).includes(markup));
    const avatars = a.at('person').locator('.avatar');
    const styles = await avatars.evaluateAll((all) => all.map((avatar) => avatar.getAttribute('style')));
    assert.deepEqual(styles, ['--person: #7c3aed;', '--person: #52606d;'], 'a forged colour gives way to a plain one');
    assert.equal(await a.page.locator('[style*="red;"]').count(), 0, 'and enters no other style');
    forgery = (message) => forge(message, '"anchor"', '"anchro"');
    await b.type('!');
    await b.page.keyboard.press('Home');
    await a.shows('hello!');
    await until('no caret without a place', async () => (await a.carets()).length === 0);
  }),
);

await checks.check('text and rich text stand in one column, in the middle of a wide window', () =>
  with_windows(1, async (a) => {
    const column = async (view, content) => {
      await a.page.goto(`${url}/#/default/column-${run}?as=${view}`);
      await a.state('synced');
      const box = await a.page.locator(content).boundingBox();
      return [Math.round(box.x), Math.round(box.width)];
    };
    const rich = await column('rich', '[data-testid=rich]');
    assert.deepEqual(await column('text', '.cm-content'), rich);
    assert.equal(rich[1], 792);
  }),
);

await checks.check('a phone has the list in a drawer that the keyboard can close', async () => {
  const a = await Window.open(browser, url, { user: ada, viewport: { width: 390, height: 844 } });
  try {
    await a.visit('default', `phone-${run}`);
    assert.equal(await a.at('new-doc').isVisible(), false);
    await a.page.getByRole('button', { name: 'Open the document list' }).click();
    await a.at('new-doc').waitFor();
    await a.page.keyboard.press('Escape');
    await a.at('new-doc').waitFor({ state: 'hidden' });
    const wide = await a.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    assert.equal(wide, false, 'nothing sticks out sideways');
  } finally {
    await a.close();
  }
});

await checks.check('pages of other origins may do what is configured and nothing else', () =>
  pages_of_other_origins(browser, url, run),
);

await check_pages(checks, with_windows, url, run);

await close();
process.exitCode = checks.finish();
