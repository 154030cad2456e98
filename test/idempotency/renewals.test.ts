import { describe, expect, test, vi } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import { createIdempotency, type Run, type Store } from '../../server/index.ts';
import { callOf } from '../support/calls.ts';
import { gate } from '../support/gate.ts';
import { code, done, passed, setUp } from './support.ts';

const LEASE = { leaseMs: 9_000, waitTimeoutMs: 60_000 };

/** A call whose handler runs until `end` opens, with its run, under a fake clock. */
async function setUpRunning(options: { onCrash?: 'retry'; maxRunMs?: number; store?: Partial<Store> } = {}) {
  vi.useFakeTimers();
  const engine = setUp({ ...LEASE, ...options });
  const end = gate();
  const runs: Run[] = [];
  const answer = engine.call(async (run) => {
    runs.push(run);
    await end;
    return done();
  });
  await vi.advanceTimersByTimeAsync(0);
  return { ...engine, answer, end, run: runs[0] as Run };
}

describe('a renewal', () => {
  test('that is answered late covers the run for no longer than the record is leased: from when it was sent', async () => {
    const renew = vi
      .fn()
      .mockImplementationOnce(() => passed(2_000).then(() => ({ applied: true })))
      .mockRejectedValue(new Error('down'));
    const { answer, end, run } = await setUpRunning({ store: { renew } });
    await vi.advanceTimersByTimeAsync(3_000); // it is sent: the record is leased until 12 s
    await vi.advanceTimersByTimeAsync(8_999);
    expect(run.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(run.signal.reason).toEqual(code('IDEMPOTENCY_LEASE_LOST', 'expired'));
    end.open();
    await answer;
  });

  test('that fails is followed by another one soon enough to save the lease', async () => {
    const sentAt: number[] = [];
    const { answer, end, run, types } = await setUpRunning({
      store: {
        async renew() {
          sentAt.push(performance.now());
          if (sentAt.length < 4) throw new Error('down');
          return { applied: true };
        },
      },
    });
    await vi.advanceTimersByTimeAsync(11_000);
    const [first = 0, ...others] = sentAt;
    // The usual distance of 3 s comes back with the first answer.
    expect(others.map((at) => Math.round(at - first))).toEqual([1_000, 2_000, 3_000, 6_000]);
    expect(run.signal.aborted).toBe(false);
    end.open();
    await answer;
    expect(types()).not.toContain('lease_lost');
  });

  test.each([
    ['was applied', { applied: true }],
    ['found another holder', { applied: false, stands: null }],
  ] as const)('that is answered after the end of its run, and %s, is nobody’s concern', async (_, found) => {
    const renewed = gate();
    const { answer, end, run, types } = await setUpRunning({
      store: { renew: () => renewed.then(() => found) },
    });
    await vi.advanceTimersByTimeAsync(3_000);
    end.open();
    await answer;
    renewed.open();
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(run.signal.aborted).toBe(false);
    expect(types()).toEqual(['started', 'completed']);
  });

  test('is the last one when the run takes longer than maxRunMs while it is under way', async () => {
    const renew = vi.fn(() => passed(1_000).then(() => ({ applied: true as const })));
    // The doubt can not be written either, so the lease is not over by that.
    const settle = () => Promise.reject(new Error('down'));
    const { answer, end } = await setUpRunning({ maxRunMs: 3_500, store: { renew, settle } });
    const refused = expect(answer).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT', 'max_run'));
    await vi.advanceTimersByTimeAsync(20_000);
    await refused;
    expect(renew).toHaveBeenCalledTimes(1);
    end.open();
  });
});

describe('a run that has lost its lease', () => {
  test('holds up no duplicate in its process: that asks the store, and gets what the newer run has stored', async () => {
    const { answer, call, end, store, types } = await setUpRunning({ onCrash: 'retry' });
    const lost = expect(answer).rejects.toEqual(code('IDEMPOTENCY_LEASE_LOST'));
    const duplicate = call(done);
    await vi.advanceTimersByTimeAsync(0);
    expect(types()).toContain('joined');
    vi.setSystemTime(Date.now() + 9_000); // the record’s lease ends while this process stands still
    const elsewhere = createIdempotency({ store, ...LEASE, onCrash: 'retry' });
    await internalsOf(elsewhere).execute(callOf(elsewhere, async () => ({ data: 'newer' })));
    await vi.advanceTimersByTimeAsync(3_000); // the next renewal finds the other owner
    expect(await duplicate).toMatchObject({ value: { data: 'newer' }, replayed: true });
    end.open();
    await lost;
  });
});
