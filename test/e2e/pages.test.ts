import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { axeViolations } from './support/axe.ts';
import { openChromium } from './support/chromium.ts';
import { type Office, openOffice } from './support/office.ts';
import { openAction } from './support/operate.ts';
import { type Visit, visit } from './support/visit.ts';

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

/**
 * What axe finds in either theme, what the policy, the console or the network had to say, and whether it is wider than a
 * window of 320 px. One visit for all: a page follows its browser's theme and width.
 */
async function faultsOf({ page, problems }: Visit): Promise<string[]> {
  const faults: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const violation of await axeViolations(page)) faults.push(`${colorScheme}: ${violation}`);
  }
  await page.setViewportSize(NARROW);
  // A chart is drawn anew for its width.
  const fits = () => document.documentElement.scrollWidth <= innerWidth;
  await page
    .waitForFunction(fits, null, { timeout: 5_000 })
    .catch(() => faults.push('it is wider than 320 px'));
  return [...faults, ...problems];
}

const NARROW = { width: 320, height: 640 };

async function expectToFit(dialog: Locator): Promise<void> {
  const { x, width } = (await dialog.boundingBox()) ?? { x: -1, width: 0 };
  expect(x).toBeGreaterThanOrEqual(0);
  expect(x + width).toBeLessThanOrEqual(NARROW.width);
}

describe('light, dark and at 320 px', () => {
  it.each(PAGES)('%s has no fault', async (_, path, shows) => {
    await using opened = await visit(browser, office, await path(), { operator: 'ada' });
    await opened.page.getByText(shows).first().waitFor();
    await opened.page.waitForLoadState('networkidle');
    expect(await faultsOf(opened)).toEqual([]);
  });

  it.each(DIALOGS)('the dialog of %s has none, and fits', async (action, key) => {
    await using opened = await visit(browser, office, await keyPath(key), { operator: 'ada' });
    const dialog = await openAction(opened.page, action);
    await dialog.locator('button[type=submit]').click();
    expect(await faultsOf(opened)).toEqual([]);
    await expectToFit(dialog);
    await dialog.locator('button[type=submit]').scrollIntoViewIfNeeded();
  });

  it.each([
    ['Export', 'Export the list'],
    ['Plan a bulk job', 'Plan a bulk job'],
    ['Help and shortcuts (?)', 'Help'],
    ['Commands (⌘K)', 'Commands'],
  ])('the dialog of %s has none, and fits', async (button, title) => {
    await using opened = await visit(browser, office, '/keys?all', { operator: 'ada' });
    await opened.page.getByText('ord-1001').first().waitFor();
    await opened.page.getByRole('button', { name: button, exact: true }).click();
    const dialog = opened.page.getByRole('dialog', { name: title });
    await dialog.waitFor();
    expect(await faultsOf(opened)).toEqual([]);
    await expectToFit(dialog);
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

it('a page whose code can not be loaded says so, with a way to reload it', async () => {
  await using opened = await visit(browser, office, '/');
  const { page } = opened;
  await page.getByText('Outcomes').waitFor();
  const code = '**/assets/audit-page-*.js';
  await page.route(code, (route) => route.abort());
  await page.getByRole('link', { name: 'Audit', exact: true }).click();
  await page.getByText('This page failed').waitFor();
  await page.unroute(code);
  await page.getByRole('button', { name: 'Reload' }).click();
  await page.getByText('Nobody has acted yet').waitFor();
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
