import { sealBody } from './bodies/bodies.ts';
import { captureOf } from './bodies/capture.ts';
import { anyOf, type ReadableRecord, storedText } from './bodies/stored-text.ts';
import type { Answer, KeyedCall } from './call.ts';
import { checkOptions, type Origin, optionsOf } from './engine/check-options.ts';
import type { Cipher } from './engine/cipher.ts';
import { isIdempotencyError, misconfigured, refusal } from './engine/errors.ts';
import { checkKey, checkScope } from './engine/key.ts';
import { aBoolean, aFunction, type Check, isObject, required } from './engine/option-checks.ts';
import type { ExclusivePolicy, Policy, ResolvedPolicy } from './engine/policy.ts';
import type { KeyRecord, StoredBody } from './engine/record.ts';
import { POLICY_CHECKS, resolvePolicy } from './engine/resolve-policy.ts';
import type { Store } from './engine/store.ts';
import { whatCame } from './engine/what-came.ts';
import { type EventListener, guarded, type IdempotencyEvent } from './events.ts';
import { ask } from './execution/ask.ts';
import { ClaimLoop } from './execution/claim-loop.ts';
import { claimRequestOf } from './execution/claim-request.ts';
import type { Host } from './execution/host.ts';
import { LocalRuns } from './execution/local-runs.ts';
import { startWait, type Wait } from './execution/wait.ts';
import type { Jsonify } from './jsonify.ts';
import type { KeyQuestion, KeyStatus, Patience, StoredResult } from './key-status.ts';
import { LONGEST_TIMER_MS, OpenWork } from './open-work.ts';
import { checkPlainCall, keyedPlainCall, type PlainCall } from './plain-call.ts';
import { mustBeJson, returned } from './plain-codec.ts';
import { isInsideRun, type Run, runUnrecorded } from './run.ts';
import { Stats } from './stats.ts';
import { StoreOutage } from './store-outage.ts';
import { StoreUser } from './store-user.ts';

/** The options of `createIdempotency`: its own, and the defaults of every operation's policy. */
export type IdempotencyOptions = OwnOptions & ExclusivePolicy;

interface OwnOptions {
  /**
   * The store keeps the records: `createMongoStore(...)`, or `createMemoryStore()` in tests of your own.
   * @example
   * store: createMongoStore({ db: client.db('shop') })
   */
  store: Store;
  /**
   * This function is told what happens to keys, for logs and metrics. Nobody waits for its promise, and an error of it is a
   * warning of the process.
   * @default nobody is told
   * @example
   * onEvent: ({ type, operation, code }) => counter.add(1, { type, operation, code })
   * @experimental
   */
  onEvent?: EventListener;
  /**
   * False lets every call pass by unprotected, as if no plugin were there.
   * @default true
   */
  enabled?: boolean;
}

