import type { RefusalCode } from '../admin/contract/refusal.ts';
import type { Doubt, Resolution } from '../engine/resolution.ts';
import type { CompleteOptions } from './key-operator.ts';

/**
 * A `PendingResolution` is what the `resolve` function of `resolvePending` says of a key. `data` and `error` are those of
 * `operator.complete` and `operator.fail`; `api` beside them says which API answers the key, where nothing stored tells.
 */
export type PendingResolution = Resolution & { readonly api?: CompleteOptions['api'] };

/** The options of `operator.resolvePending`. */
export interface ResolvePendingOptions {
  /**
   * At most so many keys are asked about, from 1 to 10,000.
   * @default 100
   */
  readonly limit?: number;
  /**
   * Says what became of a run whose end nobody knows. It is asked about one key at a time, and about several keys at once; what it throws
   * is in the result of its key.
   * @default the `resolve` of `createIdempotency`
   * @example
   * resolve: async ({ downstreamKey, signal }) => {
   *   const charge = await provider.findCharge({ idempotencyKey: downstreamKey('charge'), signal })
   *   return charge ? { action: 'complete', data: { chargeCard: { id: charge.id } } } : { action: 'in_doubt' }
   * }
   */
  readonly resolve?: (doubt: Doubt) => PendingResolution | Promise<PendingResolution>;
  /**
   * Only keys of this operation are asked about: `chargeCard`, `orders.create`, `POST /payments`.
   * @default all operations
   */
  readonly operation?: string;
  /**
   * So many keys are asked about at the same time, from 1 to 32.
   * @default 4
   */
  readonly concurrency?: number;
  /**
   * The audit keeps why: 8 to 1,000 characters.
   * @default the answer of the function: `the resolve function says: complete`
   */
  readonly reason?: string;
  /**
   * The walk goes on behind the key that a walk before ended with: its `next`.
   * @default from the oldest key in doubt on
   */
  readonly after?: string;
  /** When this aborts, no further key is asked about, and the signals of the doubts abort. The result has what was done. */
  readonly signal?: AbortSignal;
}

/** A `ResolvedKey` says what became of one key. */
export type ResolvedKey = {
  /** The scope of the key. */
  readonly scope: string;
  /** The key, as the client sent it. */
  readonly key: string;
  /** The name of the operation. */
  readonly operation: string;
  /** The id of the record, as errors and the dashboard's address have it. */
  readonly recordId: string;
} & (
  | {
      /** The action was taken. */
      readonly outcome: 'complete' | 'fail' | 'retry';
      /** The sentence says what retries get from now on. */
      readonly note: string;
    }
  | {
      /** The function does not know: the key stays in doubt. */
      readonly outcome: 'in_doubt';
    }
  | {
      /** The key was not in doubt any more, or has changed while the function was asked: nothing was done. */
      readonly outcome: 'refused';
      /** The code is for programs, as in `OperatorResult`. */
      readonly code: RefusalCode;
      /** The sentence is for people. */
      readonly why: string;
    }
  | {
      /** The function threw, took too long or gave nothing usable, or the database did not answer. The key stays as it is. */
      readonly outcome: 'error';
      /** The error, as it was thrown. */
      readonly error: unknown;
    }
);

/** `resolvePending` has this result. */
export interface ResolvedPending {
  /** The keys that were asked about, the oldest first. */
  readonly keys: readonly ResolvedKey[];
  /** So many keys had each outcome. */
  readonly counts: Readonly<Record<ResolvedKey['outcome'], number>>;
  /** Give this as `after` to go on with the keys that are left; null when there are none. */
  readonly next: string | null;
}
