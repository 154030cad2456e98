import type { Locator } from 'playwright-core';
import { describe, expect } from 'vitest';
import { StaticFiles } from '../../server/admin/page/static-files.ts';
import { axeViolations, forcedColourFaults } from './support/axe.ts';
import { it } from './support/it.ts';
import { COLLECTION } from './support/office.ts';
import { openAction } from './support/operate.ts';
import type { Visit } from './support/visit.ts';

it.override('officeOptions', { basePath: '/ops/latchkey' });

it.beforeAll(async ({ office }) => {
  for (const number of [1, 2, 3]) await office.send({ key: `ord-100${number}` });
  await office.send({ key: 'ord-2001', fate: 'declined' });
  await office.send({ key: 'ord-2002', fate: 'declined', via: 'trpc', scope: 'globex' });
  await office.send({ key: 'ord-3001', fate: 'timed_out' });
  await office.abandon({ key: 'ord-4001' });
  await office.hold({ key: 'ord-5001' });
  await office.send({ key: 'ord-1001' });
  for (const number of [1, 2]) await office.send({ key: `again-${number}`, scope: 'initech' });
});

/** Each page, and what it has to show before it is looked at. */
const PAGES: readonly (readonly [name: string, at: string | { key: string }, shows: string | RegExp])[] = [
  ['the overview', '/', 'Outcomes'],
  ['what needs attention', '/keys', 'ord-3001'],
  ['all keys', '/keys?all', 'ord-1001'],
  ['a filter that nothing matches', '/keys?scope=nobody', 'Nothing matches'],
  ['a key that succeeded', { key: 'ord-1001' }, 'ch_1001'],
  ['a key that failed', { key: 'ord-2001' }, 'CARD_DECLINED'],
  ['a key in doubt', { key: 'ord-3001' }, /the payment provider did not answer in time/],
  ['a lapsed key', { key: 'ord-4001' }, 'Lapsed'],
  ['a running key', { key: 'ord-5001' }, /Running for/],
  ['the bulk jobs', '/bulk', 'No bulk job yet'],
  ['the suspected duplicates', '/duplicates', /under 3 keys/],
  ['an operation', '/operation?name=chargeCard', 'Need attention'],
  ['the audit', '/audit', 'Nobody has acted yet'],
];

const DIALOGS = [
  ['Allow retry', 'ord-2001'],
  ['Mark completed…', 'ord-3001'],
  ['Mark failed…', 'ord-3001'],
  ['Expire now…', 'ord-1001'],
  ['Force release…', 'ord-5001'],
] as const;

/**
 * What axe finds in either theme, in its own and in forced colours, what the policy, the console or the network had to say, and whether it is wider than a
 * window of 320 px. One visit for all: a page follows its browser's theme and width.
 */
async function faultsOf({ page, problems }: Visit): Promise<string[]> {
  const faults: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const violation of await axeViolations(page)) faults.push(`${colorScheme}: ${violation}`);
  }
  faults.push(...(await forcedColourFaults(page)));
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
  it.for(PAGES)('%s has no fault', async ([, at, shows], { visit, visitKey }) => {
    const ada = { operator: 'ada' } as const;
    await using opened = await (typeof at === 'string' ? visit(at, ada) : visitKey(at.key, ada));
    await opened.page.getByText(shows).first().waitFor();
    await opened.page.waitForLoadState('networkidle');
    expect(await faultsOf(opened)).toEqual([]);
  });

  it.for(DIALOGS)('the dialog of %s has none, and fits', async ([action, key], { visitKey }) => {
    await using opened = await visitKey(key, { operator: 'ada' });
    const dialog = await openAction(opened.page, action);
    await dialog.locator('button[type=submit]').click();
    expect(await faultsOf(opened)).toEqual([]);
    await expectToFit(dialog);
    await dialog.locator('button[type=submit]').scrollIntoViewIfNeeded();
  });

  it.for([
    ['Export', 'Export the list'],
    ['Plan a bulk job', 'Plan a bulk job'],
    ['Help and shortcuts (?)', 'Help'],
    ['Commands (⌘K)', 'Commands'],
  ] as const)('the dialog of %s has none, and fits', async ([button, title], { visit }) => {
    await using opened = await visit('/keys?all', { operator: 'ada' });
    await opened.page.getByText('ord-1001').first().waitFor();
    await opened.page.getByRole('button', { name: button, exact: true }).click();
    const dialog = opened.page.getByRole('dialog', { name: title });
    await dialog.waitFor();
    expect(await faultsOf(opened)).toEqual([]);
    await expectToFit(dialog);
  });
});

