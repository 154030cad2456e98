import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Db } from 'mongodb';
import type { Browser } from 'playwright-core';
import { expect, it } from 'vitest';
import { seedKeys, seedStats } from '../../bench/seed-keys.ts';
import { createShop } from '../../examples/shop/shop.ts';
import { crash, shopper } from '../../examples/shop/traffic.ts';
import { freshDatabase } from '../support/database.ts';
import { listen } from '../support/listen.ts';
import { openChromium } from './support/chromium.ts';
import { enter, openAction, waitForState } from './support/operate.ts';
import { watch } from './support/visit.ts';

const PICTURES = new URL('../../docs/pictures/', import.meta.url);
const PICTURE = fileURLToPath(new URL('../../docs/dashboard.png', import.meta.url));

/** What docs/dashboard.md shows, by the name of the picture's file. */
const PAGES: readonly (readonly [name: string, path: (key: string) => string, shows: string])[] = [
  ['overview', () => '/', 'Outcomes'],
  ['keys', () => '/keys', 'In doubt'],
  ['key', (id) => `/keys/${id}/-`, 'by the default policy'],
];

/** What README.md and docs/dashboard.md show, of the example shop. `npm run docs:pictures` writes it. */
it('what a killed server of the example shop left behind is understood and settled on one screen', async () => {
  await using database = await freshDatabase();
  const { db, uri } = database;
  const { server, idempotency, dashboard } = createShop(db);
  const browser = await openChromium();
  try {
    const { url: base } = await listen(server);
    await idempotency.ready();
    for (let customer = 0; customer < 12; customer++) await shopper(base, Math.random);
    await crash({ uri, database: db.databaseName });
    const left = await db.collection('idempotency_keys').findOne({ state: 'running' });

    const context = await browser.newContext({
      viewport: { width: 1360, height: 850 },
      deviceScaleFactor: 1.5,
    });
    const page = await context.newPage();
    const problems = await watch(page);
    await page.goto(`${base}/dashboard/keys/${left?._id}/-`);
    await waitForState(page, 'Lapsed');
    const reason = 'Its server was killed before the provider was called';
    await enter(await openAction(page, 'Allow retry'), { reason, tick: true });
    await waitForState(page, 'Released');
    await enter(await openAction(page, 'Re-run now…'), { reason, confirm: 'rerun' });
    await waitForState(page, 'Completed');
    await page.getByRole('button', { name: 'Close the message' }).click();
    await page.getByText('It would get the stored response.').waitFor();
    const picture = await page.screenshot();
    if (process.env.SCREENSHOT) {
      await writeFile(PICTURE, picture);
      await crash({ uri, database: db.databaseName });
      await writePages(browser, db, `${base}/dashboard`);
    }
    expect(picture.length).toBeGreaterThan(20_000);
    expect(problems).toEqual([]);
  } finally {
    server.closeAllConnections();
    server.close();
    await dashboard.close();
    await idempotency.close();
  }
});

/** Writes a picture of each page in both themes, and of the narrow page of a key. */
async function writePages(browser: Browser, db: Db, dashboard: string): Promise<void> {
  const keys = db.collection('idempotency_keys');
  await seedKeys(keys, 2_000);
  await seedStats(db.collection('idempotency_keys_stats'), 60_000);
  const lost = await keys.findOne({ state: 'running', request: { $exists: true } });
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [name, path, shows] of PAGES) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme });
      const page = await context.newPage();
      await page.goto(`${dashboard}${path(String(lost?._id))}`);
      await page.getByText(shows).first().waitFor();
      await page.waitForLoadState('networkidle');
      await writeFile(new URL(`${name}-${colorScheme}.png`, PICTURES), await page.screenshot());
      await context.close();
    }
  }
}
