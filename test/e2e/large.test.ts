import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { it } from './support/it.ts';
import { COLLECTION, type Office } from './support/office.ts';
import { waitForState } from './support/operate.ts';

const MEGABYTE = 'x'.repeat(1_000_000);
const ITEMS = Array.from({ length: 5_000 }, (_, index) => ({ sku: `sku-${index}`, price: index }));

it.override('officeOptions', { policy: { maxResultBytes: 4_000_000 } });
it.beforeAll(async ({ office }) => {
  await office.send({ key: 'one megabyte', note: MEGABYTE });
  await office.send({ key: 'many items', note: ITEMS });
  await copies(office, 'one megabyte', 200);
});

/** Records like one that a run made, so that the list is long and every body is large. */
async function copies(office: Office, key: string, count: number) {
  const records = office.db.collection(COLLECTION);
  const found = await records.findOne({ key });
  for (let number = 0; number < count; number += 1) {
    const { _id, ...record } = found ?? {};
    await records.insertOne({ ...record, key: `copy ${number}` });
  }
}

/** How long the page's answers were, in bytes, by procedure. */
function watchAnswers(page: Page): Map<string, number> {
  const sizes = new Map<string, number>();
  page.on('response', async (response) => {
    const procedure = /\/api\/trpc\/([\w.]+)/.exec(response.url())?.[1];
    if (procedure) sizes.set(procedure, (await response.body().catch(() => Buffer.alloc(0))).length);
  });
  return sizes;
}

describe('a list of keys with large bodies (case 20)', () => {
  it('reads no bodies, and pages through all of it', async ({ visit }) => {
    await using list = await visit('/audit');
    const { page } = list;
    const sizes = watchAnswers(page);
    await page.getByRole('link', { name: 'Keys', exact: true }).click();
    await page.getByRole('link', { name: 'All', exact: true }).click();
    const rows = page.locator('a[data-row]');
    const seen: string[] = [];
    for (;;) {
      await page.getByRole('navigation', { name: 'More keys' }).waitFor();
      seen.push(...(await rows.allTextContents()));
      const older = page.getByRole('link', { name: 'Older' });
      if ((await older.count()) === 0) break;
      const first = await rows.first().textContent();
      await older.click();
      await page
        .locator('a[data-row]')
        .filter({ hasNotText: String(first) })
        .first()
        .waitFor();
      await rows
        .first()
        .filter({ hasNotText: String(first) })
        .waitFor();
    }
    expect(seen.length).toBe(202);
    expect(new Set(seen).size).toBe(202);
    expect(sizes.get('keys.list')).toBeLessThan(100_000);
    expect(list.problems).toEqual([]);
  });
});

describe('a body (case 20)', () => {
  it('of a megabyte is cut, says its size, and comes whole when it is asked for', async ({ visitKey }) => {
    await using key = await visitKey('one megabyte');
    const { page } = key;
    await waitForState(page, 'Completed');
    await page.getByText(/graphql\/1 · 1\.0 MB/).waitFor();
    const button = page.getByRole('button', { name: 'Load all of it (1.0 MB)' });
    await button.waitFor();
    expect((await page.locator('main').textContent())?.length).toBeLessThan(20_000);
    await button.click();
    await page.getByText(/Show more of 1,000,000 characters/).waitFor();
    expect((await page.locator('main').textContent())?.length).toBeLessThan(20_000);
    expect(key.problems).toEqual([]);
  });

  it('of five thousand items shows some of them at once, and the rest on demand', async ({ visitKey }) => {
    await using key = await visitKey('many items');
    const { page } = key;
    await page.getByRole('button', { name: /Load all of it/ }).click();
    await page.getByRole('button', { name: /note.*5,000 items/ }).click();
    await page.getByText('Show more: 4,900 are left').waitFor();
    expect(await page.locator('[role=tabpanel] *').count()).toBeLessThan(3_000);
    await page.getByRole('button', { name: /Show more: 4,900/ }).click();
    await page.getByText('Show more: 4,400 are left').waitFor();
    expect(key.problems).toEqual([]);
  });
});
