import { describe, expect } from 'vitest';
import { it } from './support/it.ts';
import { COLLECTION, type Office, type Sent } from './support/office.ts';
import { type Entries, enter, openAction, REASON, submit, waitForState } from './support/operate.ts';
import type { Fate } from './support/shop.ts';

const ADMIN = { operator: 'ada' } as const;

it.override('officeOptions', { policy: { captureRequest: true } });

/** What becomes of a record while an operator's dialog is open, and what the operator is told then. */
interface Meanwhile {
  /** By another operator; without it the worker finishes. */
  readonly action?: string;
  readonly entries?: Entries;
  readonly told: RegExp;
}

const PURGED: Meanwhile = {
  action: 'Purge body…',
  entries: { confirm: 'purge' },
  told: /Somebody else has held or changed it meanwhile/,
};
const ALLOWED: Meanwhile = {
  action: 'Allow retry',
  entries: { tick: true },
  told: /It is now.*Released/,
};
const FINISHED: Meanwhile = { told: /It is now.*Completed/ };

interface Case {
  readonly action: string;
  readonly from: string;
  /** Of the charge that leaves a record in that state. */
  readonly fate: Fate;
  readonly entries: Entries;
  readonly to: string;
  /** Of the client's next request with the key. */
  readonly retry: { readonly runs: number; readonly body: RegExp };
  readonly meanwhile: Meanwhile;
}

/** With each field that the captured request asked for. */
const RESPONSE =
  '{ "chargeCard": { "id": "ch_by_hand", "customer": "cus_7", "amount": 1999, "note": null } }';

const CASES: readonly Case[] = [
  {
    action: 'Allow retry',
    from: 'Error',
    fate: 'declined',
    entries: { tick: true },
    to: 'Released',
    retry: { runs: 0, body: /declined/ },
    meanwhile: PURGED,
  },
  {
    action: 'Re-run now…',
    from: 'In doubt',
    fate: 'timed_out_once',
    entries: { confirm: 'rerun', tick: true },
    to: 'Completed',
    retry: { runs: 2, body: /ch_/ },
    meanwhile: ALLOWED,
  },
  {
    action: 'Mark completed…',
    from: 'In doubt',
    fate: 'timed_out',
    entries: { response: RESPONSE },
    to: 'Completed',
    retry: { runs: 1, body: /ch_by_hand/ },
    meanwhile: ALLOWED,
  },
  {
    action: 'Mark failed…',
    from: 'In doubt',
    fate: 'timed_out',
    entries: { response: 'The payment was not made' },
    to: 'Error',
    retry: { runs: 1, body: /The payment was not made/ },
    meanwhile: ALLOWED,
  },
  {
    action: 'Expire now…',
    from: 'Completed',
    fate: 'paid',
    entries: { confirm: 'expire', tick: true },
    to: 'Expired',
    retry: { runs: 2, body: /ch_/ },
    meanwhile: PURGED,
  },
  {
    action: 'Force release…',
    from: 'Running',
    fate: 'held',
    entries: { confirm: 'force', tick: true },
    to: 'Released',
    retry: { runs: 2, body: /ch_/ },
    meanwhile: FINISHED,
  },
  {
    action: 'Purge body…',
    from: 'Completed',
    fate: 'paid',
    entries: { confirm: 'purge' },
    to: 'Completed',
    retry: { runs: 1, body: /IDEMPOTENCY_RESULT_NOT_RETAINED/ },
    meanwhile: PURGED,
  },
];

const charge = (office: Office, sent: Sent) => (sent.fate === 'held' ? office.hold(sent) : office.send(sent));

/** All that an action could have changed. */
async function standing({ db, runs }: Office, key: string) {
  const record = await db.collection(COLLECTION).findOne({ key });
  const done = { key, result: { $ne: 'refused' } };
  const audit = await db.collection(`${COLLECTION}_audit`).find(done).toArray();
  return { record, audit, runs: runs(key) };
}

