import { describe, expect, test, vi } from 'vitest';
import { createMemoryStore } from '../../server/memory/index.ts';
import { done, setUp } from './support.ts';

describe('a completion that can not be stored', () => {
  test('the caller gets the true result, and the record gets it as soon as the store is back', async () => {
    vi.useFakeTimers();
    let down = true;
    const inner = createMemoryStore();
    const { call, types } = setUp({
      store: {
        claim: (request) => inner.claim(request),
        renew: (held, lease) => inner.renew(held, lease),
        settle: async (held, settlement) => {
          if (down) throw new Error('down');
          return inner.settle(held, settlement);
        },
      },
    });
    expect(await call(done)).toEqual({ value: { data: 'done' }, replayed: false });
    expect(types()).toEqual(['started', 'result_not_recorded']);
    await vi.advanceTimersByTimeAsync(60_000);
    down = false;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(types()).toEqual(['started', 'result_not_recorded', 'completed']);
    expect(await call(done)).toMatchObject({ replayed: true });
  });

  test('is tried for ten minutes', async () => {
    vi.useFakeTimers();
    const settle = vi.fn(async () => Promise.reject(new Error('down')));
    const { call } = setUp({ store: { settle } });
    await call(done);
    await vi.advanceTimersByTimeAsync(11 * 60_000);
    const tries = settle.mock.calls.length;
    expect(tries).toBeGreaterThan(100);
    await vi.advanceTimersByTimeAsync(60 * 60_000);
    expect(settle.mock.calls.length).toBe(tries);
  });

  test.each([
    ['the record is gone', null],
    ['an operator has released it', { own: true, state: 'released' }],
  ])('because %s: the caller still gets the true result', async (_, stands) => {
    const { call, events } = setUp({
      store: {
        settle: async (held) => ({
          applied: false,
          stands: stands && { owner: held.owner, fence: held.fence, state: stands.state },
        }),
      },
    });
    expect(await call(done)).toEqual({ value: { data: 'done' }, replayed: false });
    expect(events.at(-1)).toMatchObject({ type: 'result_not_recorded', reason: stands?.state ?? 'gone' });
  });
});
