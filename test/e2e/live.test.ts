import { describe, expect } from 'vitest';
import { it } from './support/it.ts';
import { enter, openAction, stateOf, submit, waitForState } from './support/operate.ts';

describe('a page that is open', () => {
  it('counts new keys, and shows them when it is asked to', async ({ office, visit }) => {
    await office.send({ key: 'first', scope: 'new' });
    await using list = await visit('/keys?scope=new');
    const { page } = list;
    await page.getByText('first').waitFor();
    await office.send({ key: 'second', scope: 'new' });
    const button = page.getByRole('button', { name: '1 new' });
    await button.waitFor();
    expect(await page.locator('a[data-row]').allTextContents()).toEqual(['first']);
    await button.click();
    await page.getByText('second').waitFor();
    expect(await page.locator('a[data-row]').allTextContents()).toEqual(['second', 'first']);
    expect(list.problems).toEqual([]);
  });

  it('keeps the rows that it shows up to date', async ({ office, visit, visitKey }) => {
    await office.send({ key: 'changing', scope: 'changing', fate: 'timed_out' });
    await using list = await visit('/keys?scope=changing', { operator: 'ada' });
    await list.page.getByText('In doubt').nth(1).waitFor();
    await using key = await visitKey('changing', { operator: 'ada' });
    await enter(await openAction(key.page, 'Allow retry'), { tick: true });
    await list.page.getByRole('cell', { name: 'Released' }).waitFor();
    expect(list.problems).toEqual([]);
  });

  it('asks for nothing while it is paused, until it is resumed', async ({ office, visit }) => {
    await office.send({ key: 'quiet', scope: 'quiet' });
    await using list = await visit('/keys?scope=quiet');
    const { page } = list;
    await page.clock.install();
    await page.reload();
    await page.getByText('quiet').first().waitFor();
    await page.getByRole('button', { name: 'Pause live updates' }).click();
    await page.waitForLoadState('networkidle');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.clock.runFor(30_000);
    expect(asked).toEqual([]);
    await page.getByRole('button', { name: 'Resume live updates' }).click();
    const next = page.waitForRequest(/keys\.list/);
    await page.clock.runFor(6_000);
    await next;
    expect(list.problems).toEqual([]);
  });

  it('says that it is not up to date when the server is away, and goes on when it is back', async ({
    office,
    visit,
  }) => {
    await office.send({ key: 'away', scope: 'away' });
    await using list = await visit('/keys?scope=away');
    const { page } = list;
    await page.getByText('away').first().waitFor();
    await page.route('**/api/trpc/**', (route) => route.abort());
    await page.keyboard.press('r');
    await page.getByText(/Not up to date: The server can not be reached/).waitFor();
    await page.getByRole('link', { name: 'away', exact: true }).waitFor();
    await page.unroute('**/api/trpc/**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText(/Not up to date/).waitFor({ state: 'detached' });
  });
});

describe('two operators on one key (case 19)', () => {
  it('see each other’s action; the second is told, decides again, and both are in the audit trail', async ({
    office,
    visitKey,
  }) => {
    const sent = { key: 'shared', fate: 'timed_out' } as const;
    await office.send(sent);
    await using olga = await visitKey(sent.key, { operator: 'olga' });
    await using oscar = await visitKey(sent.key, { operator: 'oscar' });
    const hers = await openAction(olga.page, 'Mark failed…');
    const his = await openAction(oscar.page, 'Mark completed…');
    await enter(hers, { response: 'It was not paid' });
    await waitForState(olga.page, 'Error');

    await enter(his, { response: '{"chargeCard":null}', reason: 'I saw the payment at the provider' });
    await his.getByText('Nothing was done: the record has changed').waitFor();
    await his.getByText(/Not possible any more/).waitFor();
    expect(await his.locator('button[type=submit]').isDisabled()).toBe(true);
    await oscar.page.keyboard.press('Escape');
    await waitForState(oscar.page, 'Error');
    await enter(await openAction(oscar.page, 'Allow retry'), { tick: true });
    await waitForState(oscar.page, 'Released');
    await stateOf(olga.page).getByText('Released', { exact: true }).waitFor();

    const trail = olga.page.getByRole('region', { name: 'Audit trail' });
    await trail.getByText('oscar@shop.example', { exact: true }).first().waitFor(); // refused at first, then done
    await trail.getByText('olga@shop.example', { exact: true }).waitFor();
    expect([...olga.problems, ...oscar.problems]).toEqual([]);
  });

  it('who was second is told who did what and why, and confirms again what may happen twice', async ({
    office,
    visitKey,
  }) => {
    const sent = { key: 'ticked', fate: 'timed_out' } as const;
    await office.send(sent);
    await using olga = await visitKey(sent.key, { operator: 'olga' });
    await using oscar = await visitKey(sent.key, { operator: 'oscar' });
    const his = await openAction(oscar.page, 'Allow retry');
    await his.getByRole('checkbox').check();
    await enter(await openAction(olga.page, 'Allow retry'), {
      tick: true,
      reason: 'the bank has refused it',
    });
    await waitForState(olga.page, 'Released');
    await office.send(sent); // the client’s retry: in doubt again

    await enter(his);
    const told = his.getByRole('alert');
    await told.getByText(/olga@shop.example did “allow retry” at .*: “the bank has refused it”/).waitFor();
    await told.getByText(/A client’s request with this key began to run/).waitFor();
    expect(await his.getByRole('checkbox').isChecked()).toBe(false);
    await submit(his);
    await his.getByText('Confirm that the effect may happen twice.').waitFor();
    expect(office.runs(sent.key)).toBe(2);
    await his.getByRole('checkbox').check();
    await submit(his);
    await waitForState(oscar.page, 'Released');
    expect([...olga.problems, ...oscar.problems]).toEqual([]);
  });

  it('a client’s retry that wins is not undone: the operator is told that it runs', async ({
    office,
    visitKey,
  }) => {
    const sent = { key: 'retried', fate: 'timed_out' } as const;
    await office.send(sent);
    await using first = await visitKey(sent.key, { operator: 'olga' });
    await enter(await openAction(first.page, 'Allow retry'), { tick: true });
    await waitForState(first.page, 'Released');
    const expiring = await openAction(first.page, 'Expire now…');
    await office.send(sent); // the client’s retry: in doubt again, in another attempt
    await enter(expiring, { confirm: 'expire' });
    await expiring.getByText('Nothing was done: the record has changed').waitFor();
    expect(await expiring.getByRole('alert').textContent()).toMatch(/In doubt/);
    expect(office.runs(sent.key)).toBe(2);
    expect(first.problems).toEqual([]);
  });
});
