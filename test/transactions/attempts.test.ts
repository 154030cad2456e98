import { describe, expect, test, vi } from 'vitest';
import type { CommitAnswer, Completion, Held, Transaction } from '../../server/engine/store.ts';
import type { Store } from '../../server/index.ts';
import { code, done, passed, setUp } from '../idempotency/support.ts';
import type { Result } from '../support/calls.ts';

interface Options {
  readonly leaseMs?: number;
  readonly store?: Partial<Store>;
  readonly transaction?: Partial<Transaction>;
}

/** The reference store with transactions. It has none of its own: what a test does not replace commits by settling the record. */
function setUpTransactional({ leaseMs = 30_000, store = {}, transaction = {} }: Options = {}) {
  vi.useFakeTimers();
  const committed = vi.fn();
  const begin = (held: Held): Transaction => ({
    session: { inTransaction: () => true } as Transaction['session'],
    async commit(completion: Completion): Promise<CommitAnswer> {
      committed();
      const { applied } = await engine.store.settle(held, completion);
      return { to: applied ? 'committed' : 'stale' };
    },
    abort: async () => {},
    isAlive: async () => true,
    blame: () => undefined,
    ...transaction,
  });
  const engine = setUp({ leaseMs, transaction: true, store: { begin, ...store } });
  return { ...engine, committed };
}

describe('a run in a transaction', () => {
  test('is not renewed: that write would abort the transaction', async () => {
    const renew = vi.fn();
    const { call, committed } = setUpTransactional({ store: { renew } });
    const answer = call(() => passed(24_000).then(done));
    await vi.advanceTimersByTimeAsync(24_000);
    expect(await answer).toMatchObject({ value: { data: 'done' } });
    expect(committed).toHaveBeenCalledOnce();
    expect(renew).not.toHaveBeenCalled();
  });

  test.each([
    [30_000, 25_000],
    [3_000, 2_250],
  ])('of a lease of %i ms has %i ms: the commit needs the rest', async (leaseMs, longestMs) => {
    const abort = vi.fn(async () => {});
    const { call, committed, types } = setUpTransactional({ leaseMs, transaction: { abort } });
    let signal: AbortSignal | undefined;
    const answer = call((run) => {
      ({ signal } = run);
      return passed(leaseMs - 1).then(done);
    });
    const refused = expect(answer).rejects.toEqual(
      code('IDEMPOTENCY_STORE_UNAVAILABLE', 'transaction_timeout'),
    );
    await vi.advanceTimersByTimeAsync(longestMs - 1);
    expect(signal?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(signal?.aborted).toBe(true);
    expect(abort).toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(leaseMs - longestMs);
    await refused;
    expect(committed).not.toHaveBeenCalled();
    expect(types()).toEqual(['started', 'released', 'refused']);
  });

  test('that ends too late on an event loop that stood still is not committed, though no timer said so', async () => {
    const { call, committed } = setUpTransactional();
    const now = performance.now();
    const answer = call(async () => {
      vi.spyOn(performance, 'now').mockReturnValue(now + 25_001);
      return done();
    });
    await expect(answer).rejects.toEqual(code('IDEMPOTENCY_STORE_UNAVAILABLE', 'transaction_timeout'));
    vi.restoreAllMocks();
    expect(committed).not.toHaveBeenCalled();
    expect(await call(done)).toMatchObject({ replayed: false }); // the key is free
  });
});

describe('a commit that seemed to be aborted', () => {
  const commit = async () => ({ to: 'aborted', blame: 'transient', error: new Error('no answer') }) as const;
  const standing = (stands: object) => async (held: Held) =>
    ({
      applied: false,
      stands: { owner: held.owner, fence: held.fence, state: 'completed', ...stands },
    }) as const;

  test('was done, where the record says that this run completed it: the caller gets its result', async () => {
    const { call } = setUpTransactional({ transaction: { commit }, store: { renew: standing({}) } });
    const answer = call(done);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await answer).toEqual({ value: { data: 'done' }, replayed: false });
  });

  test.each([
    ['another owner', { owner: 'rival' }],
    ['a later claim', { fence: Number.MAX_SAFE_INTEGER }],
    ['another state', { state: 'released' }],
  ])('was not, where the record says %s: the caller gets no result of its own', async (_, stands) => {
    const { call, events } = setUpTransactional({
      transaction: { commit },
      store: { renew: standing(stands) },
    });
    const refused = expect(call(done)).rejects.toEqual(code('IDEMPOTENCY_LEASE_LOST', 'taken_over'));
    await vi.advanceTimersByTimeAsync(1_000);
    await refused;
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'result_not_recorded', reason: 'taken_over' }),
    );
  });
});

describe('transactions that the store no longer has', () => {
  const endings: [string, Partial<Transaction>, () => Promise<Result>, object][] = [
    [
      'when it commits',
      { commit: async () => ({ to: 'aborted', blame: 'gone', error: new Error('NoSuchTransaction') }) },
      done,
      { message: expect.stringMatching(/had given up the transaction in each of 3 runs/) },
    ],
    [
      'when its handler has failed',
      { isAlive: async () => false },
      () => Promise.reject(new Error('declined')),
      { message: 'declined' },
    ],
  ];
  test.each(endings)(
    'are no bad luck the third time, %s: the caller is told',
    async (_, transaction, end, error) => {
      const { call, types } = setUpTransactional({ transaction });
      const handler = vi.fn(end);
      const refused = expect(call(handler)).rejects.toMatchObject(error);
      await vi.advanceTimersByTimeAsync(24_000);
      await refused;
      expect(handler).toHaveBeenCalledTimes(3);
      expect(types()).toEqual(['started', 'transaction_retried', 'transaction_retried', 'released']);
    },
  );
});
