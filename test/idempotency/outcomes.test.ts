import { describe, expect, test, vi } from 'vitest';
import type { Policy, Run, Verdict } from '../../server/index.ts';
import type { Result } from '../support/calls.ts';
import { code, done, setUp } from './support.ts';

describe('what is stored, released or left in doubt', () => {
  const doubtful: [string, (run: Run) => Promise<Result>, Policy][] = [
    [
      'run.inDoubt',
      async (run) => {
        run.inDoubt('provider timed out');
        return { data: 1 };
      },
      {},
    ],
    ['classify', done, { classify: () => 'in_doubt' }],
    [
      'a classify that throws',
      done,
      {
        classify: () => {
          throw new Error('no');
        },
      },
    ],
    [
      'a classify that throws what has no text',
      done,
      {
        classify: () => {
          throw Object.create(null);
        },
      },
    ],
    ['a classify with a reason', done, { classify: () => ({ inDoubt: 'provider timed out' }) }],
    ['a classify that returns something else', done, { classify: () => 'maybe' as never }],
    ['a classify whose reason is empty', done, { classify: () => ({ release: '' }) }],
    ['a classify whose reason is no text', done, { classify: () => ({ release: 429 }) as never }],
    ['a classify that says two things', done, { classify: () => ({ release: 'a', inDoubt: 'b' }) }],
  ];
  test.each(doubtful)(
    '%s leaves the record in doubt; the caller gets its result',
    async (_, handler, policy) => {
      const { call } = setUp();
      expect(await call(handler, { policy })).toMatchObject({ replayed: false });
      await expect(call(done, { policy })).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
    },
  );

  const free: [string, (run: Run) => Promise<Result>, Policy][] = [
    [
      'run.release',
      async (run) => {
        run.release('card was not touched');
        return { error: 'declined' };
      },
      {},
    ],
    ['classify', done, { classify: () => 'release' }],
    ['classify with a reason', done, { classify: () => ({ release: 'rate limited' }) }],
    ['case 4: a refusal before the handler', async () => ({ refused: '429' }), {}],
  ];
  test.each(free)('%s frees the key, for corrected arguments too', async (_, handler, policy) => {
    const { call } = setUp();
    expect(await call(handler, { policy })).toMatchObject({ replayed: false });
    expect(await call(done, { args: 'corrected' })).toEqual({ value: { data: 'done' }, replayed: false });
  });

  test.each<[Verdict, string, string]>([
    ['release', 'released', 'classified'],
    [{ release: 'rate limited' }, 'released', 'rate limited'],
    ['in_doubt', 'in_doubt', 'classified'],
    [{ inDoubt: 'provider timed out' }, 'in_doubt', 'provider timed out'],
  ])('the record says why: classify gives %o', async (verdict, state, reason) => {
    const { call, store, events } = setUp();
    await call(done, { policy: { classify: async () => verdict } });
    const { record } = await store.read({ scope: 's', key: 'k' }, 'whole');
    expect(record).toMatchObject({
      state,
      history: expect.arrayContaining([expect.objectContaining({ event: state, reason })]),
    });
    expect(events.at(-1)).toMatchObject({ type: state, reason: 'classified', detail: reason });
  });

  test('the last intention counts, and needs a reason', async () => {
    const { call } = setUp();
    await call(async (run) => {
      run.release('a');
      run.inDoubt('b');
      expect(() => run.release('')).toThrow(TypeError);
      expect(() => run.inDoubt(undefined as never)).toThrow(TypeError);
      return { data: 1 };
    });
    await expect(call(done)).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
  });

  test('a handler that rejects is in doubt, and its rejection reaches the caller', async () => {
    const { call } = setUp();
    await expect(call(() => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
    await expect(call(done)).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
  });

  test('classify sees the outcome and the result', async () => {
    const { call } = setUp();
    const classify = vi.fn(() => 'store' as const);
    await call(async () => ({ error: 'declined' }), { policy: { classify } });
    expect(classify).toHaveBeenCalledExactlyOnceWith({
      outcome: 'error',
      started: true,
      result: { error: 'declined' },
    });
  });
});

describe('case 27: a result larger than `maxResultBytes`', () => {
  // {"data":"…"} has 11 bytes around its text; é takes two.
  test.each([
    ['as large as allowed', 'é'.repeat(10), 31, true],
    ['one byte larger', 'é'.repeat(10), 30, false],
  ])('%s', async (_, data, maxResultBytes, kept) => {
    const { call } = setUp({ maxResultBytes });
    const handler = vi.fn(async () => ({ data }));
    expect(await call(handler)).toEqual({ value: { data }, replayed: false });
    if (kept)
      expect(await call(handler)).toEqual({ value: { data }, replayed: true, expiresAt: expect.any(Date) });
    else await expect(call(handler)).rejects.toEqual(code('IDEMPOTENCY_RESULT_NOT_RETAINED', 'too_large'));
    expect(handler).toHaveBeenCalledTimes(1);
  });
});
