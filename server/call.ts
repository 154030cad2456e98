import type { Hashes } from './engine/decide.ts';
import type { Fingerprints } from './engine/match-of.ts';
import type { ResolvedPolicy } from './engine/policy.ts';
import type { Outcome } from './engine/record.ts';
import type { Resolution } from './engine/resolution.ts';
import type { IsHidden } from './formats/redact.ts';
import type { Run } from './run/run.ts';

/** A `KeyedCall` is what an adapter (GraphQL, tRPC, HTTP) hands to `Idempotency.execute`. `Value` is the host's own result. */
export interface KeyedCall<Value> extends Fingerprints {
  /** The scope as the developer's function gave it, and the key as the client sent it: `execute` checks both. */
  readonly scope: unknown;
  readonly key: unknown;
  /** The name of the operation, for operators to read: `chargeCard`, `orders.create`, `POST /payments`. */
  readonly operation: string;
  /** GraphQL only: the hashes of the selection of fields. */
  readonly selections?: Hashes;
  readonly policy: ResolvedPolicy;
  readonly codec: ResultCodec<Value>;
  /**
   * What the adapter shows the developer's functions of this call: in GraphQL the context and the root fields with their arguments.
   * A `resolve` function is shown it, beside what is known of the lost run, which is written onto it: a new object each time.
   */
  seen?(): object | Promise<object>;
  /** The request as it may be run again, for `captureRequest`. What it throws is that it can not be written down. */
  capture?(isHidden: IsHidden | undefined): Captured | Promise<Captured>;
  /**
   * Decides whether the caller may get an answer that another run of the key has made, an earlier or a concurrent one. False is
   * IDEMPOTENCY_REPLAY_FORBIDDEN; what it throws goes to the caller as it is. Anything but a boolean is a developer's mistake, such as
   * `user?.isAdmin`, and gives no answer either.
   */
  authorizeReplay?(): Promise<boolean>;
  /** Runs the host's handler. An error of the handler is a value too: a rejection leaves the record in doubt. */
  handler(run: Run): Promise<Value>;
}

/** A `ResultCodec` writes an adapter's results down, and reads them back. */
export interface ResultCodec<Value> {
  /** Name and version of the form of `body`: `graphql/1`, `trpc/1 as 0d6e4079`. */
  readonly format: string;
  /**
   * Writes a result down. Only the body may be missing (`written`): the outcome decides what becomes of the effects.
   * @param isHidden names of fields that must not be in the body, where the policy's `redact` has some
   * @throws when the outcome can not be told: the run then ends as if its handler had rejected
   */
  encode(value: Value, isHidden?: IsHidden): Encoded;
  /** @throws when `body` is damaged; the caller then gets IDEMPOTENCY_RESULT_NOT_RETAINED */
  decode(body: string): Value;
  /** Makes the result that a `resolve` function's `complete` or `fail` stands for. */
  resolve(resolution: Extract<Resolution, { action: 'complete' | 'fail' }>): Value;
}

/** Something written down. */
export interface Written {
  /** The text; undefined when it can not be written down: later calls get IDEMPOTENCY_RESULT_NOT_RETAINED. */
  readonly body: string | undefined;
  /** True when something that `isHidden` names was taken out. */
  readonly redacted?: boolean;
  /** The reason why there is no body, if it is not `unserializable`. */
  readonly omitted?: 'too_large' | 'redacted';
}

/** A captured request, written down. */
export interface Captured extends Written {
  /** Name and version of the form of `body`: `graphql/1`. */
  readonly format: string;
}

/** A result, written down, and what it says of the run. */
export interface Encoded extends Written {
  /** How the handler ended. */
  readonly outcome: Outcome;
  /**
   * Tells whether the developer's handler was entered. One rule holds for all adapters:
   *
   * - `false` is only for what is known: the adapter itself refused the call (its own validation, a check before the
   *   handler), and had not yet called the function that leads to the handler. The key is released, also for a corrected
   *   input.
   * - `true` is for an outcome of the handler. It is stored, unless `classify` says otherwise.
   * - `Unknown` is for all else. That function was called (a GraphQL executor, say, which may be another server's) and ended
   *   without an outcome of the handler: nobody can tell a refusal on the way from an effect whose answer was lost. The key
   *   is in doubt, unless `classify` says otherwise.
   *
   * An effect that happened without an answer looks like a refusal, so nothing else may count as "not started".
   */
  readonly started: boolean | Unknown;
  /** `classify` is shown this. */
  readonly result: unknown;
}

export interface Unknown {
  /** Tells operators why it is not known. */
  readonly unknown: string;
}

/** An `Answer` is what the caller of a keyed call gets. */
export interface Answer<Value> {
  /** The result, as the adapter's codec has read it or the handler returned it. */
  readonly value: Value;
  /** True when the value comes from an earlier or concurrent run of the key. */
  readonly replayed: boolean;
  /** The answer is replayed until this time, by the store's clock; of a run of this process, by that of the process. Only with a replay. */
  readonly expiresAt?: Date;
}
