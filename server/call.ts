import type { Hashes } from './engine/decide.ts';
import type { Resolution, ResolvedPolicy } from './engine/policy.ts';
import type { Outcome } from './engine/record.ts';
import type { Run } from './run.ts';

/** One keyed call, as an adapter (GraphQL, tRPC) hands it to `Idempotency.execute`. `Value` is the host's own result. */
export interface KeyedCall<Value> {
  /** As the developer's function gave it, and as the client sent it: checked by `execute`. */
  readonly scope: unknown;
  readonly key: unknown;
  readonly operation: string;
  readonly fingerprints: Hashes;
  /**
   * The fingerprint by the rule of a record that was made by another policy, for the operation of that record. Undefined
   * for a rule that is not known: RECORD_UNREADABLE.
   */
  fingerprintBy?(rule: string, operation: string): Promise<string | undefined>;
  readonly selections?: Hashes;
  readonly policy: ResolvedPolicy;
  readonly codec: ResultCodec<Value>;
  /**
   * Asked before an answer is given that another run of the key has made, an earlier or a concurrent one. False is
   * REPLAY_FORBIDDEN; what it throws goes to the caller as it is. Anything but a boolean is a developer's mistake, such as
   * `user?.isAdmin`, and gives no answer either.
   */
  authorizeReplay?(): Promise<boolean>;
  /** Runs the host's handler. An error of the handler is a value too: a rejection leaves the record in doubt. */
  handler(run: Run): Promise<Value>;
}

/** How an adapter's results are written down. */
export interface ResultCodec<Value> {
  /** Name and version of the form of `body`: `graphql/1`. */
  readonly format: string;
  encode(value: Value): Encoded;
  /** @throws when `body` is damaged; the caller then gets RESULT_NOT_RETAINED */
  decode(body: string): Value;
  /** What a resolver function's `complete` or `fail` stands for. */
  resolve(resolution: Extract<Resolution, { action: 'complete' | 'fail' }>): Value;
}

export interface Encoded {
  readonly outcome: Outcome;
  /** Undefined when the result can not be written down: later calls get RESULT_NOT_RETAINED. */
  readonly body: string | undefined;
  /** False when it is sure that the handler was never entered: the key is then released. */
  readonly started: boolean;
  /** What `classify` is shown. */
  readonly result: unknown;
}

export interface Answer<Value> {
  readonly value: Value;
  /** Whether the value comes from an earlier or concurrent run of the key. */
  readonly replayed: boolean;
}
