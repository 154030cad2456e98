import { type IdempotencyError, refusalWith } from '../engine/errors.ts';

/** Makes the error of a transaction that ran out of time: nothing happened, and the same key may be sent again. */
export function outOfTime(cause: unknown): IdempotencyError {
  const message = 'The transaction could not be committed in time; nothing of it was kept';
  return refusalWith('IDEMPOTENCY_STORE_UNAVAILABLE', { message, reason: 'transaction_timeout', cause });
}

/** Makes the error of transactions that the store gave up each time. It is the developer's to mend: a retry ends alike. */
export function transactionGone(runs: number, cause: unknown): Error {
  return new Error(
    `MongoDB had given up the transaction in each of ${runs} runs before it could be committed; nothing of them was kept. An ` +
      'error of an operation (a duplicate key, say) ends its transaction: let the handler throw it, or look before it ' +
      'writes. So do operations that are sent in parallel, and an age of transactionLifetimeLimitSeconds (default 60).',
    { cause },
  );
}

/** Makes the error of a handler that ended its transaction itself. */
export function endedByHandler(cause: unknown): Error {
  const message =
    'The handler committed, aborted or ended the transaction of run.session itself, so its effects and its outcome are ' +
    'not bound to each other; leave that to Latchkey';
  return new Error(message, { cause });
}
