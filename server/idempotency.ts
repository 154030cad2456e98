import type { BodyPart, ReadableRecord } from './bodies/stored-text.ts';
import type { ByRequest, ExclusivePolicy } from './engine/policy.ts';
import type { Store } from './engine/store.ts';
import type { CommandListener } from './engine/store-command.ts';
import type { EventListener } from './events.ts';
import type { KeyQuestion, KeyStatus, Patience, StoredResult } from './key-status.ts';
import type { PlainCall } from './plain/plain-call.ts';
import type { Jsonify } from './run/jsonify.ts';
import type { Run } from './run/run.ts';
import type { Telemetry } from './telemetry.ts';

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
   * onEvent: ({ type, operation }) => counter.add(1, { type, operation })
   * @experimental
   */
  onEvent?: EventListener;
  /**
   * This function is told of each command that the store sends: how many writes shared it, how long it took, whether it failed. There are
   * many, so it has to be quick. An error of it is a warning of the process.
   * @default nobody is told, and nothing is measured
   * @example
   * onStoreCommand: ({ command, durationMs }) => latency.observe({ command }, durationMs / 1_000)
   * @experimental
   */
  onStoreCommand?: CommandListener;
  /**
   * Measures calls and follows them through a tracing system: `createTelemetry()` of `latchkey/otel`.
   * @default none
   * @example
   * telemetry: createTelemetry()
   * @experimental
   */
  telemetry?: Telemetry;
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
  /**
   * Makes a sibling on another store, with the same options: for a store for each tenant. Make one for each tenant and keep it, for each has its
   * own `ready()` and `close()`, and closes its own store. The event listener is the same, and so are the ciphers; nothing else is shared,
   * so the same scope and key in two stores are two runs.
   *
   * @example
   * const ofTenant = idempotency.with({ store: createMongoStore({ db: client.db(`shop_${tenant.id}`) }) })
   * @throws TypeError for what is no store, and for any other option
   */
  with(others: { readonly store: Store }): Idempotency;
  /** Closes it with the defaults of `close()`, at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void>;
  /**
   * The text of a body that a record holds, for operators: as it was written down, and also when it is redacted.
   * @param options.mostBytes for the beginning only: about so many bytes of the text, however long it is
   * @throws IdempotencyError IDEMPOTENCY_RESULT_NOT_RETAINED whose reason says why there is none
   */
  open(record: ReadableRecord, part: BodyPart, options?: { mostBytes?: number }): Promise<string>;
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
   * @param policy for this call, in place of the defaults of `createIdempotency`; or a function that decides the options of
   *   `RequestPolicy`. `keyFormat` is not taken from the defaults: it is for the keys of clients. @default {}
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
    policy?: ExclusivePolicy<PlainCall<Input>> | ByRequest<PlainCall<Input>>,
  ): Promise<Jsonify<T>>;
}
