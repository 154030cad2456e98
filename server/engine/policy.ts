import type { Cipher } from './cipher.ts';
import type { Excluded } from './excluded.ts';
import type { FingerprintPolicy, ResolvedFingerprint } from './fingerprint-policy.ts';
import type { KeyFormat } from './key.ts';
import type { Resolver } from './resolution.ts';

/** `classify` sees this of a finished run. */
export interface Finished<Result = unknown> {
  /** Says how the handler ended. */
  readonly outcome: 'success' | 'error';
  /** The handler's result: an ExecutionResult, a procedure's data or TRPCError. */
  readonly result: Result;
  /**
   * True when the handler was entered. `'unknown'` is for a GraphQL executor that threw, or that answered without `data`: the
   * answer of a remote executor may have been lost after the effect.
   */
  readonly started: true | 'unknown';
}

/**
 * A `Verdict` says what becomes of the key of a finished run. `{ release: reason }` and `{ inDoubt: reason }` write that reason into the
 * record, for operators to read; the bare words write `classified`.
 */
export type Verdict =
  | 'store'
  | 'release'
  | 'in_doubt'
  | { readonly release: string }
  | { readonly inDoubt: string };

/**
 * A `Policy` has the options of an operation. What is absent comes from `createIdempotency`. `Call` is the adapter's call object, which a `fingerprint` function is
 * shown, and a `resolve` function beside its doubt; `Result` is the handler's result, which `classify` is shown in `End`.
 */
