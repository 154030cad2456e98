import { describe, expect, test, vi } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import { createIdempotency, type Run, type Store } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { callOf, type Result } from '../support/calls.ts';
import { gate } from '../support/gate.ts';
import { code, done, passed, setUp } from './support.ts';

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
}

describe('the lease', () => {
  const LEASE = { leaseMs: 3_000, waitTimeoutMs: 60_000 };

  test('case 24: is renewed while the handler runs, so a long run is one run', async () => {
    vi.useFakeTimers();
    const { call, store } = setUp(LEASE);
    const release = gate();
    const handler = vi.fn(() => release.then(done));
    const first = call(handler);
    const elsewhere = createIdempotency({ store, ...LEASE });
    const duplicate = internalsOf(elsewhere).execute(callOf(elsewhere, handler));
    await vi.advanceTimersByTimeAsync(20_000);
    release.open();
    await first;
    expect(await duplicate).toMatchObject({ replayed: true });
    expect(handler).toHaveBeenCalledTimes(1);
  });

  test('that can not be renewed aborts the signal when the last renewal, counted from its sending, ends', async () => {
    vi.useFakeTimers();
    let down = false;
    const { call, events } = setUp({
      ...LEASE,
      store: {
        renew: async () => {
          if (down) throw new Error('down');
          return { applied: true };
        },
      },
    });
    let signal: AbortSignal | undefined;
    const release = gate();
    const first = call(async (run) => {
      ({ signal } = run);
      await release;
      return { data: 1 };
    });
    await vi.advanceTimersByTimeAsync(1_000); // renewed at 1 s: covered until 4 s
    down = true;
    await vi.advanceTimersByTimeAsync(2_999);
    expect(signal?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(signal?.reason).toEqual(code('IDEMPOTENCY_LEASE_LOST'));
    expect(events.map((event) => event.type)).toContain('lease_lost');
    release.open();
    expect(await first).toMatchObject({ value: { data: 1 } });
  });

  test.each<[string, Result, ((run: Run) => void)?]>([
    ['completed', { data: 1 }],
    ['completed', { error: 'declined' }],
    ['released', { error: 'busy' }, (run) => run.release('busy')],
    ['in_doubt', { error: 'timeout' }, (run) => run.inDoubt('timeout')],
  ])('is not lost by a renewal that is under way while the record becomes %s', async (to, result, intend) => {
    vi.useFakeTimers();
    const [renewing, answered] = [gate(), gate()];
    const { call, types, store } = setUp({
      ...LEASE,
      store: {
        async renew(held, lease) {
          renewing.open();
          await answered;
          return store.renew(held, lease);
        },
        async settle(held, settlement) {
          const answer = await store.settle(held, settlement);
          answered.open(); // the renewal reaches the store after this, and is answered first
          await vi.advanceTimersByTimeAsync(0);
          return answer;
        },
      },
    });
    const first = call(async (run) => {
      await renewing;
      intend?.(run);
      return result;
    });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await first).toMatchObject({ replayed: false });
    expect(types()).toEqual(['started', to]);
  });

  test('once lost makes an error of the handler doubtful, and keeps a success', async () => {
    vi.useFakeTimers();
    const lost: Partial<Store> = { renew: async () => ({ applied: false, stands: null }) };
    const failing = setUp({ ...LEASE, store: lost });
    const failed = failing.call((run) => aborted(run.signal).then(() => ({ error: 'stopped half-way' })));
    const succeeding = setUp({ ...LEASE, store: lost });
    const succeeded = succeeding.call((run) => aborted(run.signal).then(done));
    await vi.advanceTimersByTimeAsync(1_000);
    await Promise.all([failed, succeeded]);
    await expect(failing.call(done)).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
    expect(await succeeding.call(done)).toMatchObject({ replayed: true });
  });

  test('that ended while the process was frozen is seen by a handler that looks, before any timer', async () => {
    vi.useFakeTimers();
    const { call, events } = setUp(LEASE);
    const woken = gate();
    const first = call(async (run) => {
      await woken;
      if (run.signal.aborted) throw run.signal.reason;
      return done();
    });
    const refused = expect(first).rejects.toEqual(code('IDEMPOTENCY_LEASE_LOST'));
    await vi.advanceTimersByTimeAsync(0);
    const now = performance.now();
    const clock = vi.spyOn(performance, 'now').mockReturnValue(now + 3_000); // no timer fires
    woken.open();
    await refused;
    clock.mockRestore();
    expect(events.map(({ type }) => type)).toContain('lease_lost');
  });

  test('that a stalled event loop outlived: a retry finds it in doubt, and the true result settles it', async () => {
    vi.useFakeTimers();
    const { call, store } = setUp(LEASE);
    const release = gate();
    const first = call(() => release.then(done));
    await vi.advanceTimersByTimeAsync(0);
    vi.setSystemTime(Date.now() + 3_000); // the clock went on, no timer fired
    const elsewhere = createIdempotency({ store, ...LEASE });
    await expect(internalsOf(elsewhere).execute(callOf(elsewhere, done))).rejects.toEqual(
      code('IDEMPOTENCY_IN_DOUBT'),
    );
    release.open();
    await first;
    expect(await internalsOf(elsewhere).execute(callOf(elsewhere, done))).toEqual({
      value: { data: 'done' },
      replayed: true,
      expiresAt: expect.any(Date),
    });
  });

  test('taken over: the late worker gets IDEMPOTENCY_LEASE_LOST and the newer result stands', async () => {
    vi.useFakeTimers();
    const { call, store } = setUp({ ...LEASE, onCrash: 'retry' });
    const release = gate();
    const first = call(() => release.then(() => ({ data: 'late' })));
    const late = expect(first).rejects.toEqual(code('IDEMPOTENCY_LEASE_LOST'));
    await vi.advanceTimersByTimeAsync(0);
    vi.setSystemTime(Date.now() + 3_000);
    const elsewhere = createIdempotency({ store, ...LEASE, onCrash: 'retry' });
    const second = await internalsOf(elsewhere).execute(
      callOf(elsewhere, async (run) => ({ data: `attempt ${run.attempt}` })),
    );
    expect(second).toEqual({ value: { data: 'attempt 2' }, replayed: false });
    release.open();
    await late;
    expect(await call(done)).toEqual({
      value: { data: 'attempt 2' },
      replayed: true,
      expiresAt: expect.any(Date),
    });
  });

  test('of a claim acknowledged late is renewed before the handler starts', async () => {
    vi.useFakeTimers();
    const order: string[] = [];
    const inner = createMemoryStore();
    const { call } = setUp({
      ...LEASE,
      store: {
        claim: async (request) => {
          const answer = await inner.claim(request);
          vi.advanceTimersByTime(1_001);
          return answer;
        },
        renew: async (held, lease) => {
          order.push('renewed');
          return inner.renew(held, lease);
        },
        settle: (held, settlement) => inner.settle(held, settlement),
      },
    });
    await call(async () => {
      order.push('handler');
      return { data: 1 };
    });
    expect(order).toEqual(['renewed', 'handler']);
  });

  test.each([
    ['its claim', 3_001, 0],
    ['its claim and its renewal together', 2_900, 2_900],
  ])('is whole when the handler starts, though %s took longer than it', async (_, claimMs, renewMs) => {
    vi.useFakeTimers();
    const inner = createMemoryStore();
    const { call } = setUp({
      ...LEASE,
      store: {
        claim: (request) => inner.claim(request).finally(() => passed(claimMs)),
        renew: (held, lease) => inner.renew(held, lease).finally(() => passed(renewMs)),
        settle: (held, settlement) => inner.settle(held, settlement),
      },
    });
    const answer = call(async (run) => ({ data: run.signal.aborted }));
    await vi.advanceTimersByTimeAsync(6_000);
    expect((await answer).value).toEqual({ data: false });
  });

  test('is not begun with when the store can not keep it: the key is given back and nothing runs', async () => {
    vi.useFakeTimers();
    const handler = vi.fn(done);
    let slow = true;
    const { call, store } = setUp({
      ...LEASE,
      store: {
        claim: (request) => store.claim(request).finally(() => slow && passed(3_000)),
        renew: (held, lease) => store.renew(held, lease).finally(() => slow && passed(3_000)),
      },
    });
    const refused = expect(call(handler)).rejects.toEqual(code('IDEMPOTENCY_STORE_UNAVAILABLE', 'timeout'));
    await vi.advanceTimersByTimeAsync(6_000);
    await refused;
    expect(handler).not.toHaveBeenCalled();
    expect((await store.read({ scope: 's', key: 'k' }, 'head')).record).toMatchObject({ state: 'released' });
    slow = false;
    expect(await call(handler)).toMatchObject({ replayed: false });
  });

  test('of a late claim that can not be renewed: the key is given back and nothing runs', async () => {
    vi.useFakeTimers();
    const giveUp = vi.fn();
    const handler = vi.fn(done);
    const inner = createMemoryStore();
    const unavailable = Object.assign(new Error('down'), { code: 'IDEMPOTENCY_STORE_UNAVAILABLE' });
    const { call } = setUp({
      ...LEASE,
      store: {
        claim: async (request) => {
          const answer = await inner.claim(request);
          vi.advanceTimersByTime(1_001);
          return answer;
        },
        renew: async () => Promise.reject(unavailable),
        giveUp,
      },
    });
    await expect(call(handler)).rejects.toBe(unavailable);
    expect(giveUp).toHaveBeenCalledOnce();
    expect(handler).not.toHaveBeenCalled();
  });
});
