// The page as the documentation shows it: a small document, edited by two people.
import { join } from 'node:path';

import { until, Window } from './harness.mjs';

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
    await ada.context.setOffline(true);
    await ada.state('offline');
    await ada.type(' Written on the train.');
    await ada.page.getByText('changes are waiting').waitFor();
    await shot(ada, 'offline');
  } finally {
    await Promise.all(windows.map((window) => window.close()));
  }
}
