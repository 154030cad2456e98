import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { holdPayments, type Shop, startDistantShop } from '../client/support/shop.ts';
import { openChromium } from './support/chromium.ts';
import type { Seen, Way } from './support/client-page.ts';
import { type Site, startClientSite } from './support/client-site.ts';

let browser: Browser;
let site: Site;
let shop: Shop;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  [browser, site] = await Promise.all([openChromium(), startClientSite()]);
}, 180_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  shop = await startDistantShop();
  context = await browser.newContext();
  context.setDefaultTimeout(20_000);
  page = await context.newPage();
  await page.goto(address());
}, 120_000);
afterEach(async () => {
  await context.close();
  await shop[Symbol.asyncDispose]();
});

const address = () => `${site.url}/?${new URLSearchParams({ graphql: shop.graphqlUrl, trpc: shop.trpcUrl })}`;

describe('a page of another origin may send the keys, and sees what is a replay (case 5)', () => {
  const payBy = (way: Way, keys: string[]): Promise<Seen> =>
    page.evaluate(
      ([way, keys]) =>
        (globalThis as unknown as { payBy(way: Way, keys: string[]): Promise<Seen> }).payBy(way, keys),
      [way, keys] as const,
    );

  it.each([
    'fetch',
    'tRPC, one call',
    'Apollo, key in the extensions',
    'Apollo, key in a header',
    'urql, key in the extensions',
    'urql, key in a header',
  ] as const)('by %s: in the header of the answer', async (way) => {
    expect((await payBy(way, ['k'])).headers).toEqual([[null, null]]);
    expect((await payBy(way, ['k'])).headers).toEqual([['true', null]]);
    expect(shop.keys).toEqual(['k', 'k']);
    expect(shop.payments).toEqual([5]);
  });

  it('by a batch of tRPC: in headers, call by call', async () => {
    expect((await payBy('tRPC, a batch', ['a', 'b'])).headers).toEqual([[null, null]]);
    expect((await payBy('tRPC, a batch', ['a', 'c'])).headers).toEqual([[null, '[true,false]']]);
    expect((await payBy('tRPC, a batch', ['a', 'b'])).headers).toEqual([['true', '[true,true]']]);
    expect(shop.payments).toEqual([5, 5, 5]);
  });

  it('by a batch of Apollo: in the extensions of each result', async () => {
    const replayed = { idempotency: { replayed: true } };
    expect((await payBy('Apollo, a batch', ['a', 'b'])).extensions).toEqual([{}, {}]);
    expect((await payBy('Apollo, a batch', ['a', 'c'])).extensions).toEqual([replayed, {}]);
    expect(shop.network.sent).toHaveLength(2);
    expect(shop.payments).toEqual([5, 5, 5]);
  });

  it('by a streamed batch of tRPC its keys are sent, and it runs once', async () => {
    await payBy('tRPC, a streamed batch', ['a', 'b']);
    await payBy('tRPC, a streamed batch', ['a', 'b']);
    expect(shop.network.sent).toHaveLength(2);
    expect(shop.payments).toEqual([5, 5]);
  });

  it('and by nothing that is not on the lists', async () => {
    const sent = page.evaluate(
      (url) => fetch(url, { method: 'POST', headers: { 'x-other': '1' } }).then(() => 'sent', String),
      shop.graphqlUrl,
    );
    expect(await sent).toContain('Failed to fetch');
    expect(shop.network.sent).toEqual([]);
  });
});

describe('a checkout in its tab (case 13)', () => {
  const pay = async (tab: Page, amount = '5') => {
    await tab.getByLabel('Amount').fill(amount);
    await tab.getByText('Pay', { exact: true }).click();
  };
  const says = (tab: Page, text: string) => tab.getByText(text, { exact: true }).waitFor();

  it('a double click is one payment', async () => {
    await page.getByText('Pay', { exact: true }).dblclick();
    await says(page, 'paid 1');
    await says(page, 'settled');
    expect(new Set(shop.keys).size).toBe(1);
    expect(shop.payments).toEqual([5]);
  });

  it('a second, deliberate submission of the same values is a second payment', async () => {
    await pay(page);
    await says(page, 'paid 1');
    await pay(page);
    await says(page, 'paid 2');
    expect(shop.payments).toEqual([5, 5]);
  });

  it('a reload after a lost answer goes on with the key', async () => {
    shop.network.dropAnswers(1);
    await pay(page);
    await says(page, 'failed');
    await page.reload();
    await says(page, 'unsettled');
    await pay(page);
    await says(page, 'paid 1');
    expect(shop.keys).toHaveLength(2);
    expect(shop.payments).toEqual([5]);
  });

  it('a reload while the payment is under way goes on with the key', async () => {
    const { started, release } = holdPayments(shop);
    await pay(page);
    await started;
    await page.reload();
    await says(page, 'unsettled');
    release.open();
    await pay(page);
    await says(page, 'paid 1');
    expect(shop.payments).toEqual([5]);
  });

  it('an edit after a lost answer is asked about, also after a reload; who agrees makes a second payment', async () => {
    shop.network.dropAnswers(1);
    await pay(page);
    await says(page, 'failed');
    await pay(page, '6');
    await says(page, 'asked');
    await page.reload();
    await says(page, 'unsettled');
    await pay(page, '6');
    await says(page, 'asked');
    expect(shop.payments).toEqual([5]);
    await page.getByText('Start over').click();
    await says(page, 'settled');
    await pay(page, '6');
    await says(page, 'paid 2');
    expect(shop.payments).toEqual([5, 6]);
  });

  it('a correction after a refusal has a new key, and nobody is asked', async () => {
    await pay(page, '13');
    await says(page, 'failed');
    await pay(page, '6');
    await says(page, 'paid 1');
    expect(new Set(shop.keys).size).toBe(2);
  });

  it('a tab that was opened from this one has a copy of its storage, and a key of its own', async () => {
    shop.network.dropAnswers(1);
    await pay(page);
    await says(page, 'failed');
    const [copy] = await Promise.all([
      context.waitForEvent('page'),
      page.evaluate(
        (url) => void (globalThis as unknown as { open(url: string): void }).open(url),
        address(),
      ),
    ]);
    await says(copy, 'settled');
    await pay(copy);
    await says(copy, 'paid 2');
    await pay(page);
    await says(page, 'paid 1');
    expect(shop.payments).toEqual([5, 5]);
    expect(shop.keys[0]).toBe(shop.keys[2]);
    expect(shop.keys[1]).not.toBe(shop.keys[0]);
  });

  it('a page that is left and returned to goes on with the key', async () => {
    shop.network.dropAnswers(1);
    await pay(page);
    await says(page, 'failed');
    await page.goto(
      `${site.url}/other?${new URLSearchParams({ graphql: shop.graphqlUrl, trpc: shop.trpcUrl })}`,
    );
    await page.goBack();
    await says(page, 'unsettled');
    await pay(page);
    await says(page, 'paid 1');
    expect(shop.payments).toEqual([5]);
  });
});
