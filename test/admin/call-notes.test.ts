import { describe, expect, it } from 'vitest';
import type { ClaimRequest } from '../../server/engine/decide.ts';
import { createIdempotency, type IdempotencyEvent } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { createOperator } from '../../server/operator/index.ts';
import { StartedCalls } from '../../server/process/started-calls.ts';
import { type Admin, ago, REASON, startAdmin } from './support.ts';

const CALLS = 'idempotency_keys_calls';

interface Call {
  readonly scope?: string;
  readonly key: string;
  readonly operation?: string;
  readonly amount?: number;
}

/** Another process on the same keys, whose counts are written when it closes. */
async function inProcess(
  { db }: Pick<Admin, 'db'>,
  calls: readonly Call[],
  policy: { readonly watchDuplicates?: boolean } = {},
): Promise<IdempotencyEvent[]> {
  const events: IdempotencyEvent[] = [];
  const onEvent = (event: IdempotencyEvent) => events.push(event);
  const idempotency = createIdempotency({ store: createMongoStore({ db }), onEvent });
  for (const { scope = 'acme', key, operation = 'pay', amount = 5 } of calls) {
    const call = { scope, key, operation, input: { amount } };
    await idempotency.run(call, () => ({ paid: amount }), policy).catch(() => {});
  }
  await idempotency.close();
  return events.filter(({ type }) => type === 'suspected_duplicate');
}

describe('refused calls of a key', () => {
  it('are on its page, by code, with how many and when', async () => {
    await using admin = await startAdmin();
    await inProcess(admin, [
      { key: 'k' },
      { key: 'k', amount: 6 },
      { key: 'k', amount: 7 },
      { key: 'other' },
    ]);
    const { id } = await admin.vic.keys.by.query({ scope: 'acme', key: 'k' });
    const { refusals, now } = await admin.vic.keys.get.query({ id });
    expect(refusals).toEqual([{ code: 'IDEMPOTENCY_KEY_REUSED', count: 2, lastAt: expect.any(Number) }]);
    expect(Math.abs(now - (refusals[0]?.lastAt ?? 0))).toBeLessThan(600_000);
    const other = await admin.vic.keys.by.query({ scope: 'acme', key: 'other' });
    expect((await admin.vic.keys.get.query({ id: other.id })).refusals).toEqual([]);
  });

  it('of several processes and codes add up', async () => {
    await using admin = await startAdmin();
    const reused = [{ key: 'k', amount: 6 }];
    await inProcess(admin, [{ key: 'k' }, ...reused]);
    await inProcess(admin, reused);
    await admin.db.collection('idempotency_keys').updateOne({ key: 'k' }, { $set: { state: 'in_doubt' } });
    await inProcess(admin, [{ key: 'k' }]);
    const { id } = await admin.vic.keys.by.query({ scope: 'acme', key: 'k' });
    const { refusals } = await admin.vic.keys.get.query({ id });
    expect(refusals.map(({ code, count }) => [code, count])).toEqual([
      ['IDEMPOTENCY_IN_DOUBT', 1],
      ['IDEMPOTENCY_KEY_REUSED', 2],
    ]);
  });

  it('of an earlier life are left out, and all are forgotten after 7 days', async () => {
    await using admin = await startAdmin();
    await inProcess(admin, [{ key: 'k' }, { key: 'k', amount: 6 }]);
    const calls = admin.db.collection(CALLS);
    const note = await calls.findOne({ kind: 'refused' });
    const week = note?.expiresAt.getTime() - note?.codes.IDEMPOTENCY_KEY_REUSED.lastAt.getTime();
    expect(week).toBe(7 * 86_400_000);
    expect((await calls.indexes()).find(({ name }) => name === 'expiresAt_1')?.expireAfterSeconds).toBe(0);
    await calls.updateOne(
      { kind: 'refused' },
      { $set: { 'codes.IDEMPOTENCY_KEY_REUSED.lastAt': ago(600_000) } },
    );
    const { id } = await admin.vic.keys.by.query({ scope: 'acme', key: 'k' });
    expect((await admin.vic.keys.get.query({ id })).refusals).toEqual([]);
  });

  it('cost no write of a call: notes are written together, when some seconds are over', async () => {
    await using admin = await startAdmin();
    const { idempotency } = admin;
    for (let count = 0; count < 20; count++) {
      const call = { scope: 'acme', key: `k-${count % 4}`, operation: 'pay', input: count };
      await idempotency.run(call, () => count).catch(() => {});
    }
    await idempotency.close();
    const written = admin.sent.filter(({ update }) => update === CALLS);
    expect(written.length).toBeGreaterThan(0);
    expect(written.length).toBeLessThan(7); // a slow machine may need a few times five seconds
  });
});

