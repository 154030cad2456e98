import type { IdempotencyErrorData } from '../../server/engine/error-data.ts';
import { type Answer, answersIn, of } from './answer.ts';
import { isNetworkError } from './network-error.ts';

export type { IdempotencyErrorData } from '../../server/engine/error-data.ts';

/**
 * An input was changed although an earlier attempt may have been carried out: to send it with the old key would be refused,
 * with a new key it might be a second order. Tell the user; `startOver()` is their consent.
 *
 * @example
 * if (isMustConfirm(error) && confirm('An earlier attempt may have worked. Order again?')) startOver()
 */
export class MustConfirmError extends Error {
  /** The name by which `isMustConfirm` knows the error. */
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

/**
 * Recognizes a `MustConfirmError` by its name, as a page may hold two copies of this package.
 *
 * @example
 * const question = isMustConfirm(error) ? 'An earlier attempt may have worked. Order again?' : undefined
 */
export function isMustConfirm(error: unknown): error is MustConfirmError {
  return of(error, 'name') === 'MustConfirmError';
}

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

/**
 * Tells whether an answer asks for another attempt. Of several, to the fields of one operation, one is enough: the others are replayed.
 * What a resolver ended with is stored: another attempt is told the same.
 */
function asksForMore({ idempotency, status = 0, executed }: Answer): boolean {
  return idempotency ? idempotency.retryable : executed !== true && RETRYABLE_STATUSES.has(status);
}

/** So many errors that are wrapped in one another are looked into. */
const DEPTH = 8;

/**
 * Finds what the server said of the key, where it refused the request because of it: the same object whichever client and API. Undefined
 * for any other error, such as one of your application, whatever its code. Of several errors in one answer it is the first refusal.
 *
 * It reads errors of tRPC (with `idempotencyErrorFormatter` on the server), Apollo Client 3 and 4 and urql, what axios, ky and clients made of
 * an OpenAPI schema throw, the JSON of an answer of GraphQL or of a problem (`await response.json()`), one of its `errors`, and an error
 * of yours that has one of these as its `cause`. A `Response` itself tells nothing: its body is yours to read.
 *
 * @example
 * const refused = idempotencyErrorOf(payment.error)
 * switch (refused?.code) {
 *   case 'IDEMPOTENCY_IN_DOUBT': // the id by which your support finds the key on the dashboard
 *     return <AskSupport reference={refused.recordId} />
 *   case 'IDEMPOTENCY_KEY_REUSED':
 *     return <AlreadyPaid />
 *   default: // another refusal, of a later release too; or an error of your own
 *     return <Failed retry={isRetryable(payment.error)} />
 * }
 */
export function idempotencyErrorOf(error: unknown): IdempotencyErrorData | undefined {
  let each = error;
  for (let depth = 0; depth < DEPTH && typeof each === 'object' && each !== null; depth++) {
    const answers = [...answersIn(each), ...answersIn({ errors: [each] })];
    const refused = answers.find(({ idempotency }) => idempotency !== undefined);
    if (refused) return refused.idempotency;
    each = of(each, 'cause');
  }
  return undefined;
}

/** Tells whether the caller aborted the request, also where a client wrapped that error. */
function isAbort(error: unknown): boolean {
  return [error, of(error, 'cause'), of(error, 'networkError')].some(
    (each) => of(each, 'name') === 'AbortError',
  );
}