describe.each(CASES)('$action', ({ action, from, fate, entries, to, retry, meanwhile }) => {
  const name = action.replace('…', '');

  it(`of a key that is ${from} shows its new state and who did it without a reload, and a retry gets it`, async ({
    office,
    visitKey,
  }) => {
    const sent = { key: `happy ${name}`, fate };
    await charge(office, sent);
    await using key = await visitKey(sent.key, ADMIN);
    await waitForState(key.page, from);
    const dialog = await openAction(key.page, action);
    await enter(dialog, entries);
    await dialog.waitFor({ state: 'detached' });
    await waitForState(key.page, to);
    await key.page.locator('[role=status][aria-live]').filter({ hasText: /./ }).waitFor();
    const entry = key.page.getByRole('region', { name: 'Audit trail' }).getByRole('listitem');
    await entry
      .filter({ hasText: name })
      .filter({ hasText: 'ada@shop.example' })
      .filter({ hasText: REASON })
      .waitFor();
    if (fate === 'held') await office.finish(sent.key);
    expect((await office.send(sent)).body).toMatch(retry.body);
    expect(office.runs(sent.key)).toBe(retry.runs);
    // What has expired may be removed by MongoDB at any moment, also between two looks at it.
    expect(to === 'Expired' ? key.problems.filter((problem) => !/404/.test(problem)) : key.problems).toEqual(
      [],
    );
  });

  it('is not done to a record that has changed meanwhile: it says what stands, and keeps the reason (case 19)', async ({
    office,
    visitKey,
  }) => {
    const sent = { key: `conflict ${name}`, fate };
    await charge(office, sent);
    await using key = await visitKey(sent.key, ADMIN);
    await waitForState(key.page, from);
    const dialog = await openAction(key.page, action);
    if (meanwhile.action === undefined) {
      await office.finish(sent.key);
    } else {
      await using other = await visitKey(sent.key, ADMIN);
      const another = await openAction(other.page, meanwhile.action);
      await enter(another, meanwhile.entries);
      await another.waitFor({ state: 'detached' });
    }
    const stands = await standing(office, sent.key);

    await enter(dialog, entries);
    await dialog.getByText('Nothing was done: the record has changed').waitFor();
    expect(await dialog.getByLabel('Reason').inputValue()).toBe(REASON);
    expect(await dialog.getByRole('alert').textContent()).toMatch(meanwhile.told);
    expect(await standing(office, sent.key)).toEqual(stands);
    expect(key.problems).toEqual([]);
  });
});

it('Force release of a running key says that it can not stop the worker, whose late result is not recorded', async ({
  office,
  visitKey,
}) => {
  const sent = { key: 'forced' };
  await office.hold(sent);
  await using key = await visitKey(sent.key, ADMIN);
  const dialog = await openAction(key.page, 'Force release…');
  expect(await dialog.textContent()).toMatch(/can not stop the worker/);
  await enter(dialog, { confirm: 'force', tick: true });
  await waitForState(key.page, 'Released');
  const { record } = await standing(office, sent.key);
  expect((await office.finish(sent.key)).body).toMatch(/IDEMPOTENCY_LEASE_LOST/);
  expect(await standing(office, sent.key)).toMatchObject({ record, runs: 1 });
  expect(key.problems).toEqual([]);
});

describe('Re-run now', () => {
  it('shows as whom and what it would run before it runs, as an ordinary keyed call', async ({
    office,
    visitKey,
  }) => {
    const sent = { key: 'rerun', fate: 'timed_out_once' } as const;
    await office.send(sent);
    await using key = await visitKey(sent.key, ADMIN);
    const dialog = await openAction(key.page, 'Re-run now…');
    const dryRun = dialog.getByRole('region', { name: 'Dry run' });
    await dryRun.getByText('the customer acme').waitFor();
    expect(await dryRun.textContent()).toMatch(/mutation Charge/);
    expect(office.runs(sent.key)).toBe(1);
    await enter(dialog, { confirm: 'rerun', tick: true });
    const told = key.page.locator('[role=status][aria-live]').filter({ hasText: 'It ran, and succeeded' });
    await told.locator('.text-success').waitFor();
    expect(key.problems).toEqual([]);
  });

  it('is not offered where the captured request is not what the key is bound to, and says why', async ({
    office,
    visitKey,
  }) => {
    const sent = { key: 'rerun of another', fate: 'timed_out_once' } as const;
    await office.send(sent);
    const fingerprint = `s1:${'0'.repeat(64)}`;
    await office.db.collection(COLLECTION).updateOne({ key: sent.key }, { $set: { fingerprint } });
    await using key = await visitKey(sent.key, ADMIN);
    const offers = key.page.getByRole('region', { name: 'Actions' });
    await offers.getByText(/^Not now: It would be refused with IDEMPOTENCY_KEY_REUSED/).waitFor();
    expect(await offers.getByRole('button', { name: 'Re-run now…' }).isDisabled()).toBe(true);
    await key.page.keyboard.press('u');
    expect(await key.page.getByRole('dialog').count()).toBe(0);
    expect(key.problems).toEqual([]);
  });

  it('that leaves the key in doubt again is not told as a success, nor recorded as a release', async ({
    office,
    visitKey,
  }) => {
    const sent = { key: 'rerun in vain', fate: 'timed_out' } as const;
    await office.send(sent);
    await using key = await visitKey(sent.key, ADMIN);
    const dialog = await openAction(key.page, 'Re-run now…');
    await enter(dialog, { confirm: 'rerun', tick: true });
    const told = key.page.locator('[role=status][aria-live]').filter({ hasText: 'in doubt again' });
    await told.locator('.text-danger').waitFor();
    const entry = key.page.getByRole('region', { name: 'Audit trail' }).getByRole('listitem');
    await entry
      .filter({ hasText: 'Re-run' })
      .filter({ hasText: /in_doubt, fence \d+/ })
      .first()
      .waitFor();
    await entry.filter({ hasText: 'The key is in doubt again' }).waitFor();
    expect(key.problems).toEqual([]);
  });
});

