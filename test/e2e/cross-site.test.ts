import { createServer } from 'node:http';
import { describe, expect } from 'vitest';
import { listen } from '../support/listen.ts';
import { it } from './support/it.ts';

/** A page that the operator has open beside, of another port: browsers send it the session's cookie for our requests. */
async function startOther(html: string) {
  return listen(createServer((_, response) => response.setHeader('content-type', 'text/html').end(html)));
}

const COMMAND = JSON.stringify({
  filter: {},
  action: 'expire',
  reason: 'from elsewhere',
  commandKey: 'elsewhere',
});

describe('a page of another origin', () => {
  it.for([
    ['a form', 'text/plain'],
    ['a form', 'application/x-www-form-urlencoded'],
    ['a form', 'multipart/form-data'],
  ] as const)('can not act by %s of %s', async ([, enctype], { office, visit }) => {
    const action = office.at('/api/trpc/bulk.plan');
    const name = COMMAND.replaceAll('"', '&quot;');
    await using other = await startOther(
      `<form method="post" enctype="${enctype}" action="${action}"><input name="${name}" value=""><button>Win</button></form>`,
    );
    await using opened = await visit('/');
    const { page } = opened;
    await page.goto(other.url);
    const answer = page.waitForResponse(action);
    await page.getByRole('button').click();
    const response = await answer;
    expect((await response.request().allHeaders()).cookie).toContain('session=');
    expect(response.status()).toBe(403);
    expect(await office.db.collection('idempotency_keys_jobs').countDocuments()).toBe(0);
  });

  it.for(['cors', 'no-cors'] as const)(
    'can neither act nor look by a script (%s)',
    async (mode, { office, visit }) => {
      await using other = await startOther('<h1>elsewhere</h1>');
      await using opened = await visit('/');
      const { page } = opened;
      await page.goto(other.url);
      const read = await page.evaluate(
        async ([urls, mode, body]) => {
          const texts = await Promise.all(
            urls.map((url, index) =>
              fetch(url, { mode, credentials: 'include', ...(index > 0 && { method: 'POST', body }) })
                .then((response) => response.text())
                .catch(() => ''),
            ),
          );
          return texts.join('');
        },
        [['/api/trpc/me', '/api/trpc/bulk.plan'].map((path) => office.at(path)), mode, COMMAND] as const,
      );
      expect(read).toBe('');
      expect(await office.db.collection('idempotency_keys_jobs').countDocuments()).toBe(0);
    },
  );

  it('can not put the dashboard into a frame of its own', async ({ office, visit }) => {
    await using other = await startOther(`<iframe src="${office.at('/')}"></iframe>`);
    await using opened = await visit('/');
    const { page } = opened;
    await page.getByText('Overview').first().waitFor();
    const refused = page.waitForEvent('console', (message) => message.text().includes('frame-ancestors'));
    await page.goto(other.url);
    await refused;
    expect(await page.frameLocator('iframe').getByText('Overview').count()).toBe(0);
  });
});
