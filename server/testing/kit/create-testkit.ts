import { createIdempotency } from '../../create-idempotency.ts';
import { checkOptions, type Origin, optionsOf } from '../../engine/check-options.ts';
import { aBoolean, aFunction, type Check } from '../../engine/option-checks.ts';
import type { ExclusivePolicy } from '../../engine/policy.ts';
import { POLICY_CHECKS } from '../../engine/resolve-policy.ts';
import type { Store } from '../../engine/store.ts';
import { whatCame } from '../../engine/what-came.ts';
import type { Idempotency, IdempotencyOptions } from '../../idempotency.ts';
import { Backend } from './backend.ts';
import { type CrashPoint, checkPoint, pointName } from './crash-point.ts';
import { LossyLine } from './lossy-line.ts';
import { RestartableIdempotency } from './restartable-idempotency.ts';
import { type TestRecord, testRecordOf } from './test-record.ts';

/**
 * The options of `createTestkit` are those of `createIdempotency` without `store`: give what your application gives, so that its tests have its
 * lease, its retention and its policies.
 *
 * @experimental
 */
export type TestkitOptions = Pick<IdempotencyOptions, 'onEvent' | 'enabled'> & ExclusivePolicy;

/** A `Testkit` is a store in memory whose world goes wrong when a test says so. @experimental */
export interface Testkit extends AsyncDisposable {
  /**
   * The `Idempotency` for the application under test. After `crash()` it goes on as the one of the next process, so the application
   * is made once.
   */
  readonly idempotency: Idempotency;
  /**
   * The store, for an application that makes an `Idempotency` of its own. After `crash()` this is the store of the next process: make the
   * application again with it, as a process that starts again does. The one from before is that of a dead process and never answers.
   */
  readonly store: Store;
  /** The store's time. */
  now(): Date;
  /**
   * Moves the store's clock, on top of the machine's time (or the fake time of your test runner). Leases of runs that crashed lapse by it, and
   * records expire. Runs that are under way keep their leases: their process would have renewed them meanwhile, unless the store is down. No
   * timer fires: those are your runner's.
   *
   * @example
   * await kit.advance(31_000) // a lease of 30 s is over
   * @param ms how far, in ms
   * @throws TypeError for a time that is no number ≥ 0
   */
  advance(ms: number): Promise<void>;
  /**
   * Lets the process die, and starts another one. What runs is no longer renewed and never settles: none of its writes reaches a record,
   * and its code goes no further than its next word with the store. Each call that waits for an answer rejects. Its key is free to be
   * taken over once its lease has lapsed: `await kit.advance(leaseMs)`.
   *
   * Without `work` this is now. JavaScript can not be killed, so a handler that waits for something else goes on by itself, up to the store.
   *
   * @example
   * await kit.crash(() => app.pay('key-1', 5), { after: 'charge' })
   * @param work makes a call whose run dies. Its own end is not waited for, and its error is no error
   * @param point the moment at which it dies @default { at: 'end' }
   * @throws Error when the work ends and never came to that point
   * @throws TypeError for what is no crash point
   */
  crash(work?: () => unknown, point?: CrashPoint): Promise<void>;
  /**
   * Gives a client's `send` a bad line: what it sends arrives and has its effect, and after `dropAnswer()` the answer is lost. `send` may be
   * `fetch`, or any function that returns a promise.
   *
   * @example
   * httpLink({ url, fetch: kit.lossy(fetch) })
   */
  lossy<Send extends (...args: never[]) => Promise<unknown>>(send: Send): Send;
  /**
   * Loses the next answer on a line of `lossy`. The server has done its work by then; the client gets the `TypeError: fetch failed` that
   * `fetch` gives when a connection breaks. Called twice, it loses two.
   *
   * @throws Error where nothing was given to `lossy` yet: no answer could be lost
   */
  dropAnswer(): void;
  /** From now on the store does not answer: IDEMPOTENCY_STORE_UNAVAILABLE, reason `unreachable`, as from MongoDB. */
  storeDown(): void;
  /** From now on the store answers again. A run that ended meanwhile is recorded within some seconds: it is tried again by timers. */
  storeUp(): void;
  /**
   * From now on each answer of the store takes so long: its effect is at once, and the answer comes later, by `setTimeout`.
   * @param ms how long; 0 ends it
   * @throws TypeError for a time that is no number ≥ 0
   */
  slow(ms: number): void;
  /** Finds the record of a key; undefined when there is none, or when it has expired. */
  find(address: { readonly scope: string; readonly key: string }): TestRecord | undefined;
  /** All records, the oldest first, without those that have expired. */
  records(): TestRecord[];
  /** Takes no more calls. What runs may end; nobody waits for it, also not under a fake clock. */
  [Symbol.asyncDispose](): Promise<void>;
}

