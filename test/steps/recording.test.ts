import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { refusal } from '../../server/engine/errors.ts';
import type { Run, Store } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { gate } from '../support/gate.ts';
import { handled, openEngine } from './engine.ts';

const LEASE_MS = 3_000;
const down = () => Promise.reject(refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'unreachable'));

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** What a step said when it failed. */
const failureOf = (step: Promise<unknown>) =>
  step.then(
    () => 'none',
    ({ code, reason, message }) => ({ code, reason, message }),
  );

/** An engine whose store may be told to fail, and the failure of its one step. */
function openFailing(broken: () => Partial<Store>) {
  const inner = createMemoryStore();
  const faults: Partial<Store> = {};
  const engine = openEngine({ inner, faults, leaseMs: LEASE_MS });
  const charge = vi.fn(() => {
    Object.assign(faults, broken());
    return 'ch_1';
  });
  return {
    ...engine,
    inner,
    charge,
    mend: () => {
      for (const name of Object.keys(faults)) delete faults[name as keyof Store];
    },
  };
}

describe('a step that ended while the store does not answer', () => {
  test('waits, and goes on once it is recorded', async () => {
    const { call, charge, mend, record } = openFailing(() => ({ recordStep: down }));
    let isOver = false;
    const answer = call(
      handled(async (run) => {
        const id = await run.step('charge', charge);
        isOver = true;
        return id;
      }),
    );
    await vi.advanceTimersByTimeAsync(1_000);
    expect(isOver).toBe(false);
    mend();
    await vi.advanceTimersByTimeAsync(LEASE_MS);
    expect((await answer).value).toEqual({ data: 'ch_1' });
    expect(charge).toHaveBeenCalledTimes(1);
    expect(await record()).toMatchObject({ state: 'completed', steps: [{ name: 'charge' }] });
  });

  test('is IDEMPOTENCY_LEASE_LOST when the lease ends first, and leaves the key in doubt', async () => {
    const { call, charge, mend, record } = openFailing(() => ({ recordStep: down, renew: down }));
    const failures: unknown[] = [];
    const ship = vi.fn();
    const answer = call(
      handled(async (run) => {
        failures.push(await failureOf(run.step('charge', charge)));
        failures.push(await failureOf(run.step('ship', ship)));
        mend();
        throw new Error('not paid');
      }),
    );
    await vi.advanceTimersByTimeAsync(LEASE_MS + 2_000);
    expect((await answer).value).toEqual({ error: 'not paid' });
    expect(failures).toMatchObject([
      { code: 'IDEMPOTENCY_LEASE_LOST', reason: 'step_not_recorded' },
      { code: 'IDEMPOTENCY_LEASE_LOST', reason: 'expired' },
    ]);
    expect(ship).not.toHaveBeenCalled();
    expect(await record()).toMatchObject({ state: 'in_doubt' });
  });

  const refusing = () => openFailing(() => ({ recordStep: down }));
  const untilRefused = async (run: Run, charge: () => string) => failureOf(run.step('charge', charge));

  test('is told so when only this write is refused for as long as a lease', async () => {
    const { call, charge, record } = refusing();
    let failure: unknown;
    const answer = call(
      handled(async (run) => {
        failure = await untilRefused(run, charge);
        throw new Error('not paid');
      }),
    );
    await vi.advanceTimersByTimeAsync(2 * LEASE_MS);
    await answer;
    expect(failure).toEqual({
      code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
      reason: 'step_not_recorded',
      message: 'Step "charge" ended, but could not be recorded',
    });
    expect(await record()).toMatchObject({
      state: 'in_doubt',
      history: [{ reason: 'step "charge" ended, but could not be recorded' }],
    });
  });

  test('is not hidden by a release', async () => {
    const { call, charge, record } = refusing();
    const answer = call(
      handled(async (run) => {
        await untilRefused(run, charge);
        run.release('try again');
      }),
    );
    await vi.advanceTimersByTimeAsync(2 * LEASE_MS);
    await answer;
    expect(await record()).toMatchObject({ state: 'in_doubt' });
  });

  test('keeps the reason that the handler gives for its doubt', async () => {
    const { call, charge, record } = refusing();
    const answer = call(
      handled(async (run) => {
        await untilRefused(run, charge);
        run.inDoubt('charged, not recorded');
      }),
    );
    await vi.advanceTimersByTimeAsync(2 * LEASE_MS);
    await answer;
    expect(await record()).toMatchObject({ history: [{ reason: 'charged, not recorded' }] });
  });

  test('does not matter to a handler that succeeds', async () => {
    const { call, charge } = refusing();
    const body = handled(async (run) => {
      await untilRefused(run, charge);
      return 'paid';
    });
    const answer = call(body);
    await vi.advanceTimersByTimeAsync(2 * LEASE_MS);
    await answer;
    expect(await call(body)).toEqual({
      value: { data: 'paid' },
      replayed: true,
      expiresAt: expect.any(Date),
    });
  });

  test('is given up when the process closes', async () => {
    const { call, charge, idempotency, record } = refusing();
    const answer = call(handled((run) => run.step('charge', charge)));
    await vi.advanceTimersByTimeAsync(0);
    const closed = idempotency.close({ timeoutMs: 100 });
    await vi.advanceTimersByTimeAsync(100);
    expect((await answer).value).toEqual({ error: expect.stringMatching(/could not be recorded/) });
    await closed;
    expect(charge).toHaveBeenCalledTimes(1);
    expect(await record().catch(({ reason }) => reason)).toBe('closing');
  });
});

