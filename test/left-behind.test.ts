import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { internalsOf } from '../server/adapter/internals.ts';
import { createIdempotency, currentRun, type Run } from '../server/index.ts';
import { createMemoryStore } from '../server/memory/index.ts';
import { isInheritedKey, isNested } from '../server/run/run.ts';
import { callOf } from './support/calls.ts';
import { gate } from './support/gate.ts';

// A handler may leave work behind that makes the next keyed call: a saga, the consumer of a queue, a scheduler.

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Keyed calls, each begun by what the one before left behind. @returns what `each` made of their runs */
async function chain<T>(length: number, each: (run: Run, index: number) => T): Promise<T[]> {
  const idempotency = createIdempotency({ store: createMemoryStore() });
  const made: T[] = [];
  const done = gate();
  function next() {
    const index = made.length;
    const handler = async (run: Run) => {
      made.push(each(run, index));
      if (made.length === length) done.open();
      else setImmediate(next);
      return { data: index };
    };
    internalsOf(idempotency).execute(callOf(idempotency, handler, { key: `k${index}` }));
  }
  next();
  await done;
  return made;
}

test('the runs of a chain are forgotten, however long it gets', async () => {
  const runs: WeakRef<Run>[] = [];
  const alive = await chain(200, (run, index) => {
    runs.push(new WeakRef(run));
    if (index < 199) return undefined;
    collectGarbage(); // while the last one is under way
    return runs.filter((one) => one.deref() !== undefined).length;
  });
  expect(alive.at(-1)).toBeLessThan(50);
});

test('each run of a chain is the current one, and inside of no other', async () => {
  const seen = await chain(5, (run) => currentRun()?.key === run.key);
  expect(seen).toEqual([true, true, true, true, true]);
});

test('a key of the chain is still known for one that a request around had', async () => {
  const seen = await chain(5, () => [isInheritedKey('k0'), isInheritedKey('another')]);
  expect(seen).toEqual(Array.from({ length: 5 }, () => [true, false]));
});

test('what a handler left behind is in no run any more', async () => {
  const idempotency = createIdempotency({ store: createMemoryStore() });
  const later = gate();
  let left: Promise<boolean> | undefined;
  const handler = async () => {
    left = later.then(() => isNested());
    return { data: isNested() };
  };
  expect((await internalsOf(idempotency).execute(callOf(idempotency, handler))).value).toEqual({
    data: true,
  });
  later.open();
  expect(await left).toBe(false);
});
