import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { axeViolations } from './support/axe.ts';
import { openChromium } from './support/chromium.ts';
import { type Office, openOffice } from './support/office.ts';
import { openAction } from './support/operate.ts';
import { visit } from './support/visit.ts';

let browser: Browser;
let office: Office;
beforeAll(async () => {
  [browser, office] = await Promise.all([openChromium(), openOffice({ basePath: '/ops/latchkey' })]);
  for (const number of [1, 2, 3]) await office.send({ key: `ord-100${number}` });
  await office.send({ key: 'ord-2001', fate: 'declined' });
  await office.send({ key: 'ord-2002', fate: 'declined', via: 'trpc', scope: 'globex' });
  await office.send({ key: 'ord-3001', fate: 'timed_out' });
  await office.abandon({ key: 'ord-4001' });
  await office.hold({ key: 'ord-5001' });
  await office.send({ key: 'ord-1001' });
});
afterAll(async () => {
  await browser.close();
  await office[Symbol.asyncDispose]();
});

const keyPath = async (key: string) => `/keys/${await office.idOf(key)}/-`;

/** Each page, and what it has to show before it is looked at. */
const PAGES: readonly (readonly [
  name: string,
  path: () => Promise<string> | string,
  shows: string | RegExp,
])[] = [
  ['the overview', () => '/', 'Outcomes'],
  ['what needs attention', () => '/keys', 'ord-3001'],
  ['all keys', () => '/keys?all', 'ord-1001'],
  ['a filter that nothing matches', () => '/keys?scope=nobody', 'Nothing matches'],
  ['a key that succeeded', () => keyPath('ord-1001'), 'ch_1001'],
  ['a key that failed', () => keyPath('ord-2001'), 'CARD_DECLINED'],
  ['a key in doubt', () => keyPath('ord-3001'), /the payment provider did not answer in time/],
  ['a lapsed key', () => keyPath('ord-4001'), 'Lapsed'],
  ['a running key', () => keyPath('ord-5001'), /Running for/],
  ['the bulk jobs', () => '/bulk', 'No bulk job yet'],
  ['the audit', () => '/audit', 'Nobody has acted yet'],
];

const DIALOGS = [
  ['Allow retry', 'ord-2001'],
  ['Mark completed…', 'ord-3001'],
  ['Mark failed…', 'ord-3001'],
  ['Expire now…', 'ord-1001'],
  ['Force release…', 'ord-5001'],
] as const;

async function settled(page: Page, shows: string | RegExp) {
  await page.getByText(shows).first().waitFor();
  await page.waitForLoadState('networkidle');
}

describe.each(['light', 'dark'] as const)('in the %s theme', (colorScheme) => {
  const context = { colorScheme };

  it.each(PAGES)(
    '%s has no fault that axe, the policy, the console or the network shows',
    async (_, path, shows) => {
      await using page = await visit(browser, office, await path(), { operator: 'ada', context });
      await settled(page.page, shows);
      expect(await axeViolations(page.page)).toEqual([]);
      expect(page.problems).toEqual([]);
    },
  );

  it.each(DIALOGS)('the dialog of %s has none', async (action, key) => {
    await using page = await visit(browser, office, await keyPath(key), { operator: 'ada', context });
    const dialog = await openAction(page.page, action);
    await dialog.locator('button[type=submit]').click();
    expect(await axeViolations(page.page)).toEqual([]);
    expect(page.problems).toEqual([]);
  });

  it.each([
    ['Export', 'Export the list'],
    ['Plan a bulk job', 'Plan a bulk job'],
    ['Help and shortcuts (?)', 'Help'],
    ['Commands (⌘K)', 'Commands'],
  ])('the dialog of %s has none', async (button, title) => {
    await using page = await visit(browser, office, '/keys?all', { operator: 'ada', context });
    await settled(page.page, 'ord-1001');
    await page.page.getByRole('button', { name: button, exact: true }).click();
    await page.page.getByRole('dialog', { name: title }).waitFor();
    expect(await axeViolations(page.page)).toEqual([]);
    expect(page.problems).toEqual([]);
  });
});

describe('at 320 px', () => {
  it.each(PAGES)('%s needs no scrolling sideways', async (_, path, shows) => {
    const context = { viewport: { width: 320, height: 640 } };
    await using page = await visit(browser, office, await path(), { operator: 'ada', context });
    await settled(page.page, shows);
    const width = await page.page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(320);
    expect(page.problems).toEqual([]);
  });

  it.each(DIALOGS)('the dialog of %s fits', async (action, key) => {
    const context = { viewport: { width: 320, height: 640 } };
    await using page = await visit(browser, office, await keyPath(key), { operator: 'ada', context });
    const dialog = await openAction(page.page, action);
    const box = await dialog.boundingBox();
    expect(box?.x).toBeGreaterThanOrEqual(0);
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(320);
    await dialog.locator('button[type=submit]').scrollIntoViewIfNeeded();
    expect(page.problems).toEqual([]);
  });
});

describe('an address', () => {
  it.each(['/keys/', '/audit/', '/bulk'])('%s that is pasted opens its page', async (path) => {
    await using page = await visit(browser, office, path);
    await page.page.locator('h1').waitFor();
    expect(page.problems).toEqual([]);
  });

  it('of a record that is gone says so', async () => {
    await using page = await visit(browser, office, '/keys/000000000000000000000000/1');
    await page.page.getByText('There is no such record').waitFor();
  });
});

it('the page that is loaded first is at most 160 KB, compressed', async () => {
  const dist = fileURLToPath(new URL('../../dist/dashboard/', import.meta.url));
  const html = await readFile(join(dist, 'index.html'), 'utf8');
  const files = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, file]) => String(file));
  const sizes = await Promise.all(
    files.map(async (file) => gzipSync(await readFile(join(dist, file))).length),
  );
  expect(files.length).toBeGreaterThan(1);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(160_000);
});
