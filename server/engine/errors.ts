import { CODES, type IdempotencyErrorCode, isRetryable, type ReasonOf } from './error-codes.ts';

export interface IdempotencyErrorDetails {
  /** A short word for programs that narrows the code, such as `overloaded` or `closing`. A minor release may add some. */
  reason?: string;
  /** Whether waiting helps, where the reason says something else than the code does. */
  retryable?: boolean;
  /** The caller should wait this long before the next attempt, in ms; adapters send it as `Retry-After` in whole seconds. */
  retryAfterMs?: number;
  /** Names the record in the store. It goes to the client: only where somebody has to look at the record. */
  recordId?: string;
  cause?: unknown;
}

// Recognised by this brand rather than by `instanceof`: a host may load two copies of this package.
const BRAND = Symbol.for('latchkey.IdempotencyError');

/**
 * `IdempotencyError` is the only error class of this package on a server. Adapters translate it once into their host's own error.
 *
 * @example
 * await idempotency.run(call, fulfil).catch((error) => {
 *   if (isIdempotencyError(error) && error.retryable) return queue.later(message)
 *   throw error
 * })
 */
export class IdempotencyError extends Error {
  /** The name by which logs show the error. */
  override readonly name = 'IdempotencyError';
  /** The brand by which `isIdempotencyError` knows an error of another copy of this package. @internal */
  readonly [BRAND] = true;
  /** The code says what was refused. A minor release may add one. */
  readonly code: IdempotencyErrorCode;
  /** A short word that narrows the code, such as `overloaded`; undefined where the code says all. A minor release may add some. */
  readonly reason: string | undefined;
  /** The caller should wait this long before it sends the key again, in ms; undefined where waiting does not help. */
  readonly retryAfterMs: number | undefined;
  /** The HTTP status that goes with `code`. */
  readonly status: number;
  /** True when the client may send the same key again. */
  readonly retryable: boolean;
  /**
   * The id of the key's record on the dashboard, where it is known: with IDEMPOTENCY_IN_DOUBT, IDEMPOTENCY_RECORD_UNREADABLE, and
   * IDEMPOTENCY_IN_PROGRESS after a wait.
   */
  readonly recordId: string | undefined;

  constructor(code: IdempotencyErrorCode, message: string, details: IdempotencyErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.reason = details.reason;
    this.status = CODES[code].status;
    this.retryable = details.retryable ?? isRetryable(code, details.reason);
    this.retryAfterMs = details.retryAfterMs ?? (this.retryable ? 1_000 : undefined);
    this.recordId = details.recordId;
  }
}

/**
 * Tells a refusal of this package from any other error. It goes by a brand and not by `instanceof`, so it knows the errors of another
 * copy of the package too.
 *
 * @example
 * if (isIdempotencyError(error) && error.code === 'IDEMPOTENCY_IN_DOUBT') await tellSupport(error.recordId)
 */
export function isIdempotencyError(error: unknown): error is IdempotencyError {
  return typeof error === 'object' && error !== null && BRAND in error;
}

/** What is known of a refusal, beside its code. */
interface RefusalDetails<Code extends IdempotencyErrorCode> extends IdempotencyErrorDetails {
  reason?: ReasonOf<Code>;
  /** Replaces the code's own message. */
  message?: string;
}

/** An error with its code's own message. */
export function refusal<Code extends IdempotencyErrorCode>(
  code: Code,
  reason?: ReasonOf<Code>,
  cause?: unknown,
): IdempotencyError {
  return refusalWith(code, {
    ...(reason !== undefined && { reason }),
    ...(cause !== undefined && { cause }),
  });
}

/** An error with all that is known, and its code's own message where there is no better one. */
export function refusalWith<Code extends IdempotencyErrorCode>(
  code: Code,
  { message = CODES[code].message, ...details }: RefusalDetails<Code>,
): IdempotencyError {
  return new IdempotencyError(code, message, details);
}

/**
 * IDEMPOTENCY_STORE_UNAVAILABLE where waiting does not help: an index that conflicts, a right that is missing, a wrong password. Nothing
 * was run. The client's answer says no more than that; the cause says what to mend, and is for the operator.
 */
export function misconfigured(cause: unknown): IdempotencyError {
  return refusalWith('IDEMPOTENCY_STORE_UNAVAILABLE', {
    message: 'The idempotency store is not set up as it has to be; nothing was run',
    reason: 'misconfigured',
    retryable: false,
    cause,
  });
}