export interface Policy<Call = unknown, Result = unknown, End = Finished<Result>> {
  /**
   * A finished outcome is replayed for this time, in ms, from 1,000 to a century. A function is shown how the run ended, as `classify` is,
   * and returns the time for this result. It can not be async. Where it fails or gives no such time, the result is kept for 24 hours, and
   * that is a warning of the process. It is not asked about a key that is released, or that an operator finishes: these are kept for 24 hours.
   * @default 86_400_000: 24 hours
   * @example
   * retentionMs: ({ outcome }) => (outcome === 'error' ? 3_600_000 : 7 * 86_400_000)
   */
  retentionMs?: number | ((finished: End) => number);
  /**
   * A record that nobody finished is kept for this time, in ms, at least `leaseMs`; null keeps it until it is resolved.
   * @default 2_592_000_000: 30 days
   */
  unresolvedRetentionMs?: number | null;
  /**
   * A run counts as alive for this time without a renewal, in ms, from 1,000 to a day; it is renewed after each third of it.
   * @default 30_000
   */
  leaseMs?: number;
  /**
   * A handler may run for this time, in ms, from 1,000 to a day; null for as long as it takes. Past it `run.signal` aborts, the lease is let
   * go and the record is in doubt: the caller and each retry get IDEMPOTENCY_IN_DOUBT. A result that the handler still ends with is
   * recorded. With `transaction: true` nothing is kept, and the caller gets IDEMPOTENCY_STORE_UNAVAILABLE, reason
   * `transaction_timeout`.
   * @default null
   */
  maxRunMs?: number | null;
  /**
   * A duplicate of a running key waits for the result (`wait`), or gets IDEMPOTENCY_IN_PROGRESS at once (`reject`).
   * @default 'wait'
   */
  concurrent?: 'wait' | 'reject';
  /**
   * A duplicate waits for this time before it gets IDEMPOTENCY_IN_PROGRESS, in ms, at most a day. Not beside `concurrent: 'reject'`.
   * @default 10_000
   */
  waitTimeoutMs?: number;
  /**
   * Says what a run means that did not end: its process died or could not renew its lease. `in_doubt`: nobody knows whether it had its
   * effect, so nothing runs again before somebody has decided. `retry`: the next retry runs the handler again, unasked; that is for
   * handlers that tell an effect from its repetition, by `run.downstreamKey` or `run.step`. Not beside `transaction: true`, whose crash
   * has committed nothing and is always retried.
   * @default 'in_doubt'
   */
  onCrash?: 'in_doubt' | 'retry';
  /**
   * This function is asked about a key that is in doubt, by the retry that comes upon it: for example it asks the payment provider.
   * That is a key whose run crashed (under `onCrash: 'in_doubt'`), or was left in doubt by `run.inDoubt`, by `classify` or by
   * `maxRunMs`. Under `onCrash: 'retry'` it is not asked about a crash. Null asks nobody.
   * @default null
   * @example
   * resolve: async ({ downstreamKey, signal }) => {
   *   const charge = await provider.findCharge({ idempotencyKey: downstreamKey('charge'), signal })
   *   return charge ? { action: 'complete', data: { id: charge.id } } : { action: 'in_doubt' }
   * }
   */
  resolve?: Resolver<Call> | null;
  /**
   * Decides whether a finished run is stored, its key is released, or its effect is unknown. May be async: the run goes on until it
   * has answered. Where it fails, or gives anything else, the record is in doubt.
   * @default every result is stored, and in doubt where `started` is `'unknown'`
   * @example
   * classify: ({ outcome }) => (outcome === 'error' ? { release: 'nothing was charged' } : 'store')
   */
  classify?: (finished: End) => Verdict | Promise<Verdict>;
  /**
   * Runs the handler in a transaction of the store (`run.session`): its effects there and the stored outcome are
   * committed together, or neither is. Needs MongoDB with a replica set; `ready()` checks.
   * @default false
   */
  transaction?: boolean;
  /**
   * Largest stored body, in UTF-8 bytes as stored (compressed, encrypted and in base64): of the result, and of the value of
   * each step. Larger results reach the first caller only.
   * @default 1_048_576: 1 MiB
   */
  maxResultBytes?: number;
  /**
   * `result` keeps the result of a finished run. `outcome` keeps only whether it was a success: a retry then gets
   * IDEMPOTENCY_RESULT_NOT_RETAINED, reason `not_kept`.
   * @default 'result'
   */
  retain?: 'result' | 'outcome';
  /**
   * Encrypts stored results, steps and captured requests.
   * @default null: they are stored in clear text
   * @example
   * cipher: createCipher({ current: 'k1', keys: { k1: Buffer.from(env.KEY_1, 'base64') } })
   */
  cipher?: Cipher | null;
  /**
   * Removes secrets from results and captured requests before they are stored. A result that something was removed from is
   * kept for operators to read; a retry gets IDEMPOTENCY_RESULT_NOT_RETAINED, reason `redacted`. The values of steps are never redacted:
   * the next attempt goes on from them. Beside `retain: 'outcome'` it is for captured requests, so that needs `captureRequest: true` there.
   * @default null: nothing is removed
   * @example
   * redact: ['cardNumber', 'password']
   * @example
   * redact: (body, where) => (where === 'request' ? withoutCards(body) : body)
   */
  redact?: Redaction | null;
  /**
   * Bodies of more UTF-8 bytes than this are compressed, off the event loop, where that makes them smaller; null compresses none.
   * @default 8_192: 8 KiB
   * @experimental
   */
  compressAboveBytes?: number | null;
  /**
   * True keeps the request in the record, for operators to see and to run again.
   * @default false
   */
  captureRequest?: boolean;
  /**
   * Largest captured request, in UTF-8 bytes as stored; a larger one runs, and is not captured. It stands beside `captureRequest: true`.
   * @default 65_536: 64 KiB
   */
  maxCapturedBytes?: number;
  /**
   * Clients may send keys of this format: any valid key, UUIDs only, or those for which a function returns true. Others
   * are IDEMPOTENCY_KEY_INVALID, reason `format`. Keys that a template printed without its value (`undefined`, `[object Object]`) always are.
   * @default 'any'
   * @example
   * keyFormat: (key) => /^ord_\d+$/.test(key)
   */
  keyFormat?: KeyFormat;
  /**
   * Says when two requests with one key are the same: paths that do not count, or a function. Null for one operation counts all of the
   * input again, whatever the defaults say.
   * @default null: all of the input counts
   * @example
   * fingerprint: { exclude: ['captchaToken', 'items.*.seenAt'] }
   * @example
   * fingerprint: ({ input }) => [input.orderNumber, input.amount]
   */
  fingerprint?: FingerprintPolicy<Call> | null;
  /**
   * A request that runs again within ten minutes, of the same scope and with the same arguments, but under another key, is told as
   * `suspected_duplicate`, and shown on the dashboard: its client may make a new key for each attempt, against which no key protects. It is a sample
   * where a process runs more than some 10 such calls a second. False is for operations that people do twice: a like, a top-up.
   * @default true
   * @experimental
   */
  watchDuplicates?: boolean;
}

