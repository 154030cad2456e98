import type { DoubtReason, LeaseLossReason, ReleaseReason } from './engine/end-reasons.ts';
import type { IdempotencyErrorCode, ReasonOf } from './engine/error-codes.ts';
import type { KeyState, OperatorAction, Outcome } from './engine/record.ts';
import type { KeyStatus } from './key-status.ts';

interface KeyEvent {
  /** The scope of the key; empty where it is not known (yet). */
  readonly scope: string;
  /** The key that the event is about; empty where there is none, or none that is valid. */
  readonly key: string;
  /** The name of the operation: `chargeCard`, `orders.create`, `POST /payments`. */
  readonly operation: string;
  /**
   * Names the span of another run that the event speaks of, by W3C Trace Context, where that run was traced: the one that made the answer, that
   * was waited for, or that had lapsed.
   */
  readonly linkedTo?: string;
}

interface EventOfRun extends KeyEvent {
  /** 1 for the first run of the key's life. */
  readonly attempt: number;
  /** The fencing token of the run: no two runs of a key have the same one. */
  readonly fence: number;
}

interface EndOfRun extends EventOfRun {
  /** The run took so long, in ms, from its start until its end was recorded or could not be. Absent where this process did not run it. */
  readonly durationMs?: number;
}

/** Says why the record does not hold a result: the state of the record that stands instead, or what went wrong. */
export type UnrecordedReason =
  | KeyState
  /** There is no record any more. */
  | 'gone'
  /** A record stands that this release can not read. */
  | 'unreadable'
  /** Another run has taken the key over. */
  | 'taken_over'
  /** The `cipher` or `redact` failed: the outcome is recorded, the body is not. */
  | 'unsealed'
  /** The store can not tell whether it committed the transaction. */
  | 'commit_unknown'
  /** The store did not answer; the write is tried again in the background. */
  | 'store_unavailable';

/**
 * An event of one run. Each run that has `started` ends with `completed`, `released`, `in_doubt` or `result_not_recorded`, unless its
 * process dies; the last of these may be followed by one of the others, when the record takes its end after all. A run whose process died is
 * `in_doubt` when a claim finds its lease lapsed: the process whose write put it there says so, once.
 * @experimental
 */
export type RunEvent =
  | (EventOfRun & {
      readonly type: 'started';
      /** `taken_over`: an earlier run of the key had lapsed, or was in doubt. */
      readonly how: 'claimed' | 'taken_over';
      /** The call had waited so long for other runs of the key, in ms; absent where it had not waited. */
      readonly waitedMs?: number;
    })
  | (EndOfRun & { readonly type: 'completed'; readonly outcome: Outcome })
  | (EndOfRun & {
      readonly type: 'released';
      readonly reason: ReleaseReason;
      /** Why, as the record has it for people. It may hold what your code said or threw. */
      readonly detail: string;
    })
  | (EndOfRun & {
      readonly type: 'in_doubt';
      readonly reason: DoubtReason;
      /** Why, as the record has it for people. It may hold what your code said or threw. */
      readonly detail: string;
    })
  | (EventOfRun & {
      /** The transaction could not be committed: the handler runs again. */
      readonly type: 'transaction_retried';
      /** `transient`: a conflict, an election, a lost connection. `gone`: the server had given the transaction up. */
      readonly reason: 'transient' | 'gone';
      readonly detail: string;
      readonly error: unknown;
    })
  | (EndOfRun & {
      /** The lease could not be kept: the handler's signal aborted. */
      readonly type: 'lease_lost';
      readonly reason: LeaseLossReason;
    })
  | (EndOfRun & {
      /** The handler ran and its caller got the result, but the record does not hold it (yet). */
      readonly type: 'result_not_recorded';
      readonly reason: UnrecordedReason;
      readonly error?: unknown;
    });

/** An `IdempotencyErrorReason` narrows the code of a refusal. A minor release may add one. */
export type IdempotencyErrorReason = ReasonOf<IdempotencyErrorCode>;

