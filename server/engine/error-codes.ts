import { OMISSIONS } from './record.ts';

/**
 * Everything Latchkey refuses, as a closed set of codes. `status` is what an HTTP adapter answers with;
 * `retryable` says whether the same key may be sent again without anybody doing anything first. `key` says what the client does with its
 * key when it sends the request again, however late: `reuse` it, for the request may have run under it, or `rotate` it: make a new one for
 * a request that is corrected. `reasons` are all words that narrow
 * the code: docs/troubleshooting.md has an entry for each code and each reason.
 *
 * The statuses follow draft-ietf-httpapi-idempotency-key-header-07 §2.7 (400 missing, 409 in progress, 422 reused).
 */
export const CODES = {
  IDEMPOTENCY_KEY_MISSING: {
    status: 400,
    retryable: false,
    key: 'rotate',
    message: 'This operation needs an idempotency key',
    reasons: [],
  },
  IDEMPOTENCY_KEY_INVALID: {
    status: 400,
    retryable: false,
    key: 'rotate',
    message: 'The idempotency key is not valid',
    reasons: [
      'type',
      'empty',
      'too_long',
      'control_character',
      'unfilled',
      'not_well_formed',
      'format',
      'malformed',
      'ambiguous',
      'batch',
      'unfingerprintable',
      'conflicting_policies',
      'misplaced',
      'incremental',
      'streaming',
      'streamed_output',
    ],
  },
  IDEMPOTENCY_REQUEST_TOO_LARGE: {
    status: 413,
    retryable: false,
    key: 'reuse',
    message: 'The body of this request is too large for a request with an idempotency key',
    reasons: [],
  },
  IDEMPOTENCY_SCOPE_MISSING: {
    status: 401,
    retryable: false,
    key: 'reuse',
    message: 'This operation was sent with an idempotency key by a caller without a scope',
    reasons: [],
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    retryable: false,
    key: 'rotate',
    message: 'This idempotency key was used for another request; use a new key for a new request',
    reasons: [],
  },
  IDEMPOTENCY_SELECTION_CHANGED: {
    status: 422,
    retryable: false,
    key: 'reuse',
    message:
      'This idempotency key was used with another selection of fields; repeat the first one to get its result',
    reasons: [],
  },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    retryable: true,
    key: 'reuse',
    message: 'A request with this idempotency key is still running',
    reasons: ['own_run', 'commit_unknown'],
  },
  IDEMPOTENCY_IN_DOUBT: {
    status: 409,
    retryable: false,
    key: 'reuse',
    message:
      'An earlier request with this idempotency key ended without a known effect; an operator has to decide',
    reasons: ['max_run', 'resolver_failed'],
  },
  IDEMPOTENCY_LEASE_LOST: {
    status: 409,
    retryable: true,
    key: 'reuse',
    message: 'Another run of this idempotency key took over; send the request again for its result',
    reasons: ['expired', 'taken_over', 'max_run', 'timeout', 'transaction_timeout', 'step_not_recorded'],
  },
  IDEMPOTENCY_REPLAY_FORBIDDEN: {
    status: 403,
    retryable: false,
    key: 'reuse',
    message: 'The result of the request with this idempotency key is no longer for this caller',
    reasons: [],
  },
  IDEMPOTENCY_RESULT_NOT_RETAINED: {
    status: 410,
    retryable: false,
    key: 'reuse',
    message: 'The request with this idempotency key ran, but its result is not available',
    reasons: [...OMISSIONS, 'damaged', 'no_cipher', 'undecipherable', 'unknown_format'],
  },
  IDEMPOTENCY_RECORD_UNREADABLE: {
    status: 500,
    retryable: false,
    key: 'reuse',
    message:
      'The record of this idempotency key is damaged or was written by another release; nothing was run',
    reasons: ['type', 'newer_version', 'rule', 'transformer'],
  },
  IDEMPOTENCY_STORE_UNAVAILABLE: {
    status: 503,
    retryable: true,
    key: 'reuse',
    message: 'The idempotency store can not be reached; nothing was run',
    reasons: [
      'unreachable',
      'timeout',
      'unresponsive',
      'overloaded',
      'closing',
      'misconfigured',
      'given_up',
      'cipher',
      'unsealed',
      'no_transactions',
      'transaction_timeout',
      'step_not_recorded',
    ],
  },
} as const;

/** `KeyUse` says what a client does with its key when it sends its request again, or a corrected one. */
export type KeyUse = 'reuse' | 'rotate';

/**
 * With these reasons the key itself is good, and the request around it has to be another one: an earlier attempt may have run under
 * the key, so it is kept.
 */
const OF_THE_REQUEST: ReadonlySet<string | undefined> = new Set<ReasonOf<'IDEMPOTENCY_KEY_INVALID'>>([
  'ambiguous',
  'batch',
  'unfingerprintable',
  'conflicting_policies',
  'misplaced',
  'incremental',
  'streaming',
  'streamed_output',
]);

/** `Refused` is what is known of a refusal, that is, of an `IdempotencyError`. */
interface Refused {
  readonly code: IdempotencyErrorCode;
  readonly reason: string | undefined;
}

/** Says what the client of a refusal does with its key. */
export function keyUseOf({ code, reason }: Refused): KeyUse {
  const isOfRequest = code === 'IDEMPOTENCY_KEY_INVALID' && OF_THE_REQUEST.has(reason);
  return isOfRequest ? 'reuse' : CODES[code].key;
}

/** Another process of the same fleet, of a newer release, can answer these although this one can not: the key may be sent again. */
const FOR_ANOTHER_PROCESS: { readonly [Code in IdempotencyErrorCode]?: ReasonOf<Code> } = {
  IDEMPOTENCY_RECORD_UNREADABLE: 'newer_version',
  IDEMPOTENCY_RESULT_NOT_RETAINED: 'unknown_format',
};

/** Tells whether the same key may be sent again without anybody doing anything first. */
export function isRetryable(code: IdempotencyErrorCode, reason: string | undefined): boolean {
  return CODES[code].retryable || (reason !== undefined && FOR_ANOTHER_PROCESS[code] === reason);
}

/** The codes of all refusals. A minor release may add one: keep a `default` where you switch over them. */
export type IdempotencyErrorCode = keyof typeof CODES;

/** Every code, for tables in adapters and tests. It is no part of the package: a table of a user would lack the codes of the next release. */
export const IDEMPOTENCY_ERROR_CODES = Object.keys(CODES) as readonly IdempotencyErrorCode[];

/** A `ReasonOf` a code is one of the words that narrow it. It is for the code of this package: users may meet those of a later release. */
export type ReasonOf<Code extends IdempotencyErrorCode> = (typeof CODES)[Code]['reasons'][number];

/** Every reason of every code. */
export const IDEMPOTENCY_ERROR_REASONS: readonly (readonly [IdempotencyErrorCode, reason: string])[] =
  IDEMPOTENCY_ERROR_CODES.flatMap((code) => CODES[code].reasons.map((reason) => [code, reason] as const));
