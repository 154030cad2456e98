import { answerIn, of } from './answer.ts';

/** What an attempt that ended tells about its key. */
export type Outcome =
  | 'succeeded'
  /** The operation itself failed, and every retry will be told the same. */
  | 'answered'
  /** This attempt was turned away before the operation: of earlier attempts it tells nothing. */
  | 'refused'
  /** The operation may have been carried out. */
  | 'unknown';

/** Latchkey's where nothing was run, and GraphQL servers' names for what is wrong before a resolver runs. */
const REFUSED_CODES = new Set([
  'KEY_MISSING',
  'KEY_INVALID',
  'SCOPE_MISSING',
  'STORE_UNAVAILABLE',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
]);

/** Latchkey's where a record is there, of this operation or of an earlier one with its key; and a handler that broke. */
const UNKNOWN_CODES = new Set([
  'KEY_REUSED',
  'SELECTION_CHANGED',
  'IN_PROGRESS',
  'IN_DOUBT',
  'LEASE_LOST',
  'REPLAY_FORBIDDEN',
  'RESULT_NOT_RETAINED',
  'RECORD_UNREADABLE',
  'INTERNAL_SERVER_ERROR',
]);

/** Turned away at the door. 404 is not among them: it is as often a handler's word for what it did not find. */
const REFUSED_STATUSES = new Set([400, 401, 403, 405, 406, 411, 413, 414, 415, 425, 429, 431]);
/** Timeouts on the way; and 409, which without a code may be an operation in progress. */
const UNKNOWN_STATUSES = new Set([408, 409, 499]);

/** Where it can not be told, `unknown`: that costs a question to the user, the opposite a second order. */
export function outcomeOfError(error: unknown): Outcome {
  const { code = '', status = 500, executed } = answerIn(error) ?? {};
  if (UNKNOWN_CODES.has(code)) return 'unknown';
  if (executed) return 'answered';
  if (REFUSED_CODES.has(code)) return 'refused';
  if (executed === false || status >= 500 || UNKNOWN_STATUSES.has(status)) return 'unknown';
  return REFUSED_STATUSES.has(status) ? 'refused' : 'answered';
}

/** Some clients do not throw: urql and Apollo resolve with an `error`, `fetch` with a response that is not `ok`. */
export function outcomeOfResult(result: unknown): Outcome {
  const error = [of(result, 'error'), of(result, 'errors')].find((value) => value instanceof Error);
  if (error) return outcomeOfError(error);
  const status = of(result, 'status');
  if (of(result, 'ok') !== false || typeof status !== 'number') return 'succeeded';
  // Latchkey's own refusals have these too, and the body is the caller's to read.
  return status === 410 || status === 422 ? 'unknown' : outcomeOfError(result);
}
