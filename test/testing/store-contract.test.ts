import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as runner from 'vitest';
import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../server/engine/store.ts';
import type { Store } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { createTestkit, storeContract, type TestRunner } from '../../server/testing/index.ts';

/** Makes a runner of tests that keeps what is declared. It runs the groups of a name only. */
function keepingRunner(group: string) {
  const names: string[] = [];
  const before: (() => Promise<void>)[] = [];
  const after: (() => Promise<void>)[] = [];
  const bodies = new Map<string, () => Promise<void>>();
  const runner: TestRunner = {
    describe(name, body) {
      names.push(name);
      body();
      names.pop();
    },
    it(name, body) {
      if (names.at(-1) === group) bodies.set(name, body);
    },
    before: (body) => before.push(body),
    after: (body) => after.push(body),
  };
  return {
    runner,
    async failures(): Promise<string[]> {
      const failed: string[] = [];
      for (const body of before) await body();
      for (const [name, body] of bodies) await body().catch(() => failed.push(name));
      for (const body of after) await body();
      return failed;
    },
  };
}

type Change = (store: Store) => Partial<Store>;

/** Makes a store in memory, some of whose methods are others. */
function changed(change: Change): Store {
  const store = createMemoryStore();
  return new Proxy(store, {
    get: (_, name: keyof Store) => change(store)[name] ?? (store[name] as () => unknown)?.bind(store),
  });
}

async function failuresOf(group: string, change: Change): Promise<string[]> {
  const { runner, failures } = keepingRunner(group);
  const open = async () => {
    const store = changed(change);
    return { store, [Symbol.asyncDispose]: () => store.close(0) };
  };
  storeContract('a store', open, runner);
  return failures();
}

/** Changes each record that a takeover tells of, which is how the contract reads. */
const telling =
  (change: (record: object) => object): Change =>
  (store) => ({
    async takeOver(...args) {
      const answer = await store.takeOver(...args);
      if (answer.won || !answer.record) return answer;
      return { ...answer, record: change(answer.record) } as typeof answer;
    },
  });

describe('the contract finds a store that', () => {
  test.each<[fault: string, group: string, change: Change, found: string]>([
    [
      'has a field of its own in its records',
      'claim',
      telling((record) => ({ ...record, extra: 1 })),
      'a fresh key is won, and the record says by whom',
    ],
    [
      'keeps a field that a new life must not have',
      'claim',
      telling((record) => ({ ...record, outcome: 'success' })),
      'what an expired record held is gone',
    ],
    [
      'loses the history of a key',
      'settle',
      telling((record) => ({ ...record, history: [] })),
      'a result that comes late still completes a key in doubt, and says so',
    ],
    [
      'lets everybody win',
      'claim',
      (store) => ({
        async claim(request) {
          await store.claim(request);
          const { scope, key, owner } = request;
          return { won: true, held: { scope, key, owner, fence: 1, life: 1, attempts: 1 }, sentAt: 0 };
        },
      }),
      'of 100 concurrent claims of a fresh key one wins',
    ],
    [
      'counts the lease from before the claim was sent',
      'claim',
      (store) => ({
        async claim(request) {
          const answer = await store.claim(request);
          return answer.won ? { ...answer, sentAt: -1 } : answer;
        },
      }),
      'a fresh key is won, and the record says by whom',
    ],
    [
      'says that a settlement was applied which was not',
      'settle',
      (store) => ({
        async settle(...args) {
          await store.settle(...args);
          return { applied: true };
        },
      }),
      'another owner settles nothing, and is told what stands',
    ],
    [
      'says that a renewal was applied which was not',
      'renew',
      () => ({ renew: async () => ({ applied: true }) }),
      'a lease that has lapsed is renewed, as long as nobody took over',
    ],
    [
      'tells its time in ms',
      'read',
      (store) => ({
        async read(...args) {
          return { ...(await store.read(...args)), now: Date.now() } as unknown as Snapshot;
        },
      }),
      'gives the whole record, or its head without what a client or a handler has sent',
    ],
    [
      'gives up a watch for a reason of its own',
      'watch',
      (store) => ({
        watch: (...args) => store.watch(...args).catch(() => Promise.reject(new Error('no more'))),
      }),
      'rejects with the reason of its signal',
    ],
    [
      'answers when it is closed',
      'close',
      () => ({ ready: async () => {} }),
      'every operation is refused afterwards',
    ],
    [
      'refuses for another reason when it is closed',
      'close',
      (store) => ({
        read: (...args) => store.read(...args).catch(() => Promise.reject(new Error('closed'))),
      }),
      'every operation is refused afterwards',
    ],
    [
      'gives up the claim of another caller',
      'giveUp',
      (store) => ({
        giveUp(request) {
          void store
            .read(request, 'head')
            .then(({ record }) => store.giveUp({ ...request, owner: String(record?.owner) }));
        },
      }),
      'leaves the key of another caller alone',
    ],
  ])('%s', async (_, group, change, found) => {
    expect(await failuresOf(group, change)).toContain(found);
  });
});

test('what declares no tests is no runner', () => {
  expect(() => storeContract('a store', async () => Promise.reject(), {} as TestRunner)).toThrow(
    "pass what `import * as runner from 'vitest'` or `from 'node:test'` gives",
  );
});

test('the contract runs under node:test as well', async () => {
  const file = fileURLToPath(new URL('./node-test-worker.ts', import.meta.url));
  const args = ['--import', 'tsx', '--test', '--test-reporter=tap', file];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, maxBuffer: 1e7 });
  expect(stdout).toMatch(/^# fail 0$/m);
  expect(stdout).toMatch(/^# cancelled 0$/m);
  expect(Number(/^# tests (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(100);
});

storeContract(
  'the store of a testkit',
  async () => {
    const kit = createTestkit();
    return { store: kit.store, [Symbol.asyncDispose]: () => kit[Symbol.asyncDispose]() };
  },
  runner,
);
