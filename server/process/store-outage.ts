import { type IdempotencyError, isIdempotencyError } from '../engine/errors.ts';
import { textOf } from '../engine/reason.ts';
import { withHelp } from '../engine/with-help.ts';

/** The store, or the way to it, is to blame for these reasons. The others are those of one call, or of `close()`. */
const REASONS = ['misconfigured', 'unreachable', 'timeout', 'overloaded', 'unresponsive'] as const;

type StoreFailure = IdempotencyError & { readonly reason: (typeof REASONS)[number] };
/** A failure that was told is not told again for this time, in ms, nor is its end, however often it comes and goes. */
const QUIET_MS = 10 * 60_000;
const MOST_KINDS = 50;

/**
 * Tells the operator by process warnings why calls are refused: one for a failure, one for each other failure after it, one
 * when calls get through again. Not one for each call.
 */
export class StoreOutage {
  /** The time when each kind of failure was told last, by `performance.now()`. */
  readonly #told = new Map<string, number>();
  /** The failure that was told, and has not ended. */
  #current: string | undefined;

  refused(error: unknown): void {
    if (!isStoreFailure(error)) return;
    const cause = causeOf(error);
    // The driver numbers its connections.
    const kind = `${error.reason}: ${cause.replace(/connection \d+/g, 'connection')}`;
    if (kind === this.#current || this.#isQuiet(kind)) return;
    this.#current = kind;
    const text = `Calls with an idempotency key are refused (IDEMPOTENCY_STORE_UNAVAILABLE, ${error.reason}): ${cause}`;
    // What is misconfigured says itself where to look.
    if (error.reason === 'misconfigured') warn(text, 'LATCHKEY_STORE_MISCONFIGURED');
    else {
      const hopeful = `${text}. They go on by themselves when this is over`;
      warn(withHelp(hopeful, `IDEMPOTENCY_STORE_UNAVAILABLE-${error.reason}`), 'LATCHKEY_STORE_UNAVAILABLE');
    }
  }

  /** A call got an answer of the store. */
  answered(): void {
    if (this.#current === undefined) return;
    this.#current = undefined;
    warn('Calls with an idempotency key get through to the store again', 'LATCHKEY_STORE_AVAILABLE');
  }

  #isQuiet(kind: string): boolean {
    const now = performance.now();
    const toldAt = this.#told.get(kind);
    if (toldAt !== undefined && now - toldAt < QUIET_MS) return true;
    for (const [other, at] of this.#told) if (now - at >= QUIET_MS) this.#told.delete(other);
    if (this.#told.size >= MOST_KINDS) return true;
    this.#told.set(kind, now);
    return false;
  }
}

function isStoreFailure(error: unknown): error is StoreFailure {
  return (
    isIdempotencyError(error) &&
    error.code === 'IDEMPOTENCY_STORE_UNAVAILABLE' &&
    REASONS.some((reason) => reason === error.reason)
  );
}

/** The text of what lies behind a refusal. An address in it loses its user and password. */
function causeOf({ cause, message }: IdempotencyError): string {
  const text = cause === undefined ? message : cause instanceof Error ? cause.message : textOf(cause);
  return text.replace(/\/\/[^/@\s]*@/g, '//');
}

function warn(text: string, code: string): void {
  process.emitWarning(text, { type: 'LatchkeyWarning', code });
}
