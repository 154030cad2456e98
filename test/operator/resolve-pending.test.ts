import { randomBytes } from 'node:crypto';
import type { Document } from 'mongodb';
import { expect, test, vi } from 'vitest';
import { createCipher, type IdempotencyOptions } from '../../server/index.ts';
import type { ResolvePendingOptions } from '../../server/operator/index.ts';
import { ago, responseOf } from '../admin/support.ts';
import { gate } from '../support/gate.ts';
import { COLLECTION, REASON, startOperator } from './support.ts';

type Resolve = NonNullable<ResolvePendingOptions['resolve']>;

const inDoubt = (key: string, fields: Document = {}) => ({
  ...{ key, state: 'in_doubt', request: responseOf('{}') },
  ...fields,
});
const lapsed = (key: string, fields: Document = {}) =>
  inDoubt(key, { state: 'running', leaseExpiresAt: ago(1_000), ...fields });

async function start(records: readonly Document[], policy: Partial<IdempotencyOptions> = {}) {
  const at = await startOperator(policy);
  for (const record of records) await at.put(record);
  const keys = at.db.collection(COLLECTION);
  return { ...at, keys, stateOf: async (key: string) => (await keys.findOne({ key }))?.state };
}

test('each key in doubt becomes what the function says of it, and what it does not know stays in doubt', async () => {
  const keys = ['paid', 'declined', 'unknown', 'never sent'];
  await using at = await start([...keys.map((key) => inDoubt(key)), lapsed('crashed')]);
  const answers: Record<string, Awaited<ReturnType<Resolve>>> = {
    paid: { action: 'complete', data: { pay: { id: 1 } } },
    declined: { action: 'fail', error: new Error('The card was declined') },
    unknown: { action: 'in_doubt' },
    'never sent': { action: 'retry' },
    crashed: { action: 'complete', data: { pay: { id: 2 } } },
  };
  const resolve = vi.fn<Resolve>(({ key }) => answers[key] as never);
  const { keys: results, counts, next } = await at.operator.resolvePending({ resolve });
  expect(results.map(({ key, outcome }) => [key, outcome])).toEqual([
    ['paid', 'complete'],
    ['declined', 'fail'],
    ['unknown', 'in_doubt'],
    ['never sent', 'retry'],
    ['crashed', 'complete'],
  ]);
  expect(results[0]).toEqual({
    ...{ scope: 'acme', key: 'paid', operation: 'pay', recordId: expect.stringMatching(/^[0-9a-f]{24}$/) },
    ...{ outcome: 'complete', note: 'Retries get this response.' },
  });
  expect(counts).toEqual({ complete: 2, fail: 1, retry: 1, in_doubt: 1, refused: 0, error: 0 });
  expect(next).toBeNull();
  expect(await at.keys.findOne({ key: 'paid' })).toMatchObject({
    ...{ state: 'completed', outcome: 'success', response: { body: '{"data":{"pay":{"id":1}}}' } },
  });
  expect(await at.keys.findOne({ key: 'declined' })).toMatchObject({ state: 'completed', outcome: 'error' });
  expect(await at.stateOf('unknown')).toBe('in_doubt');
  expect(await at.stateOf('never sent')).toBe('released');
  const audit = await at.audit();
  expect(audit.map(({ action, key }) => [key, action]).sort()).toEqual([
    ['crashed', 'complete'],
    ['declined', 'fail'],
    ['never sent', 'allow_retry'],
    ['paid', 'complete'],
  ]);
  for (const { by, role, result, reason } of audit)
    expect({ by, role, result, reason }).toEqual({
      ...{ by: 'webhook', role: 'admin', result: 'done' },
      reason: expect.stringMatching(/^the resolve function says: (complete|fail|retry)$/),
    });
});

test('a doubt has what the record tells: the run, its steps decrypted, and the downstream keys that the run had', async () => {
  const cipher = createCipher({ current: 'k1', keys: { k1: randomBytes(32) } });
  await using at = await start([], { cipher });
  let sent: string | undefined;
  const call = { scope: 'acme', key: 'k-1', operation: 'pay' };
  const run = at.idempotency.run(call, async ({ step, inDoubt, downstreamKey }) => {
    sent = downstreamKey('charge');
    await step('charge', () => ({ id: 'ch_1' }));
    await step('note', () => {});
    inDoubt('the provider timed out');
    throw new Error('no answer');
  });
  await expect(run).rejects.toThrow('no answer');
  const resolve = vi.fn<Resolve>(async ({ step, downstreamKey, ...known }) => {
    expect(known).toEqual({
      ...call,
      ...{ state: 'in_doubt', reason: 'the provider timed out', attempt: 1 },
      ...{ startedAt: expect.any(Date), finishedSteps: ['charge', 'note'], signal: expect.any(AbortSignal) },
    });
    expect(downstreamKey('charge')).toBe(sent);
    expect(await step('note')).toBeUndefined();
    expect(await step('mail')).toBeUndefined();
    return { action: 'complete', data: await step('charge'), api: 'run' };
  });
  const { keys } = await at.operator.resolvePending({ resolve });
  expect(keys).toMatchObject([{ outcome: 'complete' }]);
  expect(await at.idempotency.run(call, vi.fn())).toEqual({ id: 'ch_1' });
});