/** An `Idempotency` runs calls under their keys. `createIdempotency` makes one for each process; every adapter is given it. */
export interface Idempotency {
  /** False where nothing is protected, as the option of that name says. */
  readonly enabled: boolean;
  /** The store that keeps the records. For the dashboard. */
  readonly store: Store;
  /**
   * Creates or checks indexes and checks the server; where a policy has `transaction: true`, for transactions too. Every
   * call awaits it; awaiting it at start-up shows a wrong set-up before the first customer does. A failure is not kept:
   * the next call tries again.
   */
  ready(): Promise<void>;
  /**
   * Takes no new keys (IDEMPOTENCY_STORE_UNAVAILABLE, reason `closing`), waits for the runs under way and for their records, then
   * stops the timers. The store is closed with the last one that uses it. The MongoDB client stays yours: close it
   * afterwards.
   *
   * `await using` closes it with the defaults at the end of its block. What is declared later is closed earlier, so declare the
   * dashboard after it, and the MongoDB client before it.
   *
   * @example
   * await idempotency.close({ timeoutMs: 25_000 })
   * @example
   * await using idempotency = createIdempotency({ store })
   * await using dashboard = createDashboard({ idempotency, authorize }) // closed first
   * @param options.timeoutMs how long to wait, in ms; null for as long as it takes @default 10_000
   * @throws TypeError for a `timeoutMs` that is no time in ms
   */
  close(options?: { timeoutMs?: number | null }): Promise<void>;
  /** Closes it with the defaults of `close()`, at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void>;
  /**
   * Fills in and checks one operation's policy, at construction. For adapters.
   * @param origin where the developer gave it, for the message of an error
   */
  policy(overrides?: Policy<never, never>, origin?: Origin): ResolvedPolicy;
  /**
   * The text of a body that a record holds, for operators: as it was written down, and also when it is redacted.
   * @param options.mostBytes for the beginning only: about so many bytes of the text, however long it is
   * @throws IdempotencyError IDEMPOTENCY_RESULT_NOT_RETAINED whose reason says why there is none
   */
  open(
    record: ReadableRecord,
    part: 'request' | 'response',
    options?: { mostBytes?: number },
  ): Promise<string>;
  /**
   * A response that an operator gives for a record, as the record may hold it: encrypted where this has a cipher. Which
   * operation has which is not known here, so it is that of the defaults, or else the first of an operation.
   */
  seal(record: Pick<KeyRecord, 'scope' | 'key' | 'life'>, response: StoredBody): Promise<StoredBody>;
  /**
   * Says what is known of a key. Nothing is run, claimed or written by it. An unknown key, an expired one and that of another scope
   * get the same answer, `{ state: 'unknown' }`, for the same work.
   *
   * @example
   * const status = await idempotency.peek({ scope: user.id, key })
   * if (status.state === 'completed') console.log(status.outcome, status.result ?? status.withheld)
   * @throws IdempotencyError IDEMPOTENCY_KEY_INVALID, IDEMPOTENCY_SCOPE_MISSING, IDEMPOTENCY_RECORD_UNREADABLE or IDEMPOTENCY_STORE_UNAVAILABLE
   */
  peek<Result = StoredResult>(question: KeyQuestion<Result>): Promise<KeyStatus<Result>>;
  /**
   * Waits for a run of a key that is under way, in this process or in another one, and then says what `peek` says. Where none is
   * under way it answers at once. Nothing is run, claimed or written by it.
   *
   * @example
   * const status = await idempotency.attach({ scope: user.id, key, signal: request.signal, timeoutMs: 5_000 })
   * @throws IdempotencyError as `peek` does
   * @throws TypeError for a `timeoutMs` that is no time in ms
   * @throws the reason of `signal` when that aborts
   */
  attach<Result = StoredResult>(question: KeyQuestion<Result> & Patience): Promise<KeyStatus<Result>>;
  /**
   * Runs a function once for a key, or gives what an earlier or concurrent run of the key returned: for whatever is no GraphQL, tRPC or
   * HTTP request of a client, such as webhooks, consumers of queues, cron and server actions. Each caller gets what JSON gives back of
   * the value, the first one too.
   *
   * What the function returns is the outcome. An error of it goes to the caller, and leaves the key in doubt, since it may have come
   * half-way through the effect; unless the function said `run.release(reason)` before, or `policy.classify` judges it: `'store'` makes
   * the error the outcome, which a retry gets again with its name, message and `code`; `'release'` lets a retry run. In a transaction
   * nothing was kept, so the key is free again.
   *
   * @param policy for this call, in place of the defaults of `createIdempotency`. `keyFormat` is not taken from them: it is for the keys
   *   of clients. @default {}
   * @example
   * await idempotency.run({ scope: 'stripe', key: event.id, operation: event.type }, (run) => fulfil(event, run))
   * @example
   * const label = await idempotency.run(
   *   { scope: 'orders', key: message.id, operation: 'ship', input: message.body },
   *   (run) => run.step('label', ({ key, signal }) => carrier.label(message.body, { idempotencyKey: key, signal })),
   *   { retentionMs: 14 * 24 * 3_600_000 },
   * )
   * @throws IdempotencyError any code but IDEMPOTENCY_SELECTION_CHANGED and IDEMPOTENCY_REPLAY_FORBIDDEN, as the README lists them
   * @throws TypeError for an option that is unknown or out of range, before anything runs; for a value that JSON can not hold, after the
   *   function has run: the outcome is recorded then, and a retry gets IDEMPOTENCY_RESULT_NOT_RETAINED
   * @throws what the function throws
   */
  run<T, Input = unknown>(
    call: PlainCall<Input>,
    fn: (run: Run) => T | Promise<T>,
    policy?: ExclusivePolicy<PlainCall<Input>>,
  ): Promise<Jsonify<T>>;
  /** Tells `onEvent` what happened outside of a keyed call. For adapters. */
  report(event: IdempotencyEvent): void;
  /** Runs one keyed call, or answers it from its record. For adapters. @throws IdempotencyError */
  execute<Value>(call: KeyedCall<Value>): Promise<Answer<Value>>;
}