/** A transaction that did not commit has left nothing behind, so its crash needs no decision: these two exclude each other. */
type CrashRule =
  | { transaction?: false }
  | {
      onCrash?: Excluded<'a crash in a transaction has committed nothing: leave out `onCrash`, or `transaction: true`'>;
    };

/** A duplicate that is turned away at once does not wait. */
type WaitRule =
  | { concurrent?: 'wait' }
  | {
      waitTimeoutMs?: Excluded<"a duplicate that is turned away at once does not wait: leave out `waitTimeoutMs`, or `concurrent: 'reject'`">;
    };

/**
 * Options that contradict each other when one object has both. What is wrong only because another option is absent (`maxCapturedBytes`,
 * `redact`) is seen at construction: a type that asks for an option takes no `Partial` of itself and no spread of two objects, so that no
 * policy could be put together of parts any more.
 */
export type Exclusions = CrashRule & WaitRule;

/** A `Policy` whose options do not contradict each other. */
export type ExclusivePolicy<Call = unknown, Result = unknown> = Policy<Call, Result> & Exclusions;

/**
 * A `Redaction` lists names of fields, at any depth and in any case: arguments, fields of inputs and results (by their names in the schema,
 * whatever their aliases and variables are), headers, query parameters. Or a function, which gets the body as it would be
 * stored, parsed, and returns what is stored instead, or a promise of that: the same where there is nothing to remove,
 * undefined for no body.
 */
export type Redaction = readonly string[] | ((body: unknown, where: 'request' | 'response') => unknown);

/**
 * Options that a `policy` function may decide by request. They concern only the call's own run or own wait, so that two calls of one key
 * may have them differently. The others say what a record means to every call that meets it: whose lease has lapsed, what is then done,
 * which requests are the same, who can read it.
 */
export type RequestOption =
  | 'retentionMs'
  | 'maxRunMs'
  | 'concurrent'
  | 'waitTimeoutMs'
  | 'retain'
  | 'maxResultBytes'
  | 'compressAboveBytes'
  | 'captureRequest'
  | 'maxCapturedBytes';

/** The part of a policy that a `policy` function decides by request. What is absent is as the operation has it. */
export type RequestPolicy = Pick<Policy, RequestOption> & WaitRule & NotByRequest;

/** The compiler sees no unknown member in what a function returns, so that each option which is not for it is named here. */
type NotByRequest = {
  readonly [Option in Exclude<
    keyof Policy,
    RequestOption
  >]?: Excluded<'it has to be the same for every call of one key, so it belongs into createIdempotency(...) or the policy of the operation'>;
};

/** A `policy` function decides by request. It may be async; nothing is claimed before it has answered. */
export type ByRequest<Call> = (call: Call) => RequestPolicy | Promise<RequestPolicy>;

/** A policy with every default filled in. */
export type ResolvedPolicy = Readonly<
  Required<Omit<Policy, 'fingerprint'>> & { fingerprint: ResolvedFingerprint }
>;
