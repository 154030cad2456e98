import { describe, expect, test, vi } from 'vitest';
import type { Answer } from '../../server/call.ts';
import { currentRun, type Run, requireRun } from '../../server/index.ts';
import { outsideRun } from '../../server/run/run.ts';
import type { Result } from '../support/calls.ts';
import { gate } from '../support/gate.ts';
import { code, done, setUp } from './support.ts';

describe('currentRun', () => {
  test('is the run inside its handler, after awaits too, and nothing outside', async () => {
    const { call } = setUp();
    expect(currentRun()).toBeUndefined();
    await call(async (run) => {
      await Promise.resolve();
      expect(currentRun()).toBe(run);
      expect(run).toMatchObject({ key: 'k', scope: 's', attempt: 1, fence: expect.any(Number) });
      expect(outsideRun(currentRun)).toBeUndefined();
      return { data: 1 };
    });
    expect(currentRun()).toBeUndefined();
  });

  test('the same key inside its own run fails at once, at any depth', async () => {
    const { call } = setUp();
    const inner = vi.fn(done);
    await call(async () => {
      await expect(call(inner)).rejects.toEqual(code('IDEMPOTENCY_IN_PROGRESS', 'own_run'));
      await call(
        () =>
          outsideRun(async () => {
            await expect(call(inner)).rejects.toEqual(code('IDEMPOTENCY_IN_PROGRESS', 'own_run'));
            return { data: 2 };
          }),
        { key: 'another' },
      );
      return { data: 1 };
    });
    expect(inner).not.toHaveBeenCalled();
  });

  test('work that a handler leaves behind is no longer inside: it gets the stored answer', async () => {
    const { call } = setUp();
    const go = gate();
    let left: Promise<Answer<Result>> | undefined;
    await call(async () => {
      left = go.then(() => call(done));
      return { data: 'stored' };
    });
    go.open();
    expect(await left).toEqual({ value: { data: 'stored' }, replayed: true, expiresAt: expect.any(Date) });
  });

  test('a downstream key is the same on each attempt, and differs by name, key, scope and life', async () => {
    vi.useFakeTimers();
    const { call } = setUp();
    const keys: string[] = [];
    const take = (name: string) => async (run: Run) => {
      keys.push(run.downstreamKey(name));
      run.release('again');
      return { data: 1 };
    };
    await call(take('charge'));
    await call(take('charge'));
    expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(keys[1]).toBe(keys[0]);
    await call(take('receipt'));
    await call(take('charge'), { key: 'k2' });
    await call(take('charge'), { scope: 's2' });
    vi.setSystemTime(Date.now() + 25 * 3_600_000);
    await call(take('charge'));
    expect(new Set(keys).size).toBe(5);
  });
});

describe('requireRun', () => {
  test('is the run inside its handler, and an error that says why outside of one', async () => {
    const { call } = setUp();
    await call(async (run) => {
      expect(requireRun()).toBe(run);
      expect(() => outsideRun(() => requireRun())).toThrow(TypeError);
      return { data: 1 };
    });
    expect(() => requireRun()).toThrow(
      /there is none here: the call came without an idempotency key \(`require: true` refuses such calls\)/,
    );
  });

  test('asks for a transaction where the handler relies on one', async () => {
    const { call } = setUp();
    await call(async () => {
      expect(() => requireRun({ transaction: true })).toThrow(
        'this run has none: give the operation the policy `transaction: true`',
      );
      return { data: 1 };
    });
    expect(() => requireRun({ transaction: true })).toThrow(/there is none here/);
  });
});