it('a lapsed key can be marked', async ({ office, visitKey }) => {
  const sent = { key: 'lapsed' };
  await office.abandon(sent);
  await using key = await visitKey(sent.key, ADMIN);
  await waitForState(key.page, 'Lapsed');
  await enter(await openAction(key.page, 'Mark failed…'), { response: 'The worker was lost' });
  await waitForState(key.page, 'Error');
  expect((await office.send({ ...sent, fate: 'held' })).body).toMatch(/The worker was lost/);
  expect(key.problems).toEqual([]);
});

describe('a dialog', () => {
  it('goes on asking what it asked when it opened, though the page behind it shows the record as it stands', async ({
    office,
    visitKey,
  }) => {
    const sent = { key: 'moved on', fate: 'timed_out_once' } as const;
    await office.send(sent);
    await using key = await visitKey(sent.key, ADMIN);
    const dialog = await openAction(key.page, 'Re-run now…');
    await using other = await visitKey(sent.key, ADMIN);
    await enter(await openAction(other.page, 'Allow retry'), { tick: true });
    const behind = key.page.getByRole('region', { name: 'State', includeHidden: true });
    await behind.getByText('Released', { exact: true }).waitFor();
    await enter(dialog, { confirm: 'rerun', tick: true });
    await dialog.getByText('Nothing was done: the record has changed').waitFor();
    expect(office.runs(sent.key)).toBe(1);
    expect(key.problems).toEqual([]);
  });

  it('asks for each thing that is missing, and sends nothing before', async ({ office, visitKey }) => {
    const sent = { key: 'missing' };
    await office.send(sent);
    await using key = await visitKey(sent.key, ADMIN);
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
    expect((await standing(office, sent.key)).audit).toEqual([]);
    expect(key.problems).toEqual([]);
  });

  it('that may repeat an effect offers to mark it first', async ({ office, visitKey }) => {
    const sent = { key: 'mark first', fate: 'timed_out' } as const;
    await office.send(sent);
    await using key = await visitKey(sent.key, ADMIN);
    const dialog = await openAction(key.page, 'Allow retry');
    await dialog.getByRole('button', { name: 'Mark completed…' }).click();
    await key.page.getByRole('dialog', { name: 'Mark completed' }).waitFor();
    expect(key.problems).toEqual([]);
  });

  it('refuses a response that is not JSON before it is sent', async ({ office, visitKey }) => {
    const sent = { key: 'not json', fate: 'timed_out' } as const;
    await office.send(sent);
    await using key = await visitKey(sent.key, ADMIN);
    const dialog = await openAction(key.page, 'Mark completed…');
    await enter(dialog, { response: '{ id: 1 }' });
    await dialog.getByText(/This is not JSON/).waitFor();
    expect(key.problems).toEqual([]);
  });

  it('says what a response lacks that the captured request asked for', async ({ office, visitKey }) => {
    const sent = { key: 'lacking', fate: 'timed_out' } as const;
    await office.send(sent);
    await using key = await visitKey(sent.key, ADMIN);
    const dialog = await openAction(key.page, 'Mark completed…');
    await enter(dialog, { response: '{ "chargeCard": { "id": "ch_by_hand" } }' });
    await dialog
      .getByRole('alert')
      .getByText(/non-nullable field Receipt\.customer/)
      .waitFor();
    expect((await standing(office, sent.key)).audit).toEqual([]);
  });

  it('sends the same command again after a lost answer, which then does nothing more', async ({
    office,
    visitKey,
  }) => {
    const sent = { key: 'lost answer' };
    await office.send(sent);
    await using key = await visitKey(sent.key, ADMIN);
    await key.page.route(
      '**/keys.act',
      async (route) => {
        await route.fetch();
        await route.abort();
      },
      { times: 1 },
    );
    const dialog = await openAction(key.page, 'Purge body…');
    await enter(dialog, { confirm: 'purge' });
    await dialog.getByText('The server can not be reached.').waitFor();
    await submit(dialog);
    await dialog.waitFor({ state: 'detached' });
    expect((await standing(office, sent.key)).audit.length).toBe(1);
  });
});
