import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openChromium } from './support/chromium.ts';
import { type Office, openOffice, type Sent } from './support/office.ts';
import { type Entries, enter, openAction, REASON, submit, waitForState } from './support/operate.ts';
import { type Visit, visit } from './support/visit.ts';

let browser: Browser;
let office: Office;
beforeAll(async () => {
  [browser, office] = await Promise.all([openChromium(), openOffice()]);
});
afterAll(async () => {
  await browser.close();
  await office[Symbol.asyncDispose]();
});

interface Case {
  readonly action: string;
  readonly from: string;
  /** Makes a record in that state, by a real run. */
  readonly make: (sent: Sent) => Promise<unknown>;
  readonly entries: Entries;
  readonly to: string;
  /** Of the client's next request with the key. */
  readonly retry: { readonly runs: number; readonly body: RegExp };
  readonly audit: string;
}

const declined = (sent: Sent) => office.send({ ...sent, fate: 'declined' });
const paid = (sent: Sent) => office.send(sent);
const timedOut = (sent: Sent) => office.send({ ...sent, fate: 'timed_out' });

const CASES: readonly Case[] = [
  {
    action: 'Allow retry',
    from: 'Error',
    make: declined,
    entries: { tick: true },
    to: 'Released',
    retry: { runs: 0, body: /declined/ },
    audit: 'Allow retry',
  },
  {
    action: 'Mark completed…',
    from: 'In doubt',
    make: timedOut,
    entries: { response: '{ "chargeCard": { "id": "ch_by_hand" } }' },
    to: 'Completed',
    retry: { runs: 1, body: /ch_by_hand/ },
    audit: 'Mark completed',
  },
  {
    action: 'Mark failed…',
    from: 'In doubt',
    make: timedOut,
    entries: { response: 'The payment was not made' },
    to: 'Error',
    retry: { runs: 1, body: /The payment was not made/ },
    audit: 'Mark failed',
  },
  {
    action: 'Expire now…',
    from: 'Completed',
    make: paid,
    entries: { confirm: 'expire', tick: true },
    to: 'Expired',
    retry: { runs: 2, body: /ch_/ },
    audit: 'Expire now',
  },
  {
    action: 'Purge body…',
    from: 'Completed',
    make: paid,
    entries: {},
    to: 'Completed',
    retry: { runs: 1, body: /RESULT_NOT_RETAINED/ },
    audit: 'Purge body',
  },
];

async function openKey(key: string): Promise<Visit> {
  return visit(browser, office, `/keys/${await office.idOf(key)}/-`, { operator: 'ada' });
}

describe.each(CASES)('$action', ({ action, from, make, entries, to, retry, audit }) => {
  const name = action.replace('…', '');

  it(`of a key that is ${from} shows its new state and who did it without a reload, and a retry gets it`, async () => {
    const sent = { key: `happy ${name}` };
    await make(sent);
    await using key = await openKey(sent.key);
    await waitForState(key.page, from);
    const dialog = await openAction(key.page, action);
    await enter(dialog, entries);
    await dialog.waitFor({ state: 'detached' });
    await waitForState(key.page, to);
    await key.page.locator('[role=status][aria-live]').filter({ hasText: /./ }).waitFor();
    const entry = key.page.getByRole('region', { name: 'Audit trail' }).getByRole('listitem');
    await entry
      .filter({ hasText: audit })
      .filter({ hasText: 'ada@shop.example' })
      .filter({ hasText: REASON })
      .waitFor();
    expect((await office.send({ ...sent, ...fateOf(make) })).body).toMatch(retry.body);
    expect(office.runs(sent.key)).toBe(retry.runs);
    // What has expired may be removed by MongoDB at any moment, also between two looks at it.
    expect(to === 'Expired' ? key.problems.filter((problem) => !/404/.test(problem)) : key.problems).toEqual(
      [],
    );
  });

  it('is not done to a record that has changed meanwhile: it says what stands, and keeps the reason (case 19)', async () => {
    const sent = { key: `conflict ${name}` };
    await make(sent);
    await using key = await openKey(sent.key);
    await waitForState(key.page, from);
    const dialog = await openAction(key.page, action);
    await using other = await openKey(sent.key);
    const isInDoubt = from === 'In doubt';
    await enter(await openAction(other.page, isInDoubt ? 'Allow retry' : 'Purge body…'), { tick: isInDoubt });
    await other.page.getByRole('region', { name: 'Audit trail' }).getByRole('listitem').waitFor();

    await enter(dialog, entries);
    await dialog.getByText('Nothing was done: the record has changed').waitFor();
    expect(await dialog.getByLabel('Reason').inputValue()).toBe(REASON);
    const told = await dialog.getByRole('alert').textContent();
    expect(told).toMatch(
      isInDoubt ? /It is now.*Released/ : /Somebody else has held or changed it meanwhile/,
    );
    expect(await office.db.collection('idempotency_keys_audit').countDocuments({ key: sent.key })).toBe(1);
    expect(key.problems).toEqual([]);
  });
});

