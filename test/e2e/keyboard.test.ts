import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { it as plain } from './support/it.ts';
import { REASON, waitForState } from './support/operate.ts';

const it = plain.extend('openList', ({ visit }) => async () => {
  const list = await visit('/keys', { operator: 'ada' });
  await list.page.getByText('ord-1001').waitFor();
  return list;
});
it.beforeAll(async ({ office }) => {
  for (const number of [1, 2, 3]) await office.send({ key: `ord-100${number}`, fate: 'declined' });
});

const focusedRow = (page: Page) => page.locator('a[data-row]:focus').textContent();

/** Presses Tab until the wanted control has the focus, as somebody without a mouse does. */
async function tabTo(page: Page, name: string | RegExp) {
  const control = page.getByRole('button', { name }).or(page.getByRole('checkbox', { name }));
  for (let presses = 0; presses < 80; presses += 1) {
    if (await control.first().evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to ${name}`);
}

describe('the keyboard', () => {
  it('moves along the rows, selects and opens', async ({ openList }) => {
    await using list = await openList();
    const { page } = list;
    await page.keyboard.press('j');
    expect(await focusedRow(page)).toBe('ord-1003');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('j'); // there is no next one
    expect(await focusedRow(page)).toBe('ord-1001');
    await page.keyboard.press('k');
    expect(await focusedRow(page)).toBe('ord-1002');
    await page.keyboard.press('x');
    await page.getByText('1 key selected').waitFor();
    await page.keyboard.press('Enter');
    await waitForState(page, 'Error');
    expect(list.problems).toEqual([]);
  });

  it('takes an action from the list to its result, and leaves the focus where things go on', async ({
    openList,
  }) => {
    await using list = await openList();
    const { page } = list;
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await waitForState(page, 'Error');
    await tabTo(page, 'Allow retry');
    await page.keyboard.press('Enter');
    await page.locator('textarea:focus').waitFor();
    await page.keyboard.insertText(REASON);
    await tabTo(page, /may happen twice/);
    await page.keyboard.press('Space');
    await tabTo(page, 'Allow retry');
    await page.keyboard.press('Enter');
    await waitForState(page, 'Released');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.locator('#state:focus').waitFor();
    expect(list.problems).toEqual([]);
  });

  it('closes a dialog with Escape, and gives the focus back', async ({ openList }) => {
    await using list = await openList();
    const { page } = list;
    await tabTo(page, 'Export');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe('Export');
    expect(list.problems).toEqual([]);
  });

  it.for(['Control+k', 'Meta+k'])(
    'opens the commands with %s, and goes to a page by its name',
    async (keys, { openList }) => {
      await using list = await openList();
      const { page } = list;
      await page.keyboard.press(keys);
      await page.getByRole('dialog', { name: 'Commands' }).waitFor();
      await page.locator('input:focus').waitFor();
      await page.keyboard.type('audit');
      await page.getByRole('option', { name: 'Audit', exact: true }).waitFor();
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Audit', level: 1 }).waitFor();
      expect(list.problems).toEqual([]);
    },
  );

  it('finds a key from the commands', async ({ openList }) => {
    await using list = await openList();
    const { page } = list;
    await page.keyboard.press('Control+k');
    await page.locator('input:focus').waitFor();
    await page.keyboard.type('ord-1002');
    await page.getByRole('option', { name: 'Find ord-1002' }).waitFor();
    await page.keyboard.press('Enter');
    // The only key of this name opens itself.
    await page.getByRole('heading', { name: 'ord-1002', level: 1 }).waitFor();
    expect(list.problems).toEqual([]);
  });

  it('shows its help with a question mark', async ({ openList }) => {
    await using list = await openList();
    await list.page.keyboard.press('?');
    await list.page.getByRole('dialog', { name: 'Help' }).waitFor();
    expect(list.problems).toEqual([]);
  });

  it('types letters where text is typed', async ({ openList }) => {
    await using list = await openList();
    const { page } = list;
    await page.keyboard.press('/');
    await page.keyboard.type('jkxr?/');
    expect(await page.getByRole('searchbox').inputValue()).toBe('jkxr?/');
    expect(list.problems).toEqual([]);
  });

  it('can do without shortcuts of a single character', async ({ openList }) => {
    await using list = await openList();
    const { page } = list;
    await page.keyboard.press('?');
    await page.getByRole('checkbox', { name: /single character/ }).uncheck();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('j');
    expect(await page.locator('a[data-row]:focus').count()).toBe(0);
    expect(list.problems).toEqual([]);
  });

  it('moves along the marks of a chart with the arrows, which lead to their keys', async ({ visit }) => {
    await using overview = await visit('/', { operator: 'ada' });
    const { page } = overview;
    const mark = page.getByRole('link', { name: /error/ }).first();
    await mark.waitFor();
    await mark.focus();
    await page.keyboard.press('Enter');
    await page.getByText('ord-1001').waitFor();
    expect(page.url()).toMatch(/state=completed.*started=20.*error=yes/);
    expect(overview.problems).toEqual([]);
  });
});