const CHECKS: Readonly<Record<keyof TestkitOptions, Check>> = {
  onEvent: aFunction,
  enabled: aBoolean,
  ...POLICY_CHECKS,
};

const ORIGIN: Origin = {
  of: 'createTestkit',
  elsewhere: optionsOf('createIdempotency(...): a testkit has a store of its own', ['store']),
};

/**
 * Makes what a test of your application needs: a store in memory with a clock of its own, crashes at each point of a run, lost answers, and a
 * store that is slow or away. It works with real timers and with the fake ones of Vitest and of `node:test`.
 *
 * @example
 * await using kit = createTestkit()
 * const app = createApp(kit.idempotency)
 * await kit.crash(() => app.pay('key-1', 5), { after: 'charge' })
 * await kit.advance(31_000)
 * await app.pay('key-1', 5)
 * expect(provider.charges).toHaveLength(1)
 * @throws TypeError for an option that is unknown or out of range
 * @experimental
 */
export function createTestkit(options: TestkitOptions = {}): Testkit {
  checkOptions<TestkitOptions>(options, CHECKS, ORIGIN);
  const backend = new Backend();
  const line = new LossyLine();
  const idempotency = new RestartableIdempotency(backend, (store) =>
    createIdempotency({ ...options, store }),
  );
  const records = () => backend.memory.records.map(testRecordOf).filter(isKept);
  const isKept = ({ expiresAt }: TestRecord) => expiresAt > backend.clock.now();
  return {
    idempotency,
    get store() {
      return idempotency.store;
    },
    now: backend.clock.now,
    async advance(ms) {
      backend.advance(checkMs(ms));
    },
    async crash(work, point = { at: 'end' }) {
      if (work === undefined) idempotency.crash();
      else await crashAt(idempotency, work, checkPoint(point));
    },
    lossy: (send) => line.over(send),
    dropAnswer: () => line.drop(),
    storeDown: () => backend.down(),
    storeUp: () => backend.up(),
    slow(ms) {
      backend.slowMs = checkMs(ms);
    },
    find: ({ scope, key }) => records().find((record) => record.scope === scope && record.key === key),
    records,
    async [Symbol.asyncDispose]() {
      idempotency.stop();
    },
  };
}

async function crashAt(idempotency: RestartableIdempotency, work: () => unknown, point: CrashPoint) {
  const { store } = idempotency;
  let callOff = () => {};
  const reached = new Promise<'reached'>((resolve) => {
    callOff = store.dieAt(point, () => {
      idempotency.crash();
      resolve('reached');
    });
  });
  const ended = Promise.resolve()
    .then(work)
    .then(
      () => ({}),
      (cause: unknown) => ({ cause }),
    );
  const end = await Promise.race([reached, ended]);
  if (end === 'reached') return;
  callOff();
  throw new Error(`Expected the work of kit.crash(...) to come to ${pointName(point)}, but it ended`, end);
}

function checkMs(ms: number): number {
  if (typeof ms === 'number' && ms >= 0 && Number.isFinite(ms)) return ms;
  throw new TypeError(`Expected a time in ms (a number ≥ 0), got ${whatCame(ms)}`);
}
