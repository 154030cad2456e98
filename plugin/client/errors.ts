import { type Answer, answersIn, of } from './answer.ts';
import { isNetworkError } from './network-error.ts';

/**
 * An input was changed although an earlier attempt may have been carried out: to send it with the old key would be refused,
 * with a new key it might be a second order. Tell the user; `startOver()` is their consent.
 */
export class MustConfirmError extends Error {
  override readonly name = 'MustConfirmError';
  /** The key of the earlier attempt: with it you can ask the server what became of that. */
  readonly key: string;

  constructor(key: string) {
    super(
      'The input was changed, but an earlier attempt may have worked; call startOver() to send it anyway',
    );
    this.key = key;
  }
}

/** Recognizes the error by its name, as a page may hold two copies of this package. */
export function isMustConfirm(error: unknown): error is MustConfirmError {
  return of(error, 'name') === 'MustConfirmError';
}

const RETRYABLE_CODES = new Set([
  'IDEMPOTENCY_IN_PROGRESS',
  'IDEMPOTENCY_LEASE_LOST',
  'IDEMPOTENCY_STORE_UNAVAILABLE',
]);
const RETRYABLE_STATUSES = new Set([425, 429, 502, 503, 504]);

/**
 * Tells whether an attempt that failed may be sent again **with the same key** and do better: the network lost it or its
 * answer, or the answer says so. False for any other error, such as an application's own or a bug's TypeError.
 * Use it for the retry options of tRPC's `retryLink`, Apollo's `RetryLink` and urql's `retryExchange`, which keep the key; and for
 * React Query's `retry`, where `idempotentMutation` keeps it. A retry that makes a new key is a second operation.
 *
 * @example
 * useMutation({
 *   ...idempotentMutation(trpc.pay, ({ invoiceId }) => ['pay', invoiceId]),
 *   retry: (failures, error) => failures < 3 && isRetryable(error),
 * })
 */
export function isRetryable(error: unknown): boolean {
  if (isMustConfirm(error) || isAbort(error)) return false;
  const answers = answersIn(error);
  return answers.length > 0 ? answers.some(asksForMore) : isNetworkError(error);
}

/** Tells whether an answer asks for another attempt. Of several, to the fields of one operation, one is enough: the others are replayed. */
function asksForMore({ code = '', retryable, status = 0 }: Answer): boolean {
  return retryable ?? (RETRYABLE_CODES.has(code) || RETRYABLE_STATUSES.has(status));
}

/** Tells whether the caller aborted the request, also where a client wrapped that error. */
function isAbort(error: unknown): boolean {
  return [error, of(error, 'cause'), of(error, 'networkError')].some(
    (each) => of(each, 'name') === 'AbortError',
  );
}
