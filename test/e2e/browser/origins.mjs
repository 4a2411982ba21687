// What pages of other origins may do: nothing, or what http.cors_origins lets them.
import assert from 'node:assert/strict';

const friend = 'https://friend.example';
const stranger = 'https://stranger.example';

/** What a page finds out about a document that runs this in the browser. */
async function attempt(target) {
  const outcome = async (ask) => {
    try {
      return await ask();
    } catch (error) {
      return error instanceof TypeError ? 'blocked' : String(error);
    }
  };
  // An insertion of one character.
  const simple = { method: 'POST', body: new Blob([new Uint8Array([1, 1, 1, 0, 4, 1, 1, 116, 1, 120, 0])]) };
  return {
    read: await outcome(async () => (await fetch(`${target}/state-vector`)).headers.get('Weft-Log') ?? 'no header'),
    conditional: await outcome(async () => (await fetch(`${target}/update`, { headers: { 'If-None-Match': '"x"' } })).status),
    // A form could send it without asking first: the server must refuse it by itself.
    simple: await outcome(async () => (await fetch(`${target}/updates`, simple)).status),
    asked: await outcome(async () => (await fetch(`${target}/updates`, { ...simple, headers: { 'Content-Type': 'application/octet-stream', 'If-Match': '"none"' } })).status),
    events: await new Promise((resolve) => {
      const source = new EventSource(`${target}/events`);
      const end = (what) => {
        source.close();
        resolve(what);
      };
      source.addEventListener('start', () => end('start'));
      source.onerror = () => end('blocked');
    }),
  };
}

export async function pages_of_other_origins(browser, url, run) {
  // Chromium itself would keep pages of the internet from a server on this machine.
  const context = await browser.newContext({ permissions: ['local-network-access'] });
  try {
    const target = `${url}/v1/documents/default/origins-${run}`;
    const seen = {};
    const written = {};
    for (const origin of [stranger, friend]) {
      const page = await context.newPage();
      await page.route(`${origin}/`, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
      await page.goto(`${origin}/`);
      seen[origin] = await page.evaluate(attempt, target);
      written[origin] = (await fetch(target)).status;
    }
    assert.deepEqual(seen[stranger], { read: 'blocked', conditional: 'blocked', simple: 'blocked', asked: 'blocked', events: 'blocked' });
    assert.deepEqual(written, { [stranger]: 404, [friend]: 200 }, 'the request that needs no preflight has written nothing');
    assert.match(seen[friend].read, /^[0-9a-f]{16}$/, 'headers of answers can be read');
    delete seen[friend].read;
    assert.deepEqual(seen[friend], { conditional: 200, simple: 201, asked: 412, events: 'start' });
  } finally {
    await context.close();
  }
}
