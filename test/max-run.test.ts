import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { internalsOf } from '../server/adapter/internals.ts';
import { createIdempotency, type Policy, type Run } from '../server/index.ts';
import { createMemoryStore } from '../server/memory/index.ts';
import { openEngine } from './steps/engine.ts';
import { callOf, type Result } from './support/calls.ts';
import { type Gate, gate } from './support/gate.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const LIMIT = { leaseMs: 3_000, maxRunMs: 10_000, waitTimeoutMs: 60_000 } as const;
const never = () => new Promise<never>(() => {});
const inDoubt = (reason?: string) =>
  expect.objectContaining({ code: 'IDEMPOTENCY_IN_DOUBT', ...(reason && { reason }) });

/** A handler that goes on until a test ends it, in an engine that tells what happened. */
function startRun(policy: Policy = LIMIT, options: Parameters<typeof openEngine>[0] = {}) {
  const events: string[] = [];
  const engine = openEngine({ ...options, onEvent: ({ type }) => events.push(type) });
  const end: Gate<Result | Error> = gate<Result | Error>();
  let run: Run | undefined;
  const first = engine.call(
    async (begun) => {
      run = begun;
      const result = await end;
      if (result instanceof Error) throw result;
      return result;
    },
    { policy },
  );
  first.catch(() => {});
  const handler = vi.fn(async (): Promise<Result> => ({ data: 'again' }));
  return {
    ...engine,
    events,
    first,
    end: (result: Result | Error) => end.open(result),
    run: () => run as Run,
    handler,
    retry: (more: Pick<Policy, 'resolve'> = {}) => engine.call(handler, { policy: { ...policy, ...more } }),
  };
}

