import type { IdempotencyErrorCode } from './engine/errors.ts';
import { textOf } from './reason.ts';

/** An `IdempotencyEvent` tells logs and metrics what happened to a key. It holds no arguments and no results. */
export interface IdempotencyEvent {
  readonly type:
    | 'started'
    | 'replayed'
    | 'completed'
    | 'released'
    | 'in_doubt'
    | 'refused'
    /** The transaction could not be committed: the handler runs again. */
    | 'transaction_retried'
    /** The lease could not be kept: the handler's signal aborted. */
    | 'lease_lost'
    /** The handler ran and its caller got the result, but the record does not hold it (yet). */
    | 'result_not_recorded'
    /**
     * A plugin of the host replaced the GraphQL executor, so that a mutation which needs protection did not come by this
     * package. `reason` is `refused` (nothing ran) or `ran`. `key` is empty where one is missing.
     */
    | 'unprotected';
  readonly scope: string;
  readonly key: string;
  readonly operation: string;
  readonly attempt?: number;
  readonly fence?: number;
  /** The code of a refusal's `IdempotencyError`, such as `IDEMPOTENCY_STORE_UNAVAILABLE`. */
  readonly code?: IdempotencyErrorCode;
  /** A word that narrows the code of a refusal, such as `misconfigured`; or the reason why a record was released or is in doubt. */
  readonly reason?: string;
  /** The error that the caller of a refusal got. Its `cause` says more than a client may know. */
  readonly error?: unknown;
}

export type EventListener = (event: IdempotencyEvent) => void;

/** A listener that fails must not change what becomes of a payment: it is reported as a process warning. */
export function guarded(listener: EventListener | undefined): EventListener {
  return (event) => {
    try {
      const returned: unknown = listener?.(event);
      // An `async` listener: its rejection would end the process. So would that of anything else with a `then`.
      if (typeof returned === 'object' && returned !== null) Promise.resolve(returned).catch(warn);
    } catch (error) {
      warn(error);
    }
  };
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : textOf(error), { type: 'LatchkeyWarning' });
}