/**
 * Makes what all adapters of a process share: the store of the keys, and the defaults of every operation's policy. Make one at
 * start-up, await `ready()`, and `close()` it before the process ends.
 *
 * @example
 * const idempotency = createIdempotency({ store: createMongoStore({ db: client.db('shop') }) })
 * await idempotency.ready()
 * @throws TypeError for an option that is unknown or out of range
 */
export function createIdempotency(options: IdempotencyOptions): Idempotency {
  return new Engine(options);
}

const CHECKS: Readonly<Record<keyof IdempotencyOptions, Check>> = {
  store: required({
    expected: 'a Store, such as createMongoStore(...) returns',
    accepts: (value) => typeof (value as Store | null)?.claim === 'function',
  }),
  onEvent: aFunction,
  enabled: aBoolean,
  ...POLICY_CHECKS,
};

const ORIGIN: Origin = {
  of: 'createIdempotency',
  elsewhere: {
    ...optionsOf('createMongoStore(...)', ['db', 'collection', 'indexes', 'timeoutMs']),
    ...optionsOf(
      'the adapter: useIdempotency(...), createIdempotencyMiddleware(...) or createIdempotencyHandler(...)',
      ['scope', 'key', 'request', 'headerName', 'require', 'authorizeReplay', 'policy', 'fields', 'methods'],
    ),
  },
};

class Engine implements Idempotency {
  readonly enabled: boolean;
  readonly store: Store;
  readonly #defaults: ResolvedPolicy;
  readonly #ciphers = new Set<Cipher>();
  readonly #host: Host;
  readonly #work = new OpenWork();
  readonly #user: StoreUser;
  #needs = { transactions: false };
  readonly #stats: Stats;
  readonly #outage = new StoreOutage();
  #ready: Promise<void> | undefined;