describe('a step of a run that has lost its lease', () => {
  test('does not begin', async () => {
    const charge = vi.fn();
    const { call } = openEngine({ leaseMs: LEASE_MS, faults: { renew: down } });
    let failure: unknown;
    const answer = call(
      handled(async (run) => {
        await new Promise((resolve) => run.signal.addEventListener('abort', resolve));
        failure = await failureOf(run.step('charge', charge));
      }),
    );
    await vi.advanceTimersByTimeAsync(LEASE_MS);
    await answer;
    expect(failure).toMatchObject({ code: 'IDEMPOTENCY_LEASE_LOST', reason: 'expired' });
    expect(charge).not.toHaveBeenCalled();
  });

  test('does not begin either when the event loop stalled past it', async () => {
    const charge = vi.fn();
    const { call } = openEngine({ leaseMs: LEASE_MS });
    const resumed = gate();
    let failure: unknown;
    const answer = call(
      handled(async (run) => {
        await resumed;
        failure = await failureOf(run.step('charge', charge));
      }),
    );
    await vi.advanceTimersByTimeAsync(0);
    const passed = performance.now() + LEASE_MS;
    const clock = vi.spyOn(performance, 'now').mockReturnValue(passed); // time went on, no timer fired
    resumed.open();
    await answer;
    clock.mockRestore();
    expect(failure).toMatchObject({ code: 'IDEMPOTENCY_LEASE_LOST' });
    expect(charge).not.toHaveBeenCalled();
  });

  test('is not recorded once another run took over, whose steps and result stand', async () => {
    const store = createMemoryStore();
    const first = openEngine({ inner: store, leaseMs: LEASE_MS, onCrash: 'retry' });
    const second = openEngine({ inner: store, leaseMs: LEASE_MS, onCrash: 'retry' });
    const stalled = gate();
    const started = gate();
    const seen: unknown[] = [];
    const late = first.call(
      handled(async (run) => {
        await run.step('reserve', () => 'r_1');
        seen.push(
          await failureOf(
            run.step('charge', async () => {
              started.open();
              await stalled;
              return 'late';
            }),
          ),
          run.signal.aborted,
        );
        throw new Error('stopped');
      }),
    );
    await started;
    vi.setSystemTime(Date.now() + LEASE_MS); // the store's clock went on, this process did not get to run
    const newer = await second.call(
      handled(async (run) => [
        await run.step('reserve', () => 'r_2'),
        await run.step('charge', () => `by attempt ${run.attempt}`),
      ]),
    );
    expect(newer.value).toEqual({ data: ['r_1', 'by attempt 2'] });
    stalled.open();
    await expect(late).rejects.toMatchObject({ code: 'IDEMPOTENCY_LEASE_LOST' });
    expect(seen).toMatchObject([{ code: 'IDEMPOTENCY_LEASE_LOST', reason: 'step_not_recorded' }, true]);
    expect(await first.record()).toMatchObject({
      state: 'completed',
      steps: [
        { name: 'reserve', attempt: 1 },
        { name: 'charge', attempt: 2, value: { body: '"by attempt 2"' } },
      ],
    });
  });
});

