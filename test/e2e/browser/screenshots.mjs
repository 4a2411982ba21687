// The page as the documentation shows it: a small document, edited by two people.
import { join } from 'node:path';

import { drag, until, Window } from './harness.mjs';

const opening = `# Spring walk

We meet at the **old bridge** at nine. Bring water, and a map if you have one.

## Route

1. Along the river to the mill
2. Up through the beech wood
3. Lunch at the chapel, with the view to the south

> The path by the quarry is closed until May.

`;

/** Types without the help that an editor gives to lists. */
async function write(window, text) {
  await window.page.locator('[data-testid=editor] .cm-content').focus();
  await window.page.keyboard.insertText(text);
}

async function put(window, tool, text, points) {
  await window.at(`tool-${tool}`).click();
  await drag(window, points);
  if (!text) return;
  if (await window.at('board-writing').isHidden()) await window.page.keyboard.press('Enter');
  await window.at('board-writing').waitFor();
  await window.page.keyboard.type(text);
  await window.page.keyboard.press('Escape');
}

async function show(window, name, view) {
  await window.page.goto(`${window.url}/#/team/${encodeURIComponent(name)}?as=${view}`);
  await window.state('synced');
  await window.at(view).waitFor();
}

const saved = (window) => until('saved', async () => (await window.at('saved').textContent()) === 'Saved');

async function draw_board(ada, grace) {
  for (const window of [ada, grace]) await show(window, 'How an edit travels', 'board');
  await put(ada, 'rectangle', 'Browser', [[90, 130], [270, 230]]);
  await put(ada, 'ellipse', 'Weft', [[420, 110], [620, 250]]);
  await put(ada, 'rectangle', 'Disk', [[720, 290], [860, 380]]);
  await put(ada, 'pen', '', [[282, 170], [330, 160], [370, 176], [412, 178], [396, 166], [412, 178], [398, 190]]);
  await put(ada, 'pen', '', [[600, 240], [640, 290], [710, 330], [694, 316], [710, 330], [690, 333]]);
  await put(grace, 'note', 'Saved is said only when it is on the disk', [[110, 310]]);
  await put(grace, 'note', 'Try it on the train!', [[330, 330]]);
  await put(grace, 'text', 'How an edit travels', [[90, 50]]);
  for (const window of [ada, grace]) {
    await saved(window);
    await until('eight shapes', async () => (await window.at('shapes').locator('li').count()) === 8);
  }
  await ada.at('tool-select').click();
  await grace.page.mouse.move(1060, 250);
  await drag(ada, [[790, 340]]);
  await until("Grace's pointer", async () => (await ada.at('board-pointer').allTextContents()).includes('Grace'));
}

async function write_rich(ada, grace) {
  for (const window of [ada, grace]) await show(window, 'Invitation', 'rich');
  const { keyboard } = ada.page;
  await ada.at('rich').focus();
  await keyboard.type('# Spring walk');
  await keyboard.press('Enter');
  await keyboard.type('We meet at the ');
  await keyboard.press('Control+b');
  await keyboard.type('old bridge');
  await keyboard.press('Control+b');
  await keyboard.type(' at nine. Bring water, and a map if you have one.');
  await keyboard.press('Enter');
  for (const line of ['## Route', '1. Along the river to the mill', 'Up through the beech wood', 'Lunch at the chapel', '']) {
    await keyboard.type(line);
    await keyboard.press('Enter');
  }
  await keyboard.type('> The path by the quarry is closed until May.');
  await until('all of it', async () => (await grace.at('rich').innerText()).includes('until May.'));
  await grace.at('rich').locator('li').nth(1).click();
  await grace.page.keyboard.press('End');
  await grace.page.keyboard.type(', slowly');
  await saved(grace);
  // Last, because names show for a moment only.
  await keyboard.type(' Please');
  await grace.page.keyboard.type('.');
  await until('the full stop', async () => (await ada.at('rich').innerText()).includes('slowly.'));
  await saved(ada);
}

export async function take_screenshots(browser, url, folder) {
  const desktop = { viewport: { width: 1200, height: 760 } };
  const open = (user, options) => Window.open(browser, url, { user, ...desktop, ...options });
  const ada = await open({ name: 'Ada', color: '#7c3aed' }, { colorScheme: 'light' });
  const grace = await open({ name: 'Grace', color: '#0f766e' }, { colorScheme: 'dark' });
  const phone = await open(
    { name: 'Linus', color: '#2563eb' },
    { viewport: { width: 390, height: 760 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
  );
  const windows = [ada, grace, phone];
  const shot = (window, name) => window.page.screenshot({ path: join(folder, `${name}.png`) });
  try {
    for (const name of ['Minutes', 'Reading list', 'Garden plan']) {
      await ada.visit('default', name);
      await ada.clear();
      await ada.type(`# ${name}`);
      await ada.shows(`# ${name}`);
    }
    await ada.visit();
    await ada.page.getByText('Garden plan').waitFor();
    await shot(ada, 'empty');
    await ada.visit('team', 'Spring walk');
    await grace.visit('team', 'Spring walk');
    await ada.clear();
    await write(ada, opening);
    await grace.shows(opening);
    await grace.type('I can take four people in the car');
    await until("Grace's caret", async () => (await ada.carets()).includes('Grace'));
    await until('two people', async () => (await ada.people()).length === 2);
    for (const window of [ada, grace]) await window.page.locator('.doc-live', { hasText: '2' }).waitFor();
    // Last, because names show for a moment only.
    await ada.page.locator('.cm-line', { hasText: 'beech wood' }).click();
    await ada.page.keyboard.press('End');
    await ada.page.keyboard.type(', slowly');
    await grace.page.keyboard.type('.');
    await until('the full stop', async () => (await ada.text()).endsWith('car.'));
    await shot(ada, 'desktop-light');
    await shot(grace, 'desktop-dark');
    await ada.page.keyboard.press('Control+k');
    await ada.page.keyboard.type('re');
    await shot(ada, 'switcher');
    await ada.page.keyboard.press('Escape');
    await phone.visit('team', 'Spring walk');
    await until('three people', async () => (await phone.people()).length === 3);
    await shot(phone, 'phone');
    await phone.page.getByRole('button', { name: 'Open the document list' }).click();
    await phone.page.getByText('Garden plan').waitFor();
    await until('the drawer is open', () =>
      phone.page.evaluate(() => document.getElementById('side').getBoundingClientRect().left === 0),
    );
    await shot(phone, 'phone-list');
    await write_rich(ada, grace);
    await shot(ada, 'rich-light');
    await shot(grace, 'rich-dark');
    await draw_board(ada, grace);
    await shot(ada, 'board-light');
    await shot(grace, 'board-dark');
    await phone.page.keyboard.press('Escape');
    await show(phone, 'How an edit travels', 'board');
    await phone.at('shapes').locator('li').nth(7).waitFor({ state: 'attached' });
    await shot(phone, 'phone-board');
    await ada.visit('team', 'Spring walk');
    await ada.context.setOffline(true);
    await ada.state('offline');
    await ada.type(' Written on the train.');
    await ada.page.getByText('changes are waiting').waitFor();
    await shot(ada, 'offline');
  } finally {
    await Promise.all(windows.map((window) => window.close()));
  }
}
