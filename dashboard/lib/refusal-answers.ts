/** A `RefusalAnswer` is what a client gets that is refused with a code, and what it should do. */
export interface RefusalAnswer {
  readonly status: number;
  /** The sentence is the message that the client reads. */
  readonly message: string;
  readonly advice: string;
}

/**
 * The refusals that the preview of a key can end with. `status` is that of HTTP; in GraphQL and tRPC the code stands in the error.
 * `server/engine/error-codes.ts` has all of them, and test/admin/refusal-answers.test.ts compares the two.
 */
export const REFUSAL_ANSWERS: Readonly<Record<string, RefusalAnswer>> = {
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    message: 'This idempotency key was used for another request; use a new key for a new request',
    advice: 'Make a new key for the new request.',
  },
  IDEMPOTENCY_SELECTION_CHANGED: {
    status: 422,
    message:
      'This idempotency key was used with another selection of fields; repeat the first one to get its result',
    advice: 'Ask for the same fields as the first time.',
  },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    message: 'A request with this idempotency key is still running',
    advice: 'Send the same request again later, with the same key.',
  },
  IDEMPOTENCY_IN_DOUBT: {
    status: 409,
    message:
      'An earlier request with this idempotency key ended without a known effect; an operator has to decide',
    advice:
      'Keep the key and do not send the request under a new one: it could happen twice. Once you have decided here, the same request gets the outcome.',
  },
  IDEMPOTENCY_RESULT_NOT_RETAINED: {
    status: 410,
    message: 'The request with this idempotency key ran, but its result is not available',
    advice: 'Look up the result by other means: the request did run.',
  },
  IDEMPOTENCY_RECORD_UNREADABLE: {
    status: 500,
    message:
      'The record of this idempotency key is damaged or was written by another release; nothing was run',
    advice: 'Keep the key until the record is repaired.',
  },
};

/** Finds the code that a sentence of the server names. */
export function codeIn(sentence: string): string | undefined {
  return /IDEMPOTENCY_[A-Z_]+/.exec(sentence)?.[0];
}
