import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { holdPayments, type Shop, startDistantShop } from '../client/support/shop.ts';
import { openChromium } from './support/chromium.ts';
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
  await page.goto(`${site.url}/?${new URLSearchParams({ graphql: shop.graphqlUrl, trpc: shop.trpcUrl })}`);
}, 120_000);
afterEach(async () => {
  await context.close();
  await shop[Symbol.asyncDispose]();
});

const pay = async (amount = '5') => {
  await page.getByLabel('Amount').fill(amount);
  await page.getByText('Pay', { exact: true }).click();
};
const ask = () => page.getByText('Did it happen?').click();
const says = (text: string) => page.getByText(text, { exact: true }).waitFor();

it('a page that lost the answer and was reloaded asks, and shows the first result without a second payment', async () => {
  shop.network.dropAnswers(1);
  await pay();
  await says('failed');
  await page.reload();
  await says('unsettled');
  await ask();
  await says('it is completed: {"id":1,"amount":5}');
  await says('settled');
  expect(shop.payments).toEqual([5]);
  // The operation is done with: the next payment is another one, and so is one after another reload.
  await page.reload();
  await says('settled');
  await ask();
  await says('nothing to ask');
  await pay();
  await says('paid 2');
  expect(shop.payments).toEqual([5, 5]);
});

it('a page that was reloaded while the payment is under way waits for its result', async () => {
  const { started, release } = holdPayments(shop);
  await pay();
  await started;
  await page.reload();
  await says('unsettled');
  await ask();
  await says('asking');
  release.open();
  await says('it is completed: {"id":1,"amount":5}');
  await says('settled');
  expect(shop.payments).toEqual([5]);
});

it('a question that is lost, too, leaves the page as it was', async () => {
  shop.network.dropAnswers(1);
  await pay();
  await says('failed');
  await page.reload();
  await says('unsettled');
  await page.route('**/keyStatus*', (route) => route.abort(), { times: 1 });
  await ask();
  await says('failed');
  await says('unsettled');
  await ask();
  await says('it is completed: {"id":1,"amount":5}');
  expect(shop.payments).toEqual([5]);
});
