import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { holdPayments, type Shop, startDistantShop } from '../client/support/shop.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { gate } from '../support/gate.ts';
import { until } from '../support/until.ts';
import { openChromium } from './support/chromium.ts';
import { type Site, startClientSite } from './support/client-site.ts';

let browser: Browser;
let site: Site;
let database: FreshDatabase;
let shop: Shop;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  [browser, site, database] = await Promise.all([
    openChromium(),
    startClientSite('offline-page.ts'),
    freshDatabase(),
  ]);
}, 180_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});
beforeEach(async ({ task }) => {
  const store = createMongoStore({ db: database.db, collection: `keys_${task.id.replace(/\W/g, '_')}` });
  shop = await startDistantShop([], store);
  context = await browser.newContext();
  context.setDefaultTimeout(20_000);
  page = await open();
}, 120_000);
afterEach(async () => {
  await context.close();
  await shop[Symbol.asyncDispose]();
});

async function open(): Promise<Page> {
  const tab = await context.newPage();
  const urls = { graphql: shop.graphqlUrl, trpc: shop.trpcUrl, invoice: 'inv-1' };
  await tab.goto(`${site.url}/?${new URLSearchParams(urls)}`);
  return tab;
}

const says = (tab: Page, text: string) => tab.getByText(text, { exact: true }).waitFor();
const oneKeyIn = (attempts: number) => {
  expect(shop.keys).toEqual(Array(attempts).fill(expect.stringMatching(/./)));
  expect(new Set(shop.keys).size).toBe(1);
};

describe('an invoice is paid by React Query once', () => {
  const pay = (tab: Page) => tab.getByText('Pay', { exact: true }).click();

  /** The answer is lost while the network goes: the retry is paused, and kept in the storage of all tabs. */
  async function leavePaused() {
    const { started, release } = holdPayments(shop);
    shop.network.dropAnswers(1);
    await pay(page);
    await started;
    await context.setOffline(true);
    release.open();
    await says(page, 'paused');
    await page.close();
    await context.setOffline(false);
    shop.whilePaying = () => {};
  }

  it('when a retry that was paused without network is resumed by the page that is opened next', async () => {
    await leavePaused();
    await says(await open(), 'success');
    oneKeyIn(2);
    expect(shop.payments).toEqual([5]);
  });

  it('when two tabs resume it', async () => {
    await leavePaused();
    const both = gate();
    await context.route(`${shop.trpcUrl}/**`, async (route) => {
      if (route.request().method() === 'POST') await both; // both pages have read the storage before either is answered
      await route.continue();
    });
    const tabs = [await open(), await open()];
    await Promise.all(tabs.map((tab) => says(tab, 'pending')));
    both.open();
    await Promise.all(tabs.map((tab) => says(tab, 'success')));
    oneKeyIn(3);
    expect(shop.payments).toEqual([5]);
  });

  it('when the user reloads the page that pays, clicks again, and once more in a second tab', async () => {
    const { started, release } = holdPayments(shop);
    await pay(page);
    await started;
    await page.reload();
    release.open();
    await says(page, 'none');
    await pay(page);
    await says(page, 'success');
    const second = await open();
    await pay(second);
    await says(second, 'success');
    oneKeyIn(3);
    expect(shop.payments).toEqual([5]);
  });
});

describe("a payment in the queue of urql's offlineExchange is made once", () => {
  const paid = { data: { pay: { id: 1 } } };
  const answersOf = async (tab: Page) => {
    const answers = await tab.waitForFunction(() => {
      const { urqlAnswers } = globalThis as unknown as { urqlAnswers: unknown[] };
      return urqlAnswers.length > 0 && urqlAnswers;
    });
    return answers.jsonValue();
  };
  /** What a page that is opened would find. */
  const queue = (tab: Page) =>
    tab.evaluate(
      () =>
        new Promise<unknown[]>((resolve, reject) => {
          const opening = indexedDB.open('graphcache-v4');
          // It is urql that makes it: an empty one of ours would be in its way.
          opening.onupgradeneeded = () => opening.transaction?.abort();
          opening.onerror = () => reject(opening.error);
          opening.onsuccess = () => {
            const request = opening.result.transaction('metadata').objectStore('metadata').getAll();
            request.onsuccess = () => resolve(request.result.flat());
          };
        }),
    );
  /** To Graphcache, an answer that is lost is as good as no network. */
  const leaveQueued = async () => {
    shop.network.dropAnswers(1);
    await page.getByText('Pay by urql').click();
    await until(async () => expect(await queue(page)).toHaveLength(1));
  };

  it('when the page that is opened next sends it', async () => {
    await leaveQueued();
    await page.close();
    expect(await answersOf(await open())).toMatchObject([paid]);
    oneKeyIn(2);
    expect(shop.payments).toEqual([5]);
  });

  it('when a second tab sends it, and the first one when its network is back', async () => {
    await leaveQueued();
    expect(await answersOf(await open())).toMatchObject([paid]);
    await context.setOffline(true);
    await context.setOffline(false);
    expect(await answersOf(page)).toMatchObject([paid]);
    oneKeyIn(3);
    expect(shop.payments).toEqual([5]);
  });
});
