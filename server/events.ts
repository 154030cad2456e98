import type { IdempotencyErrorCode } from './engine/errors.ts';
import { textOf } from './engine/reason.ts';
import type { Outcome } from './engine/record.ts';

interface KeyEvent {
  /** The scope of the key. */
  readonly scope: string;
  /** The key that the event is about. */
  readonly key: string;
  /** The name of the operation: `chargeCard`, `orders.create`, `POST /payments`. */
  readonly operation: string;
}

interface EventOfRun extends KeyEvent {
  /** 1 for the first run of the key's life. */
  readonly attempt: number;
  /** The fencing token of the run: no two runs of a key have the same one. */
  readonly fence: number;
}

/**
 * An event of one run. Each run that has `started` ends with `completed`, `released`, `in_doubt` or `result_not_recorded`, unless its
 * process dies; the last of these may be followed by one of the others, when the record takes its end after all.
 * @experimental
 */
export type RunEvent =
  | (EventOfRun & { readonly type: 'started' })
  | (EventOfRun & { readonly type: 'completed'; readonly outcome: Outcome })
  | (EventOfRun & {
      readonly type: 'released' | 'in_doubt';
      /** Why, as the record has it. */
      readonly reason: string;
    })
  | (EventOfRun & {
      /** The transaction could not be committed: the handler runs again. */
      readonly type: 'transaction_retried';
      readonly reason: string;
      readonly error: unknown;
    })
  | (EventOfRun & {
      /** The lease could not be kept: the handler's signal aborted. */
      readonly type: 'lease_lost';
      readonly reason: string;
    })
  | (EventOfRun & {
      /** The handler ran and its caller got the result, but the record does not hold it (yet). */
      readonly type: 'result_not_recorded';
      /** The state of the record that stands, or a word for why, such as `unsealed`. */
      readonly reason?: string;
      readonly error?: unknown;
    });

/**
 * An `IdempotencyEvent` tells logs and metrics what happened to a key. It holds no arguments and no results. A later release may add types: give
 * a `switch` a `default`.
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
  | (KeyEvent & { readonly type: 'replayed' })
  | (KeyEvent & {
      readonly type: 'refused';
      /** The code that the caller got. */
      readonly code: IdempotencyErrorCode;
      /** A word that narrows the code, such as `misconfigured`. */
      readonly reason?: string;
      /** The error that the caller got. Its `cause` says more than a client may know. */
      readonly error: unknown;
    })
  | (KeyEvent & {
      /**
       * A plugin of the host replaced the GraphQL executor, so that a mutation which needs protection did not come by this package.
       * `key` is empty where one is missing.
       */
      readonly type: 'unprotected';
      /** `refused`: nothing ran. */
      readonly reason: 'refused' | 'ran';
    });

/** What a run tells of itself: an event without the names of the run. */
export type RunNews = NewsIn<RunEvent>;
type NewsIn<Event> = Event extends unknown ? Omit<Event, keyof EventOfRun> : never;

/**
 * An `EventListener` is told of each event. What it throws becomes a process warning, and so does the rejection of an async one.
 * @experimental
 */
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
