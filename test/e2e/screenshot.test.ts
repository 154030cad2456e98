import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { createShop } from '../../examples/shop/shop.ts';
import { crash, shopper } from '../../examples/shop/traffic.ts';
import { freshDatabase } from '../support/database.ts';
import { listen } from '../support/listen.ts';
import { openChromium } from './support/chromium.ts';
import { enter, openAction, waitForState } from './support/operate.ts';
import { watch } from './support/visit.ts';

const PICTURE = fileURLToPath(new URL('../../docs/dashboard.png', import.meta.url));

/** What README.md shows, of the example shop. Written with `SCREENSHOT=1 npx vitest run test/e2e/screenshot.test.ts`. */
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
    const picture = await page.screenshot();
    if (process.env.SCREENSHOT) await writeFile(PICTURE, picture);
    expect(picture.length).toBeGreaterThan(20_000);
    expect(problems).toEqual([]);
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
    await dashboard.close();
    await idempotency.close();
  }
});
