import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, it } from 'vitest';
import { openChromium } from './support/chromium.ts';
import { type Office, openOffice } from './support/office.ts';
import { visit } from './support/visit.ts';

let browser: Browser;
let office: Office;
beforeAll(async () => {
  browser = await openChromium();
  office = await openOffice({ basePath: '/ops/keys' });
});
afterAll(async () => {
  await browser.close();
  await office[Symbol.asyncDispose]();
});

it('looks', async () => {
  for (let i = 0; i < 30; i++)
    await office.send({
      key: `ord-${1000 + i}`,
      scope: i % 3 ? 'acme' : 'globex',
      via: i % 4 ? 'graphql' : 'trpc',
      fate: i % 9 === 2 ? 'declined' : 'paid',
    });
  await office.send({ key: 'ord-2041', fate: 'timed_out' });
  await office.send({ key: 'ord-2042', fate: 'timed_out', scope: 'globex' });
  await office.abandon({ key: 'ord-3001' });
  await office.hold({ key: 'ord-4001' });
  await office
    .send({
      key: 'evil<img src=x onerror=alert(1)>\u202egpj.exe',
      fate: 'declined',
      note: { '<script>': 1, big: 'x'.repeat(100) },
    })
    .then((r) => console.log(r));
  console.log(await office.send({ key: 'ord-1003', scope: 'globex' }));
  const shots: [string, string][] = [
    ['overview', '/'],
    ['keys', '/keys'],
    ['all', '/keys?all'],
    ['key', `/keys/${await office.idOf('ord-2041')}/-`],
    ['failed', `/keys/${await office.idOf('ord-1002')}/-`],
    ['audit', '/audit'],
    ['bulk', '/bulk'],
  ];
  for (const scheme of ['light', 'dark'] as const)
    for (const width of [1280, 320]) {
      if (scheme === 'dark' && width === 320) continue;
      for (const [name, path] of shots) {
        await using v = await visit(browser, office, path, {
          context: { colorScheme: scheme, viewport: { width, height: 900 } },
        });
        await v.page.locator('h1').first().waitFor();
        await v.page.waitForLoadState('networkidle');
        await v.page.screenshot({
          path: `/tmp/ui-shots/${name}-${scheme}-${width}.png`,
          fullPage: width === 320,
        });
        if (v.problems.length) console.log(name, scheme, width, v.problems);
      }
    }
}, 120_000);
