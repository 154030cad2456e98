import { describe, expect } from 'vitest';
import { it as plain } from './support/it.ts';
import { enter, openAction, stateOf, waitForState } from './support/operate.ts';

const it = plain.extend('visitWithClock', ({ office, visit }) => async (path: string, offset: number) => {
  const opened = await visit('/audit');
  await opened.page.clock.setFixedTime(Date.now() + offset);
  await opened.page.goto(office.at(path));
  return opened;
});
it.beforeAll(async ({ office }) => {
  await office.hold({ key: 'running' });
  await office.send({ key: 'paid' });
});

const MINUTES = 10 * 60_000;

describe.each([
  ['behind', -MINUTES],
  ['ahead', MINUTES],
])('a browser whose clock is ten minutes %s (case 28)', (_, offset) => {
  it('shows ages and leases by the server’s clock', async ({ visitWithClock }) => {
    await using list = await visitWithClock('/keys?all', offset);
    const { page } = list;
    await page.getByText('paid').first().waitFor();
    expect(Math.abs((await page.evaluate(() => Date.now())) - Date.now())).toBeGreaterThan(MINUTES / 2);
    const times = await page.locator('td time').allTextContents();
    expect(times.length).toBeGreaterThan(2);
    const ages = times.filter((text) => !/^in /.test(text));
    for (const age of ages) expect(age).toMatch(/^(\d+ s|1 min( \d+ s)?|2 min( \d+ s)?)$/);
    expect(times.filter((text) => /^in (\d+ s|23 h|29 d|30 d|1 d)/.test(text)).length).toBeGreaterThan(1);
    expect(list.problems).toEqual([]);
  });

  it('shows a live lease as live', async ({ office, visitWithClock }) => {
    await using key = await visitWithClock(`/keys/${await office.idOf('running')}/-`, offset);
    await waitForState(key.page, 'Running');
    expect(await stateOf(key.page).textContent()).toMatch(/its lease has \d+ s left/);
    const lease = key.page.getByRole('region', { name: 'Record' }).getByText(/^in \d+ s$/);
    expect(await lease.count()).toBe(1);
    expect(key.problems).toEqual([]);
  });
});

describe('a key of three attempts (case 28)', () => {
  it('shows the newest first, and marks it', async ({ office, visitKey }) => {
    const sent = { key: 'thrice', fate: 'timed_out' } as const;
    await office.send(sent);
    await using key = await visitKey('thrice');
    for (const attempt of [2, 3]) {
      await enter(await openAction(key.page, 'Allow retry'), { tick: true });
      await waitForState(key.page, 'Released');
      await office.send(sent);
      await key.page.keyboard.press('r');
      await waitForState(key.page, 'In doubt');
      await key.page
        .getByRole('region', { name: 'Record' })
        .getByText(String(attempt), { exact: true })
        .waitFor();
    }
    const entries = await key.page
      .getByRole('region', { name: 'Timeline' })
      .getByRole('listitem')
      .allTextContents();
    expect(entries.map((text) => /Put in doubt|Operator/.exec(text)?.[0])).toEqual([
      'Put in doubt',
      'Operator',
      'Put in doubt',
      'Operator',
      'Put in doubt',
    ]);
    expect(entries.map((text) => text.includes('now'))).toEqual([true, false, false, false, false]);
    expect(key.problems).toEqual([]);
  });
});