describe('a handler that settles before its steps', () => {
  test('is recorded once they have ended, whatever it ended with', async () => {
    const charged = gate();
    const { call, record } = openEngine();
    const answer = call(
      handled((run) =>
        Promise.all([
          run.step('charge', () => charged),
          run.step('mail', () => Promise.reject(new Error('no address'))),
        ]),
      ),
    );
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await record()).toMatchObject({ state: 'running' });
    charged.open();
    expect((await answer).value).toEqual({ error: 'no address' });
    expect(await record()).toMatchObject({
      state: 'completed',
      outcome: 'error',
      steps: [{ name: 'charge' }],
    });
  });

  test('begins no more of them', async () => {
    const ship = vi.fn();
    const charged = gate();
    const { call, record } = openEngine();
    let rest: Promise<unknown> = Promise.resolve();
    const answer = call(async (run) => {
      rest = run
        .step('charge', () => charged)
        .then(() => run.step('ship', ship).catch(({ message }) => message));
      return { error: 'gave up' };
    });
    await vi.advanceTimersByTimeAsync(0);
    charged.open();
    await answer;
    expect(await rest).toBe('Step "ship" begins after its run has ended: await each step');
    expect(ship).not.toHaveBeenCalled();
    expect((await record())?.steps).toMatchObject([{ name: 'charge' }]);
  });

  test('is still inside its own run for them: the same key there fails at once', async () => {
    const settled = gate();
    const { call } = openEngine();
    let inner: Promise<unknown> = Promise.resolve();
    const answer = call(async (run) => {
      inner = run.step('nested', async () => {
        await settled;
        return call(async () => ({ data: 'inner' })).then(
          () => 'ran',
          ({ code, reason }) => `${code} ${reason}`,
        );
      });
      return { data: 'outer' };
    });
    await vi.advanceTimersByTimeAsync(0);
    settled.open();
    expect((await answer).value).toEqual({ data: 'outer' });
    expect(await inner).toBe('IDEMPOTENCY_IN_PROGRESS own_run');
  });
});

describe('a `resolve` function', () => {
  test('sees which steps have finished, with their values, and a retry goes on from them', async () => {
    const store = createMemoryStore();
    const crashed = openEngine({ inner: store, leaseMs: LEASE_MS });
    const between = gate();
    void crashed.call(
      handled(async (run) => {
        await run.step('charge', () => 'ch_1');
        between.open();
        await new Promise(() => {});
      }),
    );
    await between;
    vi.clearAllTimers(); // the process died: no heartbeat
    await vi.advanceTimersByTimeAsync(LEASE_MS);
    const seen: unknown[] = [];
    const retry = openEngine({
      inner: store,
      leaseMs: LEASE_MS,
      resolve: async ({ finishedSteps, step }) => {
        seen.push(...finishedSteps, await step('charge'), await step('refund'));
        return { action: 'retry' };
      },
    });
    const charge = vi.fn(() => 'ch_2');
    const answer = await retry.call(handled((run) => run.step('charge', charge)));
    expect(answer.value).toEqual({ data: 'ch_1' });
    expect(charge).not.toHaveBeenCalled();
    expect(seen).toEqual(['charge', 'ch_1', undefined]);
  });
});