  constructor(options: IdempotencyOptions) {
    checkOptions<IdempotencyOptions>(options, CHECKS, ORIGIN);
    const { store, onEvent, enabled = true, ...policy } = options;
    this.enabled = enabled;
    this.store = store;
    this.#user = new StoreUser(store);
    this.#defaults = resolvePolicy(policy);
    this.#note(this.#defaults);
    const tell = guarded(onEvent);
    this.#stats = new Stats(store);
    this.#host = {
      store,
      locals: new LocalRuns(),
      emit: (event) => {
        this.#stats.listen(event);
        tell(event);
      },
      closing: this.#work.closing,
      stopped: this.#work.stopped,
      track: (work) => void this.#work.track(work),
    };
  }

  policy(overrides: Policy<never, never> = {}, origin?: Origin): ResolvedPolicy {
    return this.#note(resolvePolicy(overrides, this.#defaults, origin));
  }

  async open(
    record: ReadableRecord,
    part: 'request' | 'response',
    { mostBytes }: { mostBytes?: number } = {},
  ): Promise<string> {
    return storedText(record, part, this.#ciphers, mostBytes);
  }

  async seal(
    { scope, key, life }: Pick<KeyRecord, 'scope' | 'key' | 'life'>,
    response: StoredBody,
  ): Promise<StoredBody> {
    const { body, format } = response;
    if (body === undefined) return response;
    const { compressAboveBytes, maxResultBytes: maxBytes } = this.#defaults;
    const [cipher = null] = this.#ciphers;
    return sealBody(
      body,
      { scope, key, life, part: 'response', format },
      { cipher, compressAboveBytes, maxBytes },
    );
  }

  /** Notes what a policy needs. `ready()` then checks for that, also when it has checked for earlier policies before. */
  #note(policy: ResolvedPolicy): ResolvedPolicy {
    if (policy.cipher) this.#ciphers.add(policy.cipher);
    if (policy.transaction && !this.#needs.transactions) {
      this.#needs = { transactions: true };
      this.#ready = undefined;
    }
    return policy;
  }

  ready(): Promise<void> {
    if (this.#ready) return this.#ready;
    const ready = this.#prepare().catch((error) => {
      if (this.#ready === ready) this.#ready = undefined;
      throw error;
    });
    this.#ready = ready;
    return ready;
  }

  async #prepare(): Promise<void> {
    if (this.#needs.transactions && !this.store.begin) {
      throw new Error(
        'A policy has `transaction: true`, but the store has no transactions; use createMongoStore(...) on a replica set',
      );
    }
    await this.store.ready(this.#needs);
  }

  async close({ timeoutMs = 10_000 }: { timeoutMs?: number | null } = {}): Promise<void> {
    const waitMs = timeoutMs === null ? LONGEST_TIMER_MS : checkTimeout(timeoutMs, ' or null');
    const until = performance.now() + (await this.#work.close(waitMs));
    await this.#stats.close(Math.max(0, until - performance.now()));
    if (this.#user.leave()) await this.store.close(Math.max(0, until - performance.now()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  report(event: IdempotencyEvent): void {
    this.#host.emit(event);
  }

  run<T, Input>(
    call: PlainCall<Input>,
    fn: (run: Run) => T | Promise<T>,
    policy: Policy<PlainCall<Input>> = {},
  ): Promise<Jsonify<T>> {
    return this.#work.track(this.#run(call, fn, policy)) as Promise<Jsonify<T>>;
  }

  async #run(call: PlainCall, fn: (run: Run) => unknown, given: Policy<never, never>): Promise<unknown> {
    checkPlainCall(call, fn);
    if (!isObject(given)) throw new TypeError(`Expected \`policy\` to be an object, got ${whatCame(given)}`);
    const policy = this.policy({ keyFormat: 'any', ...given }, { of: 'idempotency.run', at: 'policy' });
    if (!this.enabled) return mustBeJson(returned(await runUnrecorded(call, fn))).data;
    const keyed = await keyedPlainCall(call, fn, policy);
    const { value } = await this.execute(keyed);
    if ('thrown' in value) throw value.thrown;
    return mustBeJson(value).data;
  }

  execute<Value>(call: KeyedCall<Value>): Promise<Answer<Value>> {
    return this.#work.track(this.#execute(call));
  }

  async #execute<Value>(call: KeyedCall<Value>): Promise<Answer<Value>> {
    const request = claimRequestOf(call);
    try {
      this.#work.closing.throwIfAborted();
      if (isInsideRun(request.scope, request.key)) throw refusal('IDEMPOTENCY_IN_PROGRESS', 'own_run');
      await this.#awaitReady();
      const captured = await captureOf(call, request);
      const claim = captured ? { ...request, captured } : request;
      const answer = await new ClaimLoop({ host: this.#host, call, request: claim }).answer();
      this.#outage.answered();
      return answer;
    } catch (error) {
      if (isIdempotencyError(error)) {
        const { scope, key, operation } = request;
        const { code, reason } = error;
        this.#outage.refused(error);
        this.#host.emit({
          ...{ type: 'refused' as const, scope, key, operation, code, error },
          ...(reason !== undefined && { reason }),
        });
      }
      throw error;
    }
  }

  peek<Result>(question: KeyQuestion<Result>): Promise<KeyStatus<Result>> {
    return this.#work.track(this.#ask(question, undefined));
  }

  attach<Result>(question: KeyQuestion<Result> & Patience): Promise<KeyStatus<Result>> {
    return this.#work.track(this.#attach(question));
  }

  async #attach<Result>({ signal, timeoutMs, ...question }: KeyQuestion<Result> & Patience) {
    const wait = startWait(
      checkTimeout(timeoutMs ?? this.#defaults.waitTimeoutMs),
      signal ? [this.#work.closing, signal] : [this.#work.closing],
    );
    try {
      return await this.#ask(question, wait);
    } finally {
      wait.end();
    }
  }

  async #ask<Result>(question: KeyQuestion<Result>, wait: Wait | undefined): Promise<KeyStatus<Result>> {
    const scope = checkScope(question.scope);
    const key = checkKey(question.key);
    if (!this.enabled) return { state: 'unknown' }; // no call leaves a record
    (wait?.signal ?? this.#work.closing).throwIfAborted();
    await this.#awaitReady();
    const isOwn = isInsideRun(scope, key); // a run that waits for itself waits for ever
    const { store } = this;
    return ask({
      ...question,
      store,
      scope,
      key,
      cipher: anyOf(this.#ciphers),
      wait: isOwn ? undefined : wait,
    });
  }

  /** A wrong set-up lets nothing through, and to try again is of no use; the cause says what to mend. */
  async #awaitReady(): Promise<void> {
    try {
      await this.ready();
    } catch (cause) {
      throw isIdempotencyError(cause) ? cause : misconfigured(cause);
    }
  }
}

function checkTimeout(timeoutMs: number, orElse = ''): number {
  if (Number.isSafeInteger(timeoutMs) && timeoutMs >= 0 && timeoutMs <= LONGEST_TIMER_MS) return timeoutMs;
  throw new TypeError(
    `Expected \`timeoutMs\` to be an integer from 0 to ${LONGEST_TIMER_MS}${orElse}, got ${whatCame(timeoutMs)}`,
  );
}
