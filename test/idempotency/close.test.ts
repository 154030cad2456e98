import { describe, expect, test, vi } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { callOf } from '../support/calls.ts';
import { gate } from '../support/gate.ts';
import { code, done, setUp } from './support.ts';

/** An engine with a run under way, which `release` ends. */
async function setUpHeld() {
  const engine = setUp();
  const [started, release] = [gate(), gate()];
  const first = engine.call(() => {
    started.open();
    return release.then(done);
  });
  await started;
  return { ...engine, first, release };
}

describe('case 18: close', () => {
  test('waits for the run under way and its record, and takes no new key', async () => {
    const { call, idempotency, types, first, release } = await setUpHeld();
    const closed = idempotency.close();
    await expect(call(done, { key: 'new' })).rejects.toEqual(
      code('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing'),
    );
    release.open();
    expect(await first).toEqual({ value: { data: 'done' }, replayed: false });
    await closed;
    expect(types()).toContain('completed');
  });

  test('waits for a result that the store did not take at first', async () => {
    vi.useFakeTimers();
    const inner = createMemoryStore();
    const settle = vi
      .fn(inner.settle.bind(inner))
      .mockRejectedValueOnce(new Error('down'))
      .mockRejectedValueOnce(new Error('down'));
    const { call, idempotency, types } = setUp({ store: { claim: inner.claim.bind(inner), settle } });
    await call(done);
    expect(types()).toEqual(['started', 'result_not_recorded']);
    const closed = idempotency.close();
    await vi.advanceTimersByTimeAsync(5_000);
    await closed;
    expect(types()).toEqual(['started', 'result_not_recorded', 'completed']);
  });

  test('lets no duplicate wait for a run that may outlive it', async () => {
    const { call, idempotency, first, release } = await setUpHeld();
    const duplicate = call(done);
    const closed = idempotency.close();
    await expect(duplicate).rejects.toEqual(code('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing'));
    release.open();
    await Promise.all([first, closed]);
  });

  test('gives up after its time, and on results that can not be recorded', async () => {
    vi.useFakeTimers();
    const hanging = setUp();
    void hanging.call(() => new Promise(() => {}));
    const unrecorded = setUp({ store: { settle: async () => Promise.reject(new Error('down')) } });
    await unrecorded.call(done);
    const closed = Promise.all(
      [hanging, unrecorded].map(({ idempotency }) => idempotency.close({ timeoutMs: 500 })),
    );
    await vi.advanceTimersByTimeAsync(500);
    await closed;
  });

  test('waits for as long as it takes when told so', async () => {
    const { idempotency, first, release } = await setUpHeld();
    const closed = idempotency.close({ timeoutMs: null });
    setImmediate(release.open); // which a busy loop of microtasks would never let happen
    expect(await first).toMatchObject({ replayed: false });
    await closed;
  });

  test('leaves a store to others that use it, and the last one closes it', async () => {
    const { idempotency, call, store } = setUp();
    const other = createIdempotency({ store: internalsOf(idempotency).store });
    await other.close();
    await other.close();
    await expect(internalsOf(other).execute(callOf(other, done))).rejects.toEqual(
      code('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing'),
    );
    expect(await call(done)).toMatchObject({ replayed: false });
    await idempotency.close();
    await expect(store.ready()).rejects.toEqual(code('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing'));
  });

  test('may be called twice', async () => {
    const { idempotency } = setUp();
    await Promise.all([idempotency.close(), idempotency.close()]);
    await idempotency.close();
  });

  test.each([[-1], [Number.NaN], [Number.POSITIVE_INFINITY], [1.5], ['10s'], [2 ** 31]])(
    'takes no %j for a time, and goes on',
    async (timeoutMs) => {
      const { idempotency, call } = setUp();
      await expect(idempotency.close({ timeoutMs: timeoutMs as number })).rejects.toThrow(
        /^Expected `timeoutMs` to be an integer from 0 to 2147483647 or null, got /,
      );
      expect(await call(done)).toMatchObject({ replayed: false });
    },
  );

  test('happens at the end of the block of `await using`', async () => {
    const { idempotency, call } = setUp();
    {
      await using closing = idempotency;
      expect(closing.enabled).toBe(true);
      await call(done);
    }
    await expect(call(done)).rejects.toEqual(code('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing'));
  });
});