describe('a handler that takes longer than maxRunMs', () => {
  test('is told to stop, its caller gets IDEMPOTENCY_IN_DOUBT, and so does each retry', async () => {
    const started = startRun();
    await vi.advanceTimersByTimeAsync(9_999);
    expect(started.run().signal.aborted).toBe(false);
    expect(await started.record()).toMatchObject({ state: 'running' });
    await vi.advanceTimersByTimeAsync(1);
    expect(started.run().signal.reason).toMatchObject({ code: 'IDEMPOTENCY_LEASE_LOST', reason: 'max_run' });
    await expect(started.first).rejects.toEqual(inDoubt('max_run'));
    expect(await started.record()).toMatchObject({
      state: 'in_doubt',
      history: [{ event: 'in_doubt', reason: 'took longer than maxRunMs (10000 ms)' }],
    });
    await expect(started.retry()).rejects.toEqual(inDoubt());
    expect(started.handler).not.toHaveBeenCalled();
    expect(started.events).toEqual(['started', 'lease_lost', 'in_doubt', 'refused', 'refused']);
  });

  test('is not renewed any more', async () => {
    const inner = createMemoryStore();
    const renew = vi.fn(inner.renew.bind(inner));
    startRun(LIMIT, { inner, faults: { renew } });
    await vi.advanceTimersByTimeAsync(10_000);
    const before = renew.mock.calls.length;
    expect(before).toBeGreaterThan(5);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(renew).toHaveBeenCalledTimes(before);
  });

  test('gives IDEMPOTENCY_IN_DOUBT to those that wait for it, in this process and elsewhere', async () => {
    const started = startRun();
    await vi.advanceTimersByTimeAsync(1_000);
    const elsewhere = createIdempotency({ store: started.store });
    const waiting = [
      started.retry(),
      internalsOf(elsewhere).execute(callOf(elsewhere, started.handler, { policy: LIMIT })),
    ].map((answer) => answer.catch((error) => error.code));
    await vi.advanceTimersByTimeAsync(9_500);
    expect(await Promise.all(waiting)).toEqual(['IDEMPOTENCY_IN_DOUBT', 'IDEMPOTENCY_IN_DOUBT']);
    expect(started.handler).not.toHaveBeenCalled();
  });

  test('and then has a result: a retry gets it', async () => {
    const started = startRun();
    await vi.advanceTimersByTimeAsync(20_000);
    started.end({ data: 'paid' });
    await vi.advanceTimersByTimeAsync(0);
    expect(await started.retry()).toEqual({
      value: { data: 'paid' },
      replayed: true,
      expiresAt: expect.any(Date),
    });
    expect((await started.record())?.history).toMatchObject([
      { event: 'in_doubt' },
      { event: 'completed_late' },
    ]);
    expect(started.events.slice(0, 5)).toEqual(['started', 'lease_lost', 'in_doubt', 'refused', 'completed']);
  });

  test.each<[string, Result | Error, ((run: Run) => void)?]>([
    ['has an error', { error: 'stopped half-way' }],
    ['rejects', new Error('stopped half-way')],
    ['releases its key', { error: 'busy' }, (run) => run.release('busy')],
    ['is in doubt itself', { error: 'timeout' }, (run) => run.inDoubt('timeout')],
  ])('and then %s: it stays in doubt', async (_, result, intend) => {
    const started = startRun();
    await vi.advanceTimersByTimeAsync(20_000);
    intend?.(started.run());
    started.end(result);
    await vi.advanceTimersByTimeAsync(0);
    expect(await started.record()).toMatchObject({ state: 'in_doubt', history: [{ event: 'in_doubt' }] });
    await expect(started.retry()).rejects.toEqual(inDoubt());
  });

  test('begins no step any more, and one that is under way is not recorded', async () => {
    const started = startRun();
    const done = gate();
    await vi.advanceTimersByTimeAsync(0);
    const underWay = started
      .run()
      .step('charge', () => done.then(() => 1))
      .catch((error) => error);
    await vi.advanceTimersByTimeAsync(20_000);
    const mail = vi.fn();
    await expect(started.run().step('mail', mail)).rejects.toMatchObject({ reason: 'max_run' });
    done.open();
    expect(await underWay).toMatchObject({ code: 'IDEMPOTENCY_LEASE_LOST', reason: 'step_not_recorded' });
    expect(mail).not.toHaveBeenCalled();
    expect(await started.record()).not.toHaveProperty('steps');
  });

  test('is what a `resolve` function is asked about', async () => {
    const started = startRun();
    await vi.advanceTimersByTimeAsync(20_000);
    const resolve = vi.fn(async () => ({ action: 'complete', data: 'found' }) as const);
    expect(await started.retry({ resolve })).toEqual({
      value: { data: 'found' },
      replayed: true,
      expiresAt: expect.any(Date),
    });
    started.end({ data: 'paid' }); // too late for that: another owner stands
    await vi.advanceTimersByTimeAsync(0);
    expect(await started.retry()).toMatchObject({ value: { data: 'found' } });
  });

  test('keeps no `close()` waiting', async () => {
    const started = startRun();
    await vi.advanceTimersByTimeAsync(20_000);
    await started.idempotency.close();
    await expect(started.retry()).rejects.toMatchObject({ reason: 'closing' });
  });
});

test('a `classify` that never settles is over at maxRunMs, too', async () => {
  const started = startRun({ ...LIMIT, classify: never });
  await vi.advanceTimersByTimeAsync(0);
  started.end({ data: 'paid' });
  await vi.advanceTimersByTimeAsync(10_000);
  await expect(started.first).rejects.toEqual(inDoubt('max_run'));
});

test('a run that has ended in time is recorded, however long that takes', async () => {
  const inner = createMemoryStore();
  const written = gate();
  const settle = vi.fn(async (...given: Parameters<typeof inner.settle>) => {
    await written;
    return inner.settle(...given);
  });
  const started = startRun(LIMIT, { inner, faults: { settle } });
  await vi.advanceTimersByTimeAsync(9_000);
  started.end({ data: 'paid' });
  await vi.advanceTimersByTimeAsync(2_500);
  written.open();
  expect(await started.first).toEqual({ value: { data: 'paid' }, replayed: false });
  expect(settle).toHaveBeenCalledTimes(1);
  expect(await started.record()).toMatchObject({ state: 'completed', history: [] });
});

test.each<[string, Policy, Policy]>([
  ['by default', {}, {}],
  ['for an operation that turns it off', { maxRunMs: 10_000 }, { maxRunMs: null }],
])('a handler may run for as long as it takes %s', async (_, defaults, policy) => {
  const started = startRun({ ...policy, leaseMs: 3_000 }, defaults);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(started.run().signal.aborted).toBe(false);
  started.end({ data: 'paid' });
  expect(await started.first).toMatchObject({ value: { data: 'paid' } });
});