/** A retry is the same request: its arguments are those of the first. */
function fateOf(make: Case['make']): Pick<Sent, 'fate'> {
  return { fate: make === declined ? 'declined' : make === timedOut ? 'timed_out' : 'paid' };
}

it('Force release of a running key says that it can not stop the worker, whose late result is not recorded', async () => {
  const sent = { key: 'forced' };
  await office.hold(sent);
  await using key = await openKey(sent.key);
  await waitForState(key.page, 'Running');
  const dialog = await openAction(key.page, 'Force release…');
  expect(await dialog.textContent()).toMatch(/can not stop the worker/);
  await enter(dialog, { confirm: 'force', tick: true });
  await waitForState(key.page, 'Released');
  expect(key.problems).toEqual([]);
});

describe('Re-run now', () => {
  it('shows as whom and what it would run before it runs it once, as an ordinary keyed call', async () => {
    const sent = { key: 'rerun', fate: 'timed_out_once' } as const;
    await office.send(sent);
    await office.capture(sent);
    await using key = await openKey(sent.key);
    await waitForState(key.page, 'In doubt');
    const dialog = await openAction(key.page, 'Re-run now…');
    const dryRun = dialog.getByRole('region', { name: 'Dry run' });
    await dryRun.getByText('the customer acme').waitFor();
    expect(await dryRun.textContent()).toMatch(/mutation Charge/);
    expect(office.runs(sent.key)).toBe(1);
    await enter(dialog, { confirm: 'rerun', tick: true });
    await waitForState(key.page, 'Completed');
    await key.page.getByText(/It ran, and succeeded/).waitFor();
    expect(office.runs(sent.key)).toBe(2);
    expect((await office.send(sent)).body).toMatch(/ch_/);
    expect(office.runs(sent.key)).toBe(2);
    expect(key.problems).toEqual([]);
  });

  it('is off, and says why, where the request was not captured', async () => {
    await timedOut({ key: 'not captured' });
    await using key = await openKey('not captured');
    await key.page.getByText(/Not now: Its request was not captured/).waitFor();
    expect(await key.page.getByRole('button', { name: 'Re-run now…' }).isDisabled()).toBe(true);
    expect(key.problems).toEqual([]);
  });
});

it('a lapsed key can be marked', async () => {
  const sent = { key: 'lapsed' };
  await office.abandon(sent);
  await using key = await openKey(sent.key);
  await waitForState(key.page, 'Lapsed');
  await enter(await openAction(key.page, 'Mark failed…'), { response: 'The worker was lost' });
  await waitForState(key.page, 'Error');
  expect((await office.send({ ...sent, fate: 'held' })).body).toMatch(/The worker was lost/);
  expect(key.problems).toEqual([]);
});

describe('a dialog', () => {
  it('asks for each thing that is missing, and sends nothing before', async () => {
    const sent = { key: 'missing' };
    await paid(sent);
    await using key = await openKey(sent.key);
    const dialog = await openAction(key.page, 'Expire now…');
    await submit(dialog);
    for (const text of [
      /reason of at least 8/,
      /^Type expire\.$/,
      /Confirm that the effect may happen twice/,
    ]) {
      await dialog.getByText(text).waitFor();
    }
    await enter(dialog, { reason: 'short  ', confirm: 'EXPIRE', tick: true });
    await dialog.getByText(/reason of at least 8/).waitFor();
    expect(await office.db.collection('idempotency_keys_audit').countDocuments({ key: sent.key })).toBe(0);
    expect(key.problems).toEqual([]);
  });

  it('that may repeat an effect offers to mark it first', async () => {
    const sent = { key: 'mark first' };
    await timedOut(sent);
    await using key = await openKey(sent.key);
    const dialog = await openAction(key.page, 'Allow retry');
    await dialog.getByRole('button', { name: 'Mark completed…' }).click();
    await key.page.getByRole('dialog', { name: 'Mark completed' }).waitFor();
    expect(key.problems).toEqual([]);
  });

  it('refuses a response that is not JSON before it is sent', async () => {
    const sent = { key: 'not json' };
    await timedOut(sent);
    await using key = await openKey(sent.key);
    const dialog = await openAction(key.page, 'Mark completed…');
    await enter(dialog, { response: '{ id: 1 }' });
    await dialog.getByText(/This is not JSON/).waitFor();
    expect(key.problems).toEqual([]);
  });

  it('sends the same command again after a lost answer, which then does nothing more', async () => {
    const sent = { key: 'lost answer' };
    await paid(sent);
    await using key = await openKey(sent.key);
    await key.page.route(
      '**/keys.act',
      async (route) => {
        await route.fetch();
        await route.abort();
      },
      { times: 1 },
    );
    const dialog = await openAction(key.page, 'Purge body…');
    await enter(dialog, {});
    await dialog.getByText('The server can not be reached.').waitFor();
    await submit(dialog);
    await dialog.waitFor({ state: 'detached' });
    expect(await office.db.collection('idempotency_keys_audit').countDocuments({ key: sent.key })).toBe(1);
  });
});