/** A refusal, whatever its code. `reason` is one of those of its code. */
export interface RefusedEvent extends KeyEvent {
  /** Tells a refusal from the other events. */
  readonly type: 'refused';
  /** The code that the caller got. */
  readonly code: IdempotencyErrorCode;
  /** A word that narrows the code, such as `misconfigured`. */
  readonly reason?: IdempotencyErrorReason;
  /** The error that the caller got. Its `cause` says more than a client may know. */
  readonly error: unknown;
  /** The call had waited so long for other runs of the key, in ms; absent where it had not waited. */
  readonly waitedMs?: number;
}

/**
 * An `IdempotencyEvent` tells logs and metrics what happened to a key. It holds no arguments and no results. A later release may add types: give
 * a `switch` a `default`. All of `type`, `code`, `reason` and `outcome` are closed sets, so they can be labels of a metric; scope, key and
 * `detail` can not.
 *
 * @example
 * onEvent: (event) => {
 *   if (event.type === 'refused') refusals.add(1, { operation: event.operation, code: event.code })
 *   if (event.type === 'in_doubt') log.warn(event, 'an operator has to look')
 * }
 * @experimental
 */
export type IdempotencyEvent =
  | RunEvent
  | RefusedEvent
  | (KeyEvent & {
      readonly type: 'replayed';
      /** The answer was stored so long ago, in ms. */
      readonly ageMs: number;
      /** The call had waited so long for the run that made the answer, in ms; absent where it had not waited. */
      readonly waitedMs?: number;
    })
  | (KeyEvent & {
      /** The call begins to wait for a run of this process, and asks the store nothing meanwhile. */
      readonly type: 'joined';
    })
  | (KeyEvent & {
      /** The call has waited for a run of its key, in this process or in another one. */
      readonly type: 'waited';
      readonly waitedMs: number;
      /** `ended`: the run has ended, or its lease has lapsed. `gave_up`: the call's time was over, or this process closes. */
      readonly result: 'ended' | 'gave_up';
    })
  | (KeyEvent & {
      /** A mutation without a key goes on unprotected, because none is required. */
      readonly type: 'passed';
    })
  | (KeyEvent & {
      /** Somebody asked about a key, by `peek`, `attach` or the adapter's own way, and got this answer. `operation` is empty: a question names none. */
      readonly type: 'asked';
      readonly state: KeyStatus['state'];
      /** `attach` took so long, in ms, most of it for a run under way; absent for `peek`. */
      readonly waitedMs?: number;
    })
  | (KeyEvent & {
      /**
       * A plugin of the host replaced the GraphQL executor, so that a mutation which needs protection did not come by this package.
       * `key` is empty where one is missing.
       */
      readonly type: 'unprotected';
      /** `refused`: nothing ran. */
      readonly reason: 'refused' | 'ran';
    })
  | (KeyEvent & {
      /**
       * The call ran shortly after the same request had run under another key: same scope, operation and fingerprint. Its client may make a new
       * key for each attempt. It is told some seconds later, once, and not of each: calls are watched by a sample.
       */
      readonly type: 'suspected_duplicate';
      /** The request came under this key before. */
      readonly otherKey: string;
      /** So much time lies between the two, in ms. */
      readonly afterMs: number;
    })
  | (KeyEvent & {
      /**
       * An operator has acted on a key: on the dashboard, or by code (`latchkey/operator`) of this process. The command line is another
       * process. `erase` is about a whole scope, whose pseudonym stands in `scope`.
       */
      readonly type: 'operator_action';
      readonly action: OperatorAction | 'erase';
      /** Who it was, as the audit has it. */
      readonly by: string;
    });

/** What a run tells of itself: an event without the names of the run. */
export type RunNews = NewsIn<RunEvent>;
type NewsIn<Event> = Event extends unknown ? Omit<Event, keyof EndOfRun> : never;

/**
 * An `EventListener` is told of each event. What it throws becomes a process warning, and so does the rejection of an async one.
 * @experimental
 */
export type EventListener = (event: IdempotencyEvent) => void;
