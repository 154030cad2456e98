import { describe, expect, test, vi } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import type { Answer } from '../../server/call.ts';
import { refusal } from '../../server/engine/errors.ts';
import {
  createIdempotency,
  type IdempotencyEvent,
  type IdempotencyOptions,
  type Policy,
  type Resolver,
  type Run,
} from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { callOf, type Result } from '../support/calls.ts';
import { code } from './support.ts';

const released = { to: 'released', reason: 'by its late run', retentionMs: 60_000 } as const;

async function abandoned(policy: Policy) {
  vi.useFakeTimers();
  const options: IdempotencyOptions = { store: createMemoryStore(), leaseMs: 1_000, waitTimeoutMs: 60_000 };
  const crashed = createIdempotency(options);
  void internalsOf(crashed).execute(callOf(crashed, () => new Promise(() => {})));
  await vi.advanceTimersByTimeAsync(0);
  vi.clearAllTimers(); // the process died: no heartbeat
  await vi.advanceTimersByTimeAsync(1_000);
  const events: IdempotencyEvent[] = [];
  const open = () => createIdempotency({ ...options, onEvent: (event) => events.push(event) });
  const idempotency = open();
  const handler = vi.fn(async (run: Run): Promise<Result> => ({ data: `attempt ${run.attempt}` }));
  const retry = (args = 1, by = idempotency) =>
    internalsOf(by).execute(callOf(by, handler, { policy, args }));
  return { ...options, idempotency, events, handler, retry, open };
}

test('an abandoned run that was taken over as its process closed: the key is not free for other arguments', async () => {
  const { idempotency, store, retry, open } = await abandoned({ onCrash: 'retry' });
  const takeOver = store.takeOver.bind(store);
  vi.spyOn(store, 'takeOver').mockImplementationOnce((...request) => {
    store.close = async () => {}; // it is another process that goes on with it
    void idempotency.close();
    return takeOver(...request);
  });
  await expect(retry()).rejects.toEqual(code('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing'));
  const other = open();
  await expect(retry(2, other)).rejects.toEqual(code('IDEMPOTENCY_KEY_REUSED'));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await retry(1, other)).toEqual({ value: { data: 'attempt 3' }, replayed: false });
});

test('an abandoned run whose record goes while it is taken over: the call claims the key anew, and waits for nobody', async () => {
  const { retry, store } = await abandoned({ onCrash: 'retry' });
  vi.spyOn(store, 'takeOver').mockImplementationOnce(async (_, { owner, fence }) => {
    await store.settle({ scope: 's', key: 'k', owner, fence, life: 1, attempts: 1 }, released);
    return { won: false, ...(await store.read({ scope: 's', key: 'k' }, 'whole')) };
  });
  expect(await Promise.all([retry(), retry()])).toEqual([
    { value: { data: 'attempt 2' }, replayed: false },
    { value: { data: 'attempt 2' }, replayed: true, expiresAt: expect.any(Date) },
  ]);
});

describe('an abandoned run under a `resolve` function', () => {
  test('runs again on `retry`', async () => {
    const { retry } = await abandoned({ resolve: async () => ({ action: 'retry' }) });
    expect(await retry()).toEqual({ value: { data: 'attempt 2' }, replayed: false });
    expect(await retry()).toMatchObject({ replayed: true });
  });

  const settled: [string, Policy, Result][] = [
    ['complete', { resolve: async () => ({ action: 'complete', data: 'charged' }) }, { data: 'charged' }],
    ['fail', { resolve: async () => ({ action: 'fail', error: 'not charged' }) }, { error: 'not charged' }],
  ];
  test.each(settled)('gets the stored answer on `%s`, without a run', async (_, policy, value) => {
    const { retry, handler } = await abandoned(policy);
    expect(await retry()).toEqual({ value, replayed: true, expiresAt: expect.any(Date) });
    expect(await retry()).toEqual({ value, replayed: true, expiresAt: expect.any(Date) });
    expect(handler).not.toHaveBeenCalled();
  });

  const doubtful: [string, Resolver][] = [
    ['says so', async () => ({ action: 'in_doubt' })],
    ['throws', async () => Promise.reject(new Error('provider is down'))],
    [
      'throws before its first await',
      () => {
        throw new Error('provider is down');
      },
    ],
    ['answers something else', async () => ({ action: 'shrug' }) as never],
    ['answers nothing', async () => undefined as never],
  ];
  test.each(doubtful)('is in doubt when it %s, and is asked again on the next retry', async (_, resolve) => {
    const resolver = vi.fn(resolve as (...args: unknown[]) => never);
    const { retry, handler } = await abandoned({ resolve: resolver });
    await expect(retry()).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
    await expect(retry()).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
    expect(resolver).toHaveBeenCalledTimes(2);
    expect(handler).not.toHaveBeenCalled();
  });

  test('is in doubt, and its signal aborted, when it takes longer than the lease', async () => {
    let signal: AbortSignal | undefined;
    const { retry } = await abandoned({
      leaseMs: 1_000,
      resolve: (doubt) => {
        signal = doubt.signal;
        return new Promise(() => {});
      },
    });
    const answer = expect(retry()).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT', 'resolver_failed'));
    await vi.advanceTimersByTimeAsync(1_000);
    await answer;
    expect(signal?.aborted).toBe(true);
  });

  test('keeps the reason of a resolver that failed, whatever it threw, and in bounds', async () => {
    const resolve = vi
      .fn<() => Promise<never>>()
      .mockRejectedValueOnce(refusal('IDEMPOTENCY_STORE_UNAVAILABLE'))
      .mockRejectedValueOnce(new Error('x'.repeat(1_000_000)))
      .mockRejectedValueOnce(Object.create(null));
    const { retry, events } = await abandoned({ resolve });
    for (let i = 0; i < 3; i++) await expect(retry()).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
    expect(vi.getTimerCount()).toBe(0); // no lease is kept
    const reasons = events.flatMap((event) => (event.type === 'in_doubt' ? [event.detail] : []));
    expect(reasons).toEqual([
      expect.stringMatching(/^resolve: failed, IdempotencyError: /),
      expect.stringMatching(/^resolve: failed, Error: x{900,1000}$/),
      'resolve: failed, something that has no text',
    ]);
  });

  test.each(settled)(
    'stores the answer of `%s`, whatever `classify` would make of it',
    async (_, policy, value) => {
      const { retry, handler } = await abandoned({ ...policy, classify: () => 'release' });
      expect(await retry()).toEqual({ value, replayed: true, expiresAt: expect.any(Date) });
      expect(await retry()).toEqual({ value, replayed: true, expiresAt: expect.any(Date) });
      expect(handler).not.toHaveBeenCalled();
    },
  );

  test('is asked once for 20 retries at the same time, which all get its answer', async () => {
    const resolve = vi.fn(async () => ({ action: 'complete', data: 'charged' }) as const);
    const { retry } = await abandoned({ resolve });
    const answers = await Promise.all(Array.from({ length: 20 }, () => retry()));
    expect(new Set(answers.map((answer: Answer<Result>) => JSON.stringify(answer.value)))).toEqual(
      new Set(['{"data":"charged"}']),
    );
    expect(resolve).toHaveBeenCalledTimes(1);
  });
});