describe('the same request under another key', () => {
  it('is told once, and listed with both keys as they stand', async () => {
    await using admin = await startAdmin();
    const told = await inProcess(admin, [
      { key: 'one' },
      { key: 'two' },
      { key: 'two' },
      { key: 'three', amount: 6 },
    ]);
    expect(told).toEqual([
      {
        type: 'suspected_duplicate',
        scope: 'acme',
        operation: 'pay',
        key: 'two',
        otherKey: 'one',
        afterMs: expect.any(Number),
      },
    ]);
    const { groups } = await admin.vic.duplicates.query();
    expect(groups).toMatchObject([
      {
        scope: 'acme',
        operation: 'pay',
        calls: [
          { key: 'one', row: { state: 'completed', outcome: 'success' } },
          { key: 'two', row: { state: 'completed', key: 'two' } },
        ],
      },
    ]);
    expect((await admin.vic.overview.query({ window: '1h' })).attention.suspected).toEqual({
      count: 1,
      capped: false,
    });
  });

  it('is found across processes, by the one that came second', async () => {
    await using admin = await startAdmin();
    expect(await inProcess(admin, [{ key: 'one' }])).toEqual([]);
    expect(await inProcess(admin, [{ key: 'two' }])).toMatchObject([{ key: 'two', otherKey: 'one' }]);
    expect(await inProcess(admin, [{ key: 'three' }])).toMatchObject([{ key: 'three', otherKey: 'two' }]);
    expect((await admin.vic.duplicates.query()).groups[0]?.calls).toHaveLength(3);
  });

  it.each<[string, Call]>([
    ['other arguments', { key: 'two', amount: 6 }],
    ['another scope', { key: 'two', scope: 'shop' }],
    ['another operation', { key: 'two', operation: 'refund' }],
  ])('is none with %s', async (_, call) => {
    await using admin = await startAdmin();
    expect(await inProcess(admin, [{ key: 'one' }, call])).toEqual([]);
    expect((await admin.vic.duplicates.query()).groups).toEqual([]);
  });

  it('is none after more than ten minutes', async () => {
    await using admin = await startAdmin();
    await inProcess(admin, [{ key: 'one' }]);
    await admin.db.collection(CALLS).updateOne({ kind: 'alike' }, { $set: { 'keys.0.at': ago(601_000) } });
    expect(await inProcess(admin, [{ key: 'two' }])).toEqual([]);
  });

  it('is not watched where the policy says so', async () => {
    await using admin = await startAdmin();
    const muted = { watchDuplicates: false };
    expect(await inProcess(admin, [{ key: 'one' }, { key: 'two' }], muted)).toEqual([]);
    expect(await admin.db.collection(CALLS).countDocuments()).toBe(0);
  });

  it('is shown to an operator of its scope only', async () => {
    await using admin = await startAdmin();
    await inProcess(admin, [
      { key: 'one', scope: 'acme/ada' },
      { key: 'two', scope: 'acme/ada' },
    ]);
    await inProcess(admin, [
      { key: 'one', scope: 'shop' },
      { key: 'two', scope: 'shop' },
    ]);
    const { groups } = await admin.tess.duplicates.query();
    expect(groups.map(({ scope }) => scope)).toEqual(['acme/ada']);
    expect((await admin.tess.attention.query()).suspected.count).toBe(1);
    expect((await admin.vic.attention.query()).suspected.count).toBe(2);
  });
});

it('erasing a scope removes what is noted about its calls', async () => {
  await using admin = await startAdmin();
  await inProcess(admin, [
    { key: 'one' },
    { key: 'two' },
    { key: 'one', amount: 6 },
    { key: 'one', scope: 'shop' },
  ]);
  await createOperator({ idempotency: admin.idempotency, by: 'job' }).erase({
    scope: 'acme',
    reason: REASON,
  });
  const left = await admin.db.collection(CALLS).find().toArray();
  expect(left.map(({ scope }) => scope)).toEqual(['shop']);
});

describe('the sample of calls', () => {
  const request = (key: string, hash: string) =>
    ({ scope: 'acme', key, operation: 'pay', fingerprints: [`s1:${hash}`] }) as unknown as ClaimRequest;
  const hashOf = (count: number) => String((count * 7_919) % 10_007).padStart(6, '0');

  it('keeps the lowest 50 fingerprints, whatever the order: a repeated request is in it each time or never', () => {
    const taken = [false, true].map((isReversed) => {
      const calls = new StartedCalls();
      const order = Array.from({ length: 5_000 }, (_, count) => count);
      for (const count of isReversed ? order.reverse() : order)
        calls.add(request(`${isReversed ? 'b' : 'a'}-${count}`, hashOf(count)));
      return calls
        .take()
        .map(({ fingerprint }) => fingerprint)
        .sort();
    });
    expect(taken[0]).toHaveLength(50);
    expect(taken[0]).toEqual(taken[1]);
    expect(taken[0]?.at(-1)).toBe(
      `s1:${Array.from({ length: 5_000 }, (_, count) => hashOf(count)).sort()[49]}`,
    );
  });

  it('keeps at most ten keys of one request, and begins anew when it is taken', () => {
    const calls = new StartedCalls();
    for (let count = 0; count < 30; count++) calls.add(request(`k-${count}`, 'one'));
    expect(calls.take()).toHaveLength(10);
    expect(calls.take()).toEqual([]);
  });
});
