/**
 * A page of another origin must be allowed to send these, for `Access-Control-Allow-Headers`: browsers hold back any
 * request with a header that is not listed there. The plural is for the batches of tRPC.
 */
export const IDEMPOTENCY_REQUEST_HEADERS = ['Idempotency-Key', 'Idempotency-Keys'] as const;

/**
 * Scripts of another origin must be allowed to read these, for `Access-Control-Expose-Headers`: whether an answer is a replay, when to
 * try again, and where the documentation of a refusal is.
 */
export const IDEMPOTENCY_RESPONSE_HEADERS = [
  'Idempotent-Replayed',
  'Idempotent-Replays',
  'Retry-After',
  'Link',
] as const;
