import type { IdempotencyErrorData } from '../../server/engine/error-data.ts';
import { type Answer, answersIn, of } from './answer.ts';

/** An attempt that ended tells one of these things about its key. */
export type AttemptOutcome =
  | 'succeeded'
  /** The operation itself failed, and every retry will be told the same. */
  | 'answered'
  /** This attempt was turned away before the operation: of earlier attempts it tells nothing. */
  | 'refused'
  /** This attempt was turned away because of its key, which no attempt can succeed with: the next one needs another key. */
  | 'key_refused'
  /** The operation may have been carried out. */
  | 'unknown';

/** Latchkey's where nothing was run, also where the error is that of a field with its own key. */
const UNRUN = new Set<IdempotencyErrorData['code']>([
  'IDEMPOTENCY_KEY_MISSING',
  'IDEMPOTENCY_KEY_INVALID',
  'IDEMPOTENCY_REQUEST_TOO_LARGE',
  'IDEMPOTENCY_SCOPE_MISSING',
  'IDEMPOTENCY_STORE_UNAVAILABLE',
]);

/** GraphQL servers' names for what is wrong before a resolver runs; a resolver may use them, too. */
const REFUSED_CODES = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
]);

/** Servers refuse a request with these before any handler runs. 404 is not among them: handlers use it, too, for what they did not find. */
const REFUSED_STATUSES = new Set([400, 401, 403, 405, 406, 411, 413, 414, 415, 425, 429, 431]);
/** Timeouts on the way; and 409, which without a code may be an operation in progress. */
const UNKNOWN_STATUSES = new Set([408, 409, 499]);

/** What leaves most open comes first. */
const OUTCOMES = ['unknown', 'answered', 'refused', 'key_refused'] as const;

/** Reads the outcome from an error. Where nobody can tell, it is `unknown`: that costs a question to the user, a wrong guess costs a second order. */
export function outcomeOfError(error: unknown): AttemptOutcome {
  const outcomes = answersIn(error).map(outcomeOfAnswer);
  // With several errors the one that leaves most open counts.
  return OUTCOMES.find((each) => outcomes.includes(each)) ?? 'unknown';
}

function outcomeOfAnswer({ idempotency, code = '', status = 500, executed }: Answer): AttemptOutcome {
  // A record is there with Latchkey's other codes, of this operation or of an earlier one with its key.
  if (idempotency) return UNRUN.has(idempotency.code) ? refusedBy(idempotency) : 'unknown';
  if (code === 'INTERNAL_SERVER_ERROR') return 'unknown'; // a handler broke
  // A gateway may have dropped the rest of a refusal: then nothing is known, whoever gave the code.
  if (code.startsWith('IDEMPOTENCY_')) return 'unknown';
  if (executed) return 'answered';
  if (REFUSED_CODES.has(code)) return 'refused';
  if (executed === false || status >= 500 || UNKNOWN_STATUSES.has(status)) return 'unknown';
  return REFUSED_STATUSES.has(status) ? 'refused' : 'answered';
}

/** Nothing was run: the server says whether that is because of the key. */
function refusedBy({ key }: IdempotencyErrorData): AttemptOutcome {
  return key === 'rotate' ? 'key_refused' : 'refused';
}

/**
 * Some clients do not throw: urql, Apollo and clients made of an OpenAPI schema resolve with an `error`, `fetch` with a response
 * that is not `ok`, and GraphQL's own JSON has `errors`.
 */
export async function outcomeOfResult(result: unknown): Promise<AttemptOutcome> {
  if (isResponse(result)) return outcomeOfResponse(result);
  const error = [of(result, 'error'), of(result, 'errors')].find((value) => value instanceof Error);
  if (error) return outcomeOfError(error);
  if (hasErrors(result)) return outcomeOfError({ errors: of(result, 'errors') });
  const details = of(result, 'error');
  if (typeof details === 'object' && details !== null) return outcomeOfDetails(details, result);
  const isRefusal = of(result, 'ok') === false && typeof of(result, 'status') === 'number';
  return isRefusal ? outcomeOfStatus(result) : 'succeeded';
}

/** An error that is plain JSON: by what it says itself, else by the status that came with it. */
function outcomeOfDetails(details: object, result: unknown): AttemptOutcome {
  if (answersIn(details).length > 0) return outcomeOfError(details);
  return outcomeOfStatus({ status: of(result, 'status') ?? of(of(result, 'response'), 'status') });
}

/** A body that the caller has read, or reads, tells nothing any more: then the status decides. */
async function outcomeOfResponse(response: Response): Promise<AttemptOutcome> {
  if (!response.ok) return outcomeOfStatus(response);
  if (response.bodyUsed || response.body?.locked) return 'succeeded';
  const type = response.headers.get('content-type') ?? '';
  const isJson = /\bjson\b/i.test(type);
  // JSON goes as text, too, where a server forgets its type. Other bodies, such as files and streams, are not looked into.
  if (!isJson && !(/^text\/plain\b/i.test(type) && (await beginsAsObject(response)))) return 'succeeded';
  try {
    const text = await response.clone().text();
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    return hasErrors(body) ? outcomeOfError(body) : 'succeeded';
  } catch {
    return isJson ? 'unknown' : 'succeeded'; // cut off; text after all
  }
}

/** Tells by its first bytes whether a body is a JSON object, so that nobody waits for a long text. */
async function beginsAsObject(response: Response): Promise<boolean> {
  const reader = response.clone().body?.getReader();
  const first = await reader?.read().catch(() => undefined);
  void reader?.cancel().catch(() => {});
  return first?.value !== undefined && new TextDecoder().decode(first.value).trimStart().startsWith('{');
}

/** Tells by its shape whether a value is a `Response`: not every place where a hook runs has the class (a test's page). */
function isResponse(value: unknown): value is Response {
  return typeof of(value, 'status') === 'number' && typeof of(value, 'clone') === 'function';
}

/** Latchkey's own refusals have these two as well, and the body is the caller's to read. */
function outcomeOfStatus(response: unknown): AttemptOutcome {
  const status = of(response, 'status');
  return status === 410 || status === 422 ? 'unknown' : outcomeOfError(response);
}

function hasErrors(json: unknown): boolean {
  const errors = of(json, 'errors');
  return Array.isArray(errors) && errors.length > 0;
}