test('the `resolve` of createIdempotency is asked where the call has none', async () => {
  await using at = await start([inDoubt('k-1')], {
    resolve: () => ({ action: 'complete', data: { pay: 1 } }),
  });
  expect((await at.operator.resolvePending()).counts.complete).toBe(1);
  await using without = await start([inDoubt('k-1')]);
  await expect(without.operator.resolvePending()).rejects.toThrow(/Expected `resolve` to be a function/);
});

const USELESS: [what: string, resolve: () => unknown, error: RegExp, fields?: Document][] = [
  ['throws', () => Promise.reject(new Error('the provider is away')), /the provider is away/],
  [
    'throws before it gives a promise',
    () => {
      throw new Error('no provider');
    },
    /no provider/,
  ],
  ['gives no action', () => ({ action: 'done' }), /Expected `resolve` to return an object with the action/],
  ['gives data that JSON can not hold', () => ({ action: 'complete', data: 1n }), /JSON can hold/],
  [
    'gives an error without a message',
    () => ({ action: 'fail', error: { code: 1 } }),
    /the message of the error/,
  ],
  [
    'completes a key of which nothing tells the API',
    () => ({ action: 'complete', data: 1 }),
    /`api`/,
    { request: undefined },
  ],
];
test.each(USELESS)(
  'a function that %s leaves that key as it is, and the others go on',
  async (_, resolve, error, fields) => {
    await using at = await start([inDoubt('bad', fields), inDoubt('good')]);
    const before = await at.keys.findOne({ key: 'bad' });
    const { keys, counts } = await at.operator.resolvePending({
      concurrency: 1,
      resolve: (({ key }) =>
        key === 'bad' ? resolve() : { action: 'complete', data: { pay: 1 } }) as Resolve,
    });
    expect(counts).toMatchObject({ error: 1, complete: 1 });
    expect(String((keys[0] as { error?: unknown }).error)).toMatch(error);
    expect(await at.keys.findOne({ key: 'bad' })).toEqual(before);
    expect(await at.audit()).toHaveLength(1);
  },
);

test('a key that somebody settles while the function is asked is not overwritten, and the audit has the refusal', async () => {
  await using at = await start([inDoubt('k-1'), inDoubt('k-2')]);
  const resolve: Resolve = async ({ scope, key }) => {
    if (key === 'k-1') await at.operator.fail({ scope, key }, { error: 'declined', reason: REASON });
    return { action: 'complete', data: { pay: 1 } };
  };
  const { keys } = await at.operator.resolvePending({ resolve });
  expect(keys).toMatchObject([
    { key: 'k-1', outcome: 'refused', code: 'changed', why: expect.stringContaining('webhook did “fail”') },
    { key: 'k-2', outcome: 'complete' },
  ]);
  expect(await at.keys.findOne({ key: 'k-1' })).toMatchObject({ state: 'completed', outcome: 'error' });
  expect((await at.audit()).filter(({ result }) => result === 'refused')).toMatchObject([{ key: 'k-1' }]);
});

test('a key that was settled before its turn came is not asked about', async () => {
  await using at = await start([inDoubt('k-1'), inDoubt('k-2')]);
  const resolve = vi.fn<Resolve>(async () => {
    await at.keys.updateOne({ key: 'k-2' }, { $set: { state: 'released' } });
    return { action: 'in_doubt' };
  });
  const { keys } = await at.operator.resolvePending({ resolve, concurrency: 1 });
  expect(keys).toMatchObject([
    { outcome: 'in_doubt' },
    { key: 'k-2', outcome: 'refused', code: 'wrong_state' },
  ]);
  expect(resolve).toHaveBeenCalledTimes(1);
});

const NOT_PENDING: [string, Document, Partial<IdempotencyOptions>?][] = [
  ['runs', { state: 'running' }],
  ['is completed', { state: 'completed' }],
  ['is released', { state: 'released' }],
  ['has expired', { state: 'in_doubt', expiresAt: ago(1_000) }],
  ['lapsed in a transaction, which has committed nothing', lapsed('k-1', { transactional: true })],
  ["lapsed under onCrash: 'retry'", lapsed('k-1'), { onCrash: 'retry' }],
];
test.each(NOT_PENDING)('a key that %s is not asked about', async (_, record, policy) => {
  await using at = await start([record], policy);
  const resolve = vi.fn<Resolve>();
  expect(await at.operator.resolvePending({ resolve })).toMatchObject({ keys: [], next: null });
  expect(resolve).not.toHaveBeenCalled();
});

