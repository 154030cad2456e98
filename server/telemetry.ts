import type { KeysOfAttention } from './engine/store.ts';
import type { CommandListener } from './engine/store-command.ts';
import type { EventListener, IdempotencyEvent } from './events.ts';

/** A `FollowedCall` is one keyed call, before its claim. */
export interface FollowedCall {
  /** The scope of the key. */
  readonly scope: string;
  /** The key of the call. */
  readonly key: string;
  /** The name of the operation: `chargeCard`, `orders.create`, `POST /payments`. */
  readonly operation: string;
}

/** A `CallTrace` follows one keyed call. None of its methods may throw. */
export interface CallTrace {
  /**
   * Names the span of the call, as W3C Trace Context does (`00-…`). If the call gets to run, its record keeps this, so that replays in
   * any process can link to the run. Undefined keeps nothing.
   */
  readonly traceparent: string | undefined;
  /** Is told of the events of this call. */
  onEvent(event: IdempotencyEvent): void;
  /** Calls the handler, or a `resolve` function, at once, with the span as the active one. It is called again for each transaction. */
  around<T>(work: () => T): T;
  /** The call has its answer, or was refused. @param error absent where it has an answer */
  end(error?: unknown): void;
}

/**
 * A `Telemetry` measures calls, and follows them through a tracing system. `createTelemetry` of `latchkey/otel` makes one. What its methods throw,
 * or reject with, is a warning of the process, and changes no answer.
 * @experimental
 */
export interface Telemetry {
  /** Is told of each event, as `onEvent` is. */
  readonly onEvent?: EventListener;
  /** Is told of each command of the store, as `onStoreCommand` is. */
  readonly onStoreCommand?: CommandListener;
  /** Begins to follow a call; undefined follows it no further. */
  follow?(call: FollowedCall): CallTrace | undefined;
  /**
   * Is given a function that counts the keys which need attention, once, where the store can count them.
   * @returns what is called when the `Idempotency` closes
   */
  watchKeys?(count: () => Promise<KeysOfAttention>): () => void;
}
