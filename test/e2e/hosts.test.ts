import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { createDashboard } from '../../server/admin/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { HOSTS } from '../admin/hosts/hosts.ts';
import { failed, recordOf } from '../admin/support.ts';
import { freshDatabase } from '../support/database.ts';
import { openChromium } from './support/chromium.ts';
import { enter, openAction, waitForState } from './support/operate.ts';
import { watch } from './support/visit.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await openChromium();
});

describe.each(Object.entries(HOSTS))('in %s', (_, start) => {
  it.each(['/', '/admin/keys'])(
    'mounted at %s, the page opens at a deep link, leads to a key and acts on it',
    async (basePath) => {
      await using database = await freshDatabase();
      const idempotency = createIdempotency({ store: createMongoStore({ db: database.db }) });
      await idempotency.ready();
      await database.db.collection('idempotency_keys').insertOne(recordOf(failed({ key: 'ord-1' })));
      const dashboard = createDashboard({
        idempotency,
        basePath,
        authorize: () => ({ id: 'ada@shop.example', role: 'admin' }),
      });
      const host = await start(dashboard, basePath);
      const page = await browser.newPage();
      const problems = await watch(page);

      await page.goto(`${host.origin}${basePath.replace(/\/$/, '')}/keys?state=completed&error=yes`);
      await page.getByRole('link', { name: 'ord-1', exact: true }).click();
      await waitForState(page, 'Error');
      await page.reload();
      await enter(await openAction(page, 'Allow retry'), { tick: true });
      await waitForState(page, 'Released');
      expect(problems).toEqual([]);

      await page.close();
      await host.close();
      await dashboard.close();
      await idempotency.close({ timeoutMs: 0 });
    },
  );
});
