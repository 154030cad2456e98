import { type IdempotencyErrorCode, type KeyUse, keyUseOf } from './error-codes.ts';
import type { IdempotencyError } from './errors.ts';

/** These refusals are about a record that somebody may have to look at. */
export const CODES_OF_RECORD = [
  'IDEMPOTENCY_IN_PROGRESS',
  'IDEMPOTENCY_IN_DOUBT',
  'IDEMPOTENCY_RECORD_UNREADABLE',
] as const satisfies readonly IdempotencyErrorCode[];

type CodeOfRecord = (typeof CODES_OF_RECORD)[number];

interface Facts<Code extends IdempotencyErrorCode> {
  /** The code says what was refused. A minor release may add one, so keep a `default` where you switch over it. */
  readonly code: Code;
  /** A short word that narrows the code, such as `overloaded`. A minor release may add some. */
  readonly reason?: string;
  /** True when the client may send the same key again, and nobody has to do anything first. */
  readonly retryable: boolean;
  /**
   * Says what the client does with its key when it sends the request again, at once or after somebody has corrected it. `reuse`: the same
   * key, for the operation may have run under it, or runs; another key might be a second operation. `rotate`: a new key, since nothing can have
   * run under this one, or it belongs to another request. To rotate after IDEMPOTENCY_KEY_REUSED is a new operation: the person has to want it.
   */
  readonly key: KeyUse;
  /** The client should wait this long before it sends the key again, in ms. */
  readonly retryAfterMs?: number;
  /**
   * The id of the key's record, by which support finds it on the dashboard (`/keys/<id>/-`) and by `latchkey keys show <id>`. It opens
   * nothing by itself: the dashboard asks who is there. With IDEMPOTENCY_IN_PROGRESS it is there once the client has waited in vain.
   */
  readonly recordId?: Code extends CodeOfRecord ? string : never;
}

/**
 * What a client is told of a refusal, the same by each API: `extensions.idempotency` of a GraphQL error, `error.data.idempotency` of
 * tRPC, the member `idempotency` of HTTP's problem+json. A union by `code`; a minor release may add codes, so keep a `default`.
 */
export type IdempotencyErrorData = { [Code in IdempotencyErrorCode]: Facts<Code> }[IdempotencyErrorCode];

/** Makes of a refusal what its client is told. What is not known is left out, so that it is the same as JSON and as a value. */
export function errorDataOf(error: IdempotencyError): IdempotencyErrorData {
  const { code, reason, retryable, retryAfterMs, recordId } = error;
  const facts = {
    code,
    ...(reason !== undefined && { reason }),
    retryable,
    key: keyUseOf(error),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(recordId !== undefined && { recordId }),
  };
  return facts as IdempotencyErrorData;
}
