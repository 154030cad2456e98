import { describe, expect, test, vi } from 'vitest';
import type { Answer } from '../../server/call.ts';
import { refusal } from '../../server/engine/errors.ts';
import {
  createIdempotency,
  type IdempotencyEvent,
  type IdempotencyOptions,
  type Policy,
  type Run,
} from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { callOf, type Result } from '../support/calls.ts';
import { code } from './support.ts';

async function abandoned(policy: Policy) {
  vi.useFakeTimers();
  const options: IdempotencyOptions = { store: createMemoryStore(), leaseMs: 1_000, waitTimeoutMs: 60_000 };
  const crashed = createIdempotency(options);
  void crashed.execute(callOf(crashed, () => new Promise(() => {})));
  await vi.advanceTimersByTimeAsync(0);
  vi.clearAllTimers(); // the process died: no heartbeat
  await vi.advanceTimersByTimeAsync(1_000);
  const events: IdempotencyEvent[] = [];
  const open = () => createIdempotency({ ...options, onEvent: (event) => events.push(event) });
  const idempotency = open();
  const handler = vi.fn(async (run: Run): Promise<Result> => ({ data: `attempt ${run.attempt}` }));
  const retry = (args = 1, by = idempotency) => by.execute(callOf(by, handler, { policy, args }));
  return { ...options, idempotency, events, handler, retry, open };
}

test('an abandoned run that was taken over as its process closed: the key is not free for other arguments', async () => {
  const { idempotency, store, retry, open } = await abandoned({ onAbandoned: 'rerun' });
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

describe('an abandoned run under a resolver function', () => {
  test('runs again on `rerun`', async () => {
    const { retry } = await abandoned({ onAbandoned: async () => ({ action: 'rerun' }) });
    expect(await retry()).toEqual({ value: { data: 'attempt 2' }, replayed: false });
    expect(await retry()).toMatchObject({ replayed: true });
  });

  const settled: [string, Policy, Result][] = [
    ['complete', { onAbandoned: async () => ({ action: 'complete', data: 'charged' }) }, { data: 'charged' }],
    [
      'fail',
      { onAbandoned: async () => ({ action: 'fail', error: 'not charged' }) },
      { error: 'not charged' },
    ],
  ];
  test.each(settled)('gets the stored answer on `%s`, without a run', async (_, policy, value) => {
    const { retry, handler } = await abandoned(policy);
    expect(await retry()).toEqual({ value, replayed: true });
    expect(await retry()).toEqual({ value, replayed: true });
    expect(handler).not.toHaveBeenCalled();
  });

  const doubtful: [string, NonNullable<Policy['onAbandoned']>][] = [
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
  test.each(doubtful)(
    'is in doubt when it %s, and is asked again on the next retry',
    async (_, onAbandoned) => {
      const resolver = vi.fn(onAbandoned as (...args: unknown[]) => never);
      const { retry, handler } = await abandoned({ onAbandoned: resolver });
      await expect(retry()).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
      await expect(retry()).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
      expect(resolver).toHaveBeenCalledTimes(2);
      expect(handler).not.toHaveBeenCalled();
    },
  );

  test('is in doubt, and its signal aborted, when it takes longer than the lease', async () => {
    let signal: AbortSignal | undefined;
    const { retry } = await abandoned({
      leaseMs: 1_000,
      onAbandoned: (_, resolverSignal) => {
        signal = resolverSignal;
        return new Promise(() => {});
      },
    });
    const answer = expect(retry()).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT', 'resolver_failed'));
    await vi.advanceTimersByTimeAsync(1_000);
    await answer;
    expect(signal?.aborted).toBe(true);
  });

  test('keeps the reason of a resolver that failed, whatever it threw, and in bounds', async () => {
    const onAbandoned = vi
      .fn<() => Promise<never>>()
      .mockRejectedValueOnce(refusal('IDEMPOTENCY_STORE_UNAVAILABLE'))
      .mockRejectedValueOnce(new Error('x'.repeat(1_000_000)))
      .mockRejectedValueOnce(Object.create(null));
    const { retry, events } = await abandoned({ onAbandoned });
    for (let i = 0; i < 3; i++) await expect(retry()).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
    expect(vi.getTimerCount()).toBe(0); // no lease is kept
    const reasons = events.flatMap(({ type, reason }) => (type === 'in_doubt' ? [reason] : []));
    expect(reasons).toEqual([
      expect.stringMatching(/^resolver failed: IdempotencyError: /),
      expect.stringMatching(/^resolver failed: Error: x{900,1000}$/),
      'resolver failed: something that has no text',
    ]);
  });

  test.each(settled)(
    'stores the answer of `%s`, whatever `classify` would make of it',
    async (_, policy, value) => {
      const { retry, handler } = await abandoned({ ...policy, classify: () => 'release' });
      expect(await retry()).toEqual({ value, replayed: true });
      expect(await retry()).toEqual({ value, replayed: true });
      expect(handler).not.toHaveBeenCalled();
    },
  );

  test('is asked once for 20 retries at the same time, which all get its answer', async () => {
    const onAbandoned = vi.fn(async () => ({ action: 'complete', data: 'charged' }) as const);
    const { retry } = await abandoned({ onAbandoned });
    const answers = await Promise.all(Array.from({ length: 20 }, () => retry()));
    expect(new Set(answers.map((answer: Answer<Result>) => JSON.stringify(answer.value)))).toEqual(
      new Set(['{"data":"charged"}']),
    );
    expect(onAbandoned).toHaveBeenCalledTimes(1);
  });

  test('sees the record of the run that was abandoned', async () => {
    const onAbandoned = vi.fn(
      async (_record: object, _signal: AbortSignal) => ({ action: 'in_doubt' }) as const,
    );
    const { retry } = await abandoned({ onAbandoned });
    await expect(retry()).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
    expect(onAbandoned.mock.calls[0]?.[0]).toMatchObject({
      state: 'running',
      key: 'k',
      scope: 's',
      attempts: 1,
    });
  });
});