test('the oldest come first, in parts of `limit`, so that keys that stay in doubt do not keep the others from their turn', async () => {
  const names = ['k-1', 'k-2', 'k-3', 'k-4', 'k-5'];
  await using at = await start(names.map((key, index) => (index % 2 ? lapsed(key) : inDoubt(key))));
  const seen: string[][] = [];
  let after: string | null | undefined;
  do {
    const { keys, next }: Awaited<ReturnType<typeof at.operator.resolvePending>> =
      await at.operator.resolvePending({
        resolve: () => ({ action: 'in_doubt' }),
        limit: 2,
        ...(after && { after }),
      });
    seen.push(keys.map(({ key }) => key));
    after = next;
  } while (after !== null);
  expect(seen).toEqual([['k-1', 'k-2'], ['k-3', 'k-4'], ['k-5']]);
});

test('only keys of one operation are asked about where it is named', async () => {
  await using at = await start([inDoubt('k-1'), inDoubt('k-2', { operation: 'refund' })]);
  const { keys } = await at.operator.resolvePending({
    resolve: () => ({ action: 'in_doubt' }),
    operation: 'refund',
  });
  expect(keys.map(({ key }) => key)).toEqual(['k-2']);
});

test('no more than `concurrency` keys are asked about at the same time', async () => {
  await using at = await start(Array.from({ length: 6 }, (_, index) => inDoubt(`k-${index}`)));
  let asked = 0;
  let most = 0;
  const both = gate();
  const resolve: Resolve = async () => {
    most = Math.max(most, ++asked);
    if (asked === 2) both.open();
    await both;
    asked--;
    return { action: 'in_doubt' };
  };
  const { counts } = await at.operator.resolvePending({ resolve, concurrency: 2 });
  expect(counts.in_doubt).toBe(6);
  expect(most).toBe(2);
});

test('a signal that aborts ends the walk: the result has what was done, and where to go on', async () => {
  await using at = await start([inDoubt('k-1'), inDoubt('k-2'), inDoubt('k-3')]);
  const stop = new AbortController();
  const resolve: Resolve = ({ key }) => {
    if (key === 'k-1') return { action: 'retry' };
    stop.abort(new Error('shutting down'));
    return new Promise(() => {});
  };
  const { keys, next } = await at.operator.resolvePending({ resolve, concurrency: 1, signal: stop.signal });
  expect(keys).toMatchObject([
    { key: 'k-1', outcome: 'retry' },
    { key: 'k-2', outcome: 'error', error: new Error('shutting down') },
  ]);
  const rest = await at.operator.resolvePending({
    resolve: () => ({ action: 'in_doubt' }),
    after: String(next),
  });
  expect(rest.keys.map(({ key }) => key)).toEqual(['k-3']);
  const none = await at.operator.resolvePending({ resolve, signal: stop.signal });
  expect(none).toMatchObject({ keys: [], next: '0'.repeat(24) });
});

test('a function that takes longer than `leaseMs` is not waited for, and its signal aborts', async () => {
  await using at = await start([inDoubt('k-1')], { leaseMs: 1_000 });
  let signal: AbortSignal | undefined;
  const resolve: Resolve = (doubt) => {
    signal = doubt.signal;
    vi.advanceTimersByTime(1_000);
    return new Promise(() => {});
  };
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const { keys } = await at.operator.resolvePending({ resolve });
    expect(keys).toMatchObject([{ outcome: 'error', error: { name: 'TimeoutError' } }]);
  } finally {
    vi.useRealTimers();
  }
  expect(signal?.aborted).toBe(true);
});

test('a wrong option is a TypeError, before anything is read', async () => {
  await using at = await start([]);
  const { operator } = at;
  const wrong: [object, RegExp][] = [
    [{ limit: 0 }, /`limit` to be an integer from 1 to 10000/],
    [{ concurrency: 33 }, /`concurrency` to be an integer from 1 to 32/],
    [{ resolve: 'retry' }, /`resolve` to be a function/],
    [{ reason: 'short' }, /`reason` to be a text of 8 to 1,000 characters/],
    [{ after: 'x' }, /`after` to be the `next` of an earlier/],
    [{ signal: 1_000 }, /`signal` to be an AbortSignal/],
    [{ resolver: () => ({ action: 'retry' }) }, /did you mean `resolve`/],
  ];
  for (const [options, message] of wrong)
    await expect(operator.resolvePending(options as ResolvePendingOptions)).rejects.toThrow(message);
});
