// What the checks share: two browser windows, conditions to wait on, and a count of results.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

export const wait_ms = 10_000;

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts Chromium on an empty profile; `close` ends it and removes the profile. */
export async function start_browser(executable) {
  const home = await mkdtemp(join(tmpdir(), 'weft-chromium-'));
  const browser = await chromium.launch({
    executablePath: executable,
    headless: true,
    args: flags,
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
  });
  return {
    browser,
    close: async () => {
      await browser.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Waits until `ask` gives something true, and says what it gave last when it never does. */
export async function until(what, ask) {
  const deadline = Date.now() + wait_ms;
  let last;
  do {
    last = await ask();
    if (last?.ok ?? last) return last;
    await new Promise((resolve) => setTimeout(resolve, 20)); // between two looks at the condition
  } while (Date.now() < deadline);
  throw new Error(`${what}: not within ${wait_ms} ms; last: ${JSON.stringify(last)}`);
}

/** A press at one place of the board, a way, and a release. */
export async function drag(window, points) {
  const box = await window.at('board').boundingBox();
  const { mouse } = window.page;
  const [[x, y], ...rest] = points;
  await mouse.move(box.x + x, box.y + y);
  await mouse.down();
  for (const [to_x, to_y] of rest) await mouse.move(box.x + to_x, box.y + to_y, { steps: 5 });
  await mouse.up();
}

/** One window with a storage of its own, and what a user does and sees in it. */
export class Window {
  /** `options` are Playwright's for a context; `user` is a name and colour to start with. */
  static async open(browser, url, { user, ...options } = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    context.setDefaultTimeout(wait_ms);
    if (user) {
      await context.addInitScript((value) => {
        if (!localStorage.getItem('weft-user')) localStorage.setItem('weft-user', JSON.stringify(value));
      }, user);
    }
    const page = await context.newPage();
    const window = new Window(context, page, url);
    page.on('pageerror', (error) => window.errors.push(String(error)));
    page.on('request', (request) => {
      const at = new URL(request.url());
      if (at.host !== new URL(url).host) window.strangers.push(request.url());
    });
    return window;
  }

  constructor(context, page, url) {
    this.context = context;
    this.page = page;
    this.url = url;
    this.errors = [];
    this.strangers = [];
  }

  at(id) {
    return this.page.getByTestId(id);
  }

  async visit(room, document, transport) {
    const hash = document === undefined ? '' : `#/${encodeURIComponent(room)}/${encodeURIComponent(document)}`;
    await this.page.goto(`${this.url}/${transport ? `?transport=${transport}` : ''}${hash}`);
    if (hash) await this.state('synced');
  }

  state(wanted) {
    return until(`state ${wanted}`, async () => {
      const state = await this.at('state').getAttribute('data-state');
      return { ok: state === wanted, state };
    });
  }

  /** The document as the DOM shows it, without the carets of others. */
  text() {
    return this.page.evaluate(() =>
      [...document.querySelectorAll('[data-testid=editor] .cm-line')]
        .map((line) => {
          const copy = line.cloneNode(true);
          for (const extra of copy.querySelectorAll('.cm-ySelectionCaret, .cm-placeholder')) extra.remove();
          return copy.textContent.replaceAll('\u200b', '');
        })
        .join('\n'),
    );
  }

  shows(wanted) {
    return until(`text ${JSON.stringify(wanted)}`, async () => {
      const text = await this.text();
      return { ok: text === wanted, text };
    });
  }

  /** The names at others' carets. */
  carets() {
    return this.page.locator('[data-testid=editor] .cm-ySelectionInfo').allTextContents();
  }

  people() {
    return this.at('person').allInnerTexts();
  }

  documents() {
    return this.at('doc-item').locator('.doc-name').allTextContents();
  }

  /** Types at the end of the document. */
  async type(text, at = 'Control+End') {
    await this.page.locator('[data-testid=editor] .cm-content').focus();
    await this.page.keyboard.press(at);
    await this.page.keyboard.type(text);
  }

  async clear() {
    await this.page.locator('[data-testid=editor] .cm-content').focus();
    await this.page.keyboard.press('Control+a');
    await this.page.keyboard.press('Delete');
    await this.shows('');
  }

  /** What the keyboard is at: a test id, an id, or a tag. */
  focused() {
    return this.page.evaluate(() => {
      const at = document.activeElement;
      if (at?.closest('[data-testid=editor]')) return 'editor';
      return at?.getAttribute('data-testid') || at?.id || at?.tagName.toLowerCase() || '';
    });
  }

  /** Presses Tab until the keyboard is at `wanted`. */
  async tab_to(wanted) {
    for (let presses = 0; presses < 40; presses += 1) {
      if ((await this.focused()) === wanted) return;
      await this.page.keyboard.press('Tab');
    }
    throw new Error(`Tab never reaches ${wanted}`);
  }

  async close() {
    await this.context.close();
  }
}

/** Runs checks one after the other; one that fails does not stop the next. */
export class Checks {
  passed = 0;
  failed = 0;

  constructor(only) {
    this.only = only;
  }

  async check(name, run) {
    if (!name.includes(this.only)) return;
    const start = Date.now();
    try {
      await run();
      this.passed += 1;
      console.log(`ok    ${name} (${Date.now() - start} ms)`);
    } catch (error) {
      this.failed += 1;
      console.log(`FAIL  ${name} (${Date.now() - start} ms)\n      ${error.message.split('\n').join('\n      ')}`);
    }
  }

  /** Prints the closing line and gives the exit code. */
  finish() {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    return this.failed === 0 && this.passed > 0 ? 0 : 1;
  }
}
