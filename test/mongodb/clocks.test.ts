import { afterEach, describe, expect, it, vi } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import type { Store } from '../../server/engine/store.ts';
import { createIdempotency, type Run } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { callOf, type Result } from '../support/calls.ts';
import { openStore } from './open-store.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

async function openMemory() {
  return { store: createMemoryStore(), [Symbol.asyncDispose]: async () => {} };
}

const OPENERS: Record<string, () => Promise<{ store: Store } & AsyncDisposable>> = {
  MongoDB: openStore,
  memory: openMemory,
};

describe.each(Object.entries(OPENERS))('on %s', (_, open) => {
  it.each([
    ['at the beginning of time', 0],
    ['before 1970', -5],
    ['between two milliseconds', 1_700_000_000_000.5],
    ['at no time', Number.NaN],
    ['at the end of time', Number.POSITIVE_INFINITY],
    ['beyond what a date can hold', 1e20],
  ])('a clock that stands %s makes no record that can not be read', async (_, now) => {
    await using opened = await open();
    const idempotency = createIdempotency({ store: opened.store });
    await idempotency.ready();
    const call = (handler: (run: Run) => Promise<Result>) =>
      internalsOf(idempotency).execute(callOf(idempotency, handler));
    const fences: number[] = [];
    const release = async (run: Run): Promise<Result> => {
      fences.push(run.fence);
      run.release('again');
      return { error: 'busy' };
    };
    vi.spyOn(Date, 'now').mockReturnValue(now);
    await call(release);
    await call(release);
    expect(fences[1]).toBeGreaterThan(fences[0] as number);
    expect(await call(async () => ({ data: 'done' }))).toMatchObject({ replayed: false });
    vi.restoreAllMocks();
    expect(await call(async () => ({ data: 'again' }))).toMatchObject({
      value: { data: 'done' },
      replayed: true,
    });
  });
});
