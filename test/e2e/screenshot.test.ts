import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openChromium } from './support/chromium.ts';
import { type Office, openOffice } from './support/office.ts';
import { enter, openAction, waitForState } from './support/operate.ts';
import { visit } from './support/visit.ts';

const PICTURE = fileURLToPath(new URL('../../docs/dashboard.png', import.meta.url));

let browser: Browser;
let office: Office;
beforeAll(async () => {
  [browser, office] = await Promise.all([openChromium(), openOffice()]);
});
afterAll(async () => {
  await browser.close();
  await office[Symbol.asyncDispose]();
});

/** What README.md shows. Written with `SCREENSHOT=1 npx vitest run test/e2e/screenshot.test.ts`. */
it('a key that was in doubt, with its attempts and what an operator did, fits on one screen', async () => {
  const sent = { key: 'order-2041-capture', scope: 'acme', fate: 'timed_out' } as const;
  await office.send({ ...sent, note: { order: 2041, capture: 'full' } });
  const path = `/keys/${await office.idOf(sent.key)}/-`;
  const context = { viewport: { width: 1360, height: 850 }, deviceScaleFactor: 1.5 };
  await using key = await visit(browser, office, path, { context });
  const { page } = key;
  await waitForState(page, 'In doubt');
  await enter(await openAction(page, 'Allow retry'), {
    reason: 'INC-4211: the provider has no such payment',
    tick: true,
  });
  await waitForState(page, 'Released');
  await office.send({ ...sent, note: { order: 2041, capture: 'full' } });
  await page.keyboard.press('r');
  await waitForState(page, 'In doubt');
  await enter(await openAction(page, 'Mark completed…'), {
    reason: 'INC-4211: found as ch_88412 in the provider’s ledger',
    response: '{ "chargeCard": { "id": "ch_88412", "customer": "cus_7", "amount": 1999, "note": null } }',
  });
  await waitForState(page, 'Completed');
  await page.getByText('ch_88412').first().waitFor();
  await page.getByRole('button', { name: 'Close the message' }).click();
  const picture = await page.screenshot();
  if (process.env.SCREENSHOT) await writeFile(PICTURE, picture);
  expect(picture.length).toBeGreaterThan(20_000);
  expect(key.problems).toEqual([]);
});
