import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { BulkAction, Job } from '../../server/admin/contract/job.ts';
import { type Admin, act, ago, failed, REASON, read, startAdmin } from './support.ts';

// One dashboard for all tests here; each has a scope of its own.
let admin: Admin;
beforeAll(async () => {
  admin = await startAdmin();
  return () => admin[Symbol.asyncDispose]();
});

const STATES = {
  succeeded: {},
  failed: failed(),
  inDoubt: { state: 'in_doubt' },
  lapsed: { state: 'running', leaseExpiresAt: ago(1_000) },
  released: { state: 'released', fingerprint: undefined },
};

async function plan(scope: string, action: BulkAction): Promise<Job> {
  for (const record of Object.values(STATES)) await admin.put({ scope, ...record });
  await admin.put({ scope });
  return admin.olga.bulk.plan.mutate({
    action,
    filter: { scope },
    reason: REASON,
    commandKey: randomUUID(),
    ...(action === 'fail' && { error: 'the bank was away' }),
  });
}

interface Typed {
  readonly count?: number;
  readonly confirm?: string;
  readonly mayRepeat?: boolean;
}

const start = ({ id, total }: Job, typed: Typed) =>
  admin.olga.bulk.start.mutate({ id, count: total, commandKey: randomUUID(), ...typed });

async function ended(id: string): Promise<Job> {
  for (;;) {
    const { job } = await admin.olga.bulk.get.query({ id });
    if (job.state !== 'running') return job;
  }
}

describe('a bulk job is confirmed as the action on one key is:', () => {
  it('its plan says how many keys are in which state, which of them may repeat their effect, and what has to be typed', async () => {
    expect(await plan('counted', 'expire')).toMatchObject({
      total: 4,
      counts: [
        { state: 'completed', outcome: 'success', count: 2, mayRepeat: true },
        { state: 'completed', outcome: 'error', count: 1, mayRepeat: true },
        { state: 'released', outcome: null, count: 1, mayRepeat: false },
      ],
      confirm: 'expire',
      mayRepeat: 3,
    });
    const retry = await plan('counted-retry', 'allow_retry');
    expect(retry).toMatchObject({ total: 3, confirm: null, mayRepeat: 3 });
    expect(retry.counts.map(({ state, count }) => `${count} ${state}`).sort()).toEqual([
      '1 completed',
      '1 in_doubt',
      '1 lapsed',
    ]);
    expect(await plan('counted-mark', 'fail')).toMatchObject({
      total: 2,
      confirm: null,
      mayRepeat: 0,
    });
  });

  const REFUSED: [string, BulkAction, Typed, RegExp][] = [
    ['expire without the word', 'expire', { mayRepeat: true }, /Type the word expire/],
    ['expire with another word', 'expire', { mayRepeat: true, confirm: 'yes' }, /Type the word expire/],
    ['expire without the tick', 'expire', { confirm: 'expire' }, /3 keys may happen twice/],
    [
      'expire with the tick taken back',
      'expire',
      { confirm: 'expire', mayRepeat: false },
      /may happen twice/,
    ],
    ['allow retry without the tick', 'allow_retry', {}, /3 keys may happen twice/],
    ['allow retry with another number', 'allow_retry', { mayRepeat: true, count: 2 }, /number of keys, 3/],
    ['mark failed with another number', 'fail', { count: 3 }, /number of keys, 2/],
  ];
  it.each(REFUSED)(
    '%s is refused by the server, which writes that down, and nothing happens',
    async (name, action, typed, why) => {
      const job = await plan(name, action);
      const message = expect.stringMatching(why);
      await expect(start(job, typed)).rejects.toMatchObject({ data: { code: 'BAD_REQUEST' }, message });
      expect((await admin.olga.bulk.get.query({ id: job.id })).job.state).toBe('planned');
      const { entries } = await admin.vic.audit.list.query({ action: 'bulk_start' });
      expect(entries.filter(({ jobId }) => jobId === job.id)).toMatchObject([
        { result: 'refused', note: message, by: 'olga' },
      ]);
    },
  );

  const CONFIRMED: [BulkAction, Typed, done: number][] = [
    ['expire', { confirm: 'expire', mayRepeat: true }, 4],
    ['allow_retry', { mayRepeat: true }, 3],
    ['fail', {}, 2],
  ];
  it.each(CONFIRMED)('%s goes on with what it asks for', async (action, typed, done) => {
    const job = await plan(`confirmed ${action}`, action);
    await start(job, typed);
    expect(await ended(job.id)).toMatchObject({ state: 'done', done, refused: 0 });
  });

  it('a key whose effect may happen twice since the plan is refused without the tick', async () => {
    const scope = 'changed';
    const id = await admin.put({ scope, ...STATES.released });
    const job = await admin.olga.bulk.plan.mutate({
      action: 'expire',
      filter: { scope },
      reason: REASON,
      commandKey: randomUUID(),
    });
    expect(job).toMatchObject({ total: 1, mayRepeat: 0 });
    const jobs = admin.db.collection<{ _id: string }>('idempotency_keys_jobs');
    // As if it had been completed by the same owner: only the state differs.
    await admin.db
      .collection('idempotency_keys')
      .updateOne(
        { scope },
        { $set: { state: 'completed', outcome: 'success', completedAt: new Date(), fingerprint: 's1:aaaa' } },
      );
    await jobs.updateOne({ _id: `${job.id}:000000` }, { $set: { 'seen.state': 'completed' } });
    await start(job, { confirm: 'expire' });
    expect(await ended(job.id)).toMatchObject({ done: 0, refused: 1 });
    expect(await admin.find(id)).toMatchObject({ state: 'completed' });
  });
});

it('purge asks for its word, as whatever can not be taken back', async () => {
  const detail = await read(admin, await admin.put());
  expect(detail.actions.find(({ action }) => action === 'purge_body')?.confirm).toBe('purge');
  expect(await act(admin.ada, detail, 'purge_body', { confirm: 'yes' })).toMatchObject({
    done: false,
    why: 'Type the word purge to confirm',
  });
  expect(await act(admin.ada, detail, 'purge_body', { confirm: 'purge' })).toMatchObject({ done: true });
});