describe('an address', () => {
  it.for(['/keys/', '/audit/', '/bulk', '/duplicates', '/operation?name=chargeCard'])(
    '%s that is pasted opens its page',
    async (path, { visit }) => {
      await using page = await visit(path);
      await page.page.locator('h1').waitFor();
      expect(page.problems).toEqual([]);
    },
  );

  it('of a record that is gone says so', async ({ visit }) => {
    await using page = await visit('/keys/000000000000000000000000/1');
    await page.page.getByText('There is no such record').waitFor();
  });
});

it('the suspected duplicates are on the overview, and lead to their keys, their operation and their scope', async ({
  office,
  visit,
}) => {
  await office.db.collection(COLLECTION).deleteOne({ key: 'again-1' });
  await using opened = await visit('/');
  const { page } = opened;
  await page.getByRole('link', { name: /Suspected duplicates/ }).click();
  const group = page.getByRole('region', { name: 'chargeCard in initech' });
  await group.getByRole('heading', { name: /under 2 keys/ }).waitFor();
  const calls = group.getByRole('listitem');
  await calls.filter({ hasText: 'again-1' }).getByText('Gone', { exact: true }).waitFor();
  expect(await calls.filter({ hasText: 'again-1' }).getByRole('link').count()).toBe(0);
  const hrefs = await group
    .getByRole('link')
    .evaluateAll((links) => links.map((link) => link.getAttribute('href')));
  const mount = new URL(office.at('')).pathname;
  expect(hrefs).toEqual([
    `${mount}/operation?name=chargeCard`,
    `${mount}/keys?scope=initech`,
    expect.stringMatching(/\/keys\/[0-9a-f]{24}\/\d+$/),
  ]);
  await group.getByRole('link', { name: 'again-2' }).click();
  await page.getByRole('heading', { name: 'again-2', level: 1 }).waitFor();
  await using limited = await visit('/duplicates', { operator: 'scott' });
  await limited.page.getByRole('region', { name: 'chargeCard in acme' }).waitFor();
  expect(await limited.page.getByRole('region', { name: 'chargeCard in initech' }).count()).toBe(0);
  expect([...opened.problems, ...limited.problems]).toEqual([]);
});

it('the first list is there after at most 12 requests and 190 KB on the wire: nothing else is asked for before it', async ({
  opened: { browser, office },
}) => {
  await using context = await browser.newContext();
  await context.addCookies([{ name: 'session', value: 'olga', url: office.at('/') }]);
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  const asked: string[] = [];
  let bytes = 0;
  const listed = new Promise<void>((resolve) => {
    let list: string;
    session.on('Network.requestWillBeSent', ({ request, requestId }) => {
      asked.push(new URL(request.url).pathname);
      if (request.url.includes('/keys.list')) list = requestId;
    });
    session.on('Network.loadingFinished', ({ encodedDataLength, requestId }) => {
      bytes += encodedDataLength;
      if (requestId === list) resolve();
    });
  });
  await session.send('Network.enable');
  await page.goto(office.at('/keys'), { waitUntil: 'commit' });
  await listed;
  expect(asked.filter((path) => /dialog|palette|export/.test(path))).toEqual([]);
  expect(asked.length).toBeLessThanOrEqual(12);
  expect(bytes).toBeLessThanOrEqual(190_000);
  await page.getByText('ord-3001').waitFor();
});

it('a page whose code can not be loaded says so, with a way to reload it', async ({ visit }) => {
  await using opened = await visit('/');
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

it.each(['br', 'gzip'])(
  'the page that is loaded first takes at most 160 KB on the wire (%s)',
  async (coding) => {
    const files = new StaticFiles();
    const html = await (await files.page('/')).text();
    const paths = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, path]) => String(path));
    const request = { headers: new Headers({ 'accept-encoding': coding }) };
    const sizes = await Promise.all(
      paths.map(async (path) =>
        (await files.answer(path, request))?.arrayBuffer().then((body) => body.byteLength),
      ),
    );
    expect(sizes.length).toBeGreaterThan(1);
    expect(sizes.reduce<number>((sum, size) => sum + (size ?? Number.NaN), html.length)).toBeLessThanOrEqual(
      160_000,
    );
  },
);
