import { createServer } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { createIdempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { startCliDashboard } from '../support/cli-dashboard.ts';
import { freshDatabase } from '../support/database.ts';
import { listen } from '../support/listen.ts';
import { openChromium } from './support/chromium.ts';

let browser: Browser;
let database: string;
beforeAll(async () => {
  const fresh = await freshDatabase();
  const idempotency = createIdempotency({ store: createMongoStore({ db: fresh.db }) });
  [browser] = await Promise.all([openChromium(), idempotency.ready()]);
  database = fresh.name;
  return async () => {
    await idempotency.close();
    await fresh[Symbol.asyncDispose]();
  };
});

/** A page of another site that has the link: an e-mail in the browser, or a terminal there. */
async function startOtherSite(link: string) {
  const server = createServer((_, response) =>
    response.setHeader('content-type', 'text/html').end(`<a href="${link}">the dashboard</a>`),
  );
  return listen(server, 'localhost');
}

/** What the API answers to the page that is open. */
const statusOfApi = (page: Page) =>
  page.evaluate(async () => (await fetch('/api/trpc/me', { headers: { 'x-latchkey': '1' } })).status);

it('the printed link, opened from another site, opens the dashboard', async () => {
  await using cli = await startCliDashboard(database);
  await using other = await startOtherSite(cli.link);
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(other.url);
  const opened = page.waitForResponse(`${cli.origin}/`);
  await page.getByRole('link').click();
  expect((await (await opened).request().allHeaders()).cookie).toMatch(/^latchkey_\d+=/);
  await page.waitForURL(`${cli.origin}/`);
  expect(await statusOfApi(page)).toBe(200);
  // And from a tab of its own, whatever leads there.
  await page.goto(`${cli.origin}/keys`);
  expect(await statusOfApi(page)).toBe(200);
  await context.close();
});

it('the name localhost leads to the dashboard that listens there, and to its session', async () => {
  await using cli = await startCliDashboard(database);
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(cli.link.replace('127.0.0.1', 'localhost'));
  await page.waitForURL(`${cli.origin}/`);
  expect(await statusOfApi(page)).toBe(200);
  await page.goto(`${cli.origin.replace('127.0.0.1', 'localhost')}/audit`);
  expect(page.url()).toBe(`${cli.origin}/audit`);
  expect(await statusOfApi(page)).toBe(200);
  await context.close();
});
