import type { Omission, Outcome } from './engine/record.ts';

/**
 * A `KeyStatus` says what is known of a key. `state` tells the cases apart:
 *
 * - `completed`: it happened, or failed for good. `result` is what the first call was answered with, unless `withheld` says
 *   why it is not there.
 * - `running`: a run is under way.
 * - `in_doubt`: a run ended, and nobody knows whether its effect happened. Sending the same key again does no harm, a new
 *   key may do it twice.
 * - `released`: a run ended without an effect. The same key may be sent again.
 * - `unknown`: nothing is known of this key, or nothing that the caller may know. It was never sent, did not arrive (yet), is
 *   forgotten, or is somebody else's: the answer does not tell which.
 */
export type KeyStatus<Result = StoredResult> =
  | {
      readonly state: 'completed';
      /** How the first call ended. */
      readonly outcome: Outcome;
      readonly result: Result;
      readonly withheld?: undefined;
    }
  | {
      readonly state: 'completed';
      readonly outcome: Outcome;
      readonly result?: undefined;
      readonly withheld: Withheld;
    }
  | { readonly state: 'running' }
  | { readonly state: 'in_doubt' }
  | { readonly state: 'released' }
  | { readonly state: 'unknown' };

/** A `Withheld` is the reason why a result that was made can not be shown. */
export type Withheld =
  | Omission
  /** The stored result can not be read any more. */
  | 'damaged'
  /** It is encrypted, and this server has no `cipher`, or not the key that encrypted it. */
  | 'no_cipher'
  | 'undecipherable'
  /** Another adapter has written it: a key of a GraphQL mutation that was asked about by tRPC. */
  | 'unknown_format'
  /** It was written with another transformer of tRPC. */
  | 'transformer';

/** A `StoredResult` is a result as its adapter wrote it down. */
export interface StoredResult {
  /** The name and version of the form of `body`: `graphql/1`. */
  readonly format: string;
  /** The text of the result, in that form. */
  readonly body: string;
}

/** A `KeyQuestion` names the key that is asked about, and who may know of it. */
export interface KeyQuestion<Result = StoredResult> {
  /** Whose key it is: the scope of the caller, as the adapter's `scope` gives it for the mutation. */
  readonly scope: string | null | undefined;
  /** The key that is asked about, as the client sent it. */
  readonly key: string;
  /**
   * Decides whether the caller may know of this key. False is `unknown`. It is asked in each case, so that the time of an answer tells
   * nothing either; where nothing is known, `operation` is undefined and the verdict changes nothing.
   * @default everybody of the scope may
   * @example
   * authorizeReplay: ({ operation }) => operation !== 'paySalaries' || user.isBookkeeper
   */
  readonly authorizeReplay?: (known: {
    readonly operation: string | undefined;
  }) => boolean | Promise<boolean>;
  /**
   * Reads a stored result. For adapters.
   * @default the result as it is stored
   */
  readonly reader?: ResultReader<Result>;
}

/** A `ResultReader` reads what the codec of the same format has written. */
export interface ResultReader<Result> {
  /** Name and version of the form that it reads: `graphql/1`. */
  readonly format: string;
  /** Makes a result of the text of a body. @throws when `body` is damaged */
  decode(body: string, of: { readonly operation: string; readonly outcome: Outcome }): Result;
}

/** A `Patience` says how long `attach` waits. */
export interface Patience {
  /** The wait ends when this aborts: the promise then rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The wait ends after so many ms, with `{ state: 'running' }`.
   * @default `waitTimeoutMs` of createIdempotency: 10,000
   */
  readonly timeoutMs?: number | undefined;
}

/** Clients may wait so long, where the developer says nothing. */
export const MAX_WAIT_MS = 10_000;
/** A day; what a developer may let clients wait. */
export const LONGEST_WAIT_MS = 86_400_000;
