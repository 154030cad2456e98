import { STATUS_CODES } from 'node:http';
import { errorDataOf, type IdempotencyErrorData } from '../../server/engine/error-data.ts';
import { type IdempotencyError, refusalWith } from '../../server/engine/errors.ts';

/** The body of a refusal, as RFC 9457 has it, with the extension member `idempotency`. */
export interface Problem {
  /** The address of your page about keys (`documentation`), with the code as its fragment; `about:blank` without such a page. */
  readonly type: string;
  /** The code in words; with `about:blank` those of the status, as the RFC says. */
  readonly title: string;
  /** The HTTP status of the refusal. */
  readonly status: number;
  /** The refusal in one sentence, for people. */
  readonly detail: string;
  /** What programs need of the refusal. */
  readonly idempotency: IdempotencyErrorData;
}

/**
 * Makes a response of a refusal.
 * @param documentation where the API's use of keys is explained (draft-ietf-httpapi-idempotency-key-header-07 §2.7)
 */
export function problem(error: IdempotencyError, documentation: string | undefined): Response {
  const { status, message, retryAfterMs } = error;
  const idempotency = errorDataOf(error);
  const body: Problem = { ...kindOf(error, documentation), status, detail: message, idempotency };
  const headers = new Headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
  if (retryAfterMs !== undefined) headers.set('retry-after', String(Math.ceil(retryAfterMs / 1_000)));
  if (documentation !== undefined) headers.set('link', `<${documentation}>; rel="describedby"`);
  return new Response(JSON.stringify(body), { status, headers });
}

export function requestTooLarge(maxBytes: number): IdempotencyError {
  const message = `A request with an idempotency key may have a body of at most ${maxBytes} bytes`;
  return refusalWith('IDEMPOTENCY_REQUEST_TOO_LARGE', { message });
}

function kindOf({ code, status }: IdempotencyError, documentation: string | undefined) {
  if (documentation === undefined) return { type: 'about:blank', title: String(STATUS_CODES[status]) };
  const type = new URL(documentation);
  type.hash = code;
  const words = code.toLowerCase().replaceAll('_', ' ');
  return { type: type.href, title: words.charAt(0).toUpperCase() + words.slice(1) };
}

/**
 * Says what clients may know of the error with which a `resolve` function failed a call: an error with an HTTP status was
 * made for them, any other is an internal error.
 */
export function problemOf(error: unknown): { status: number; body: object } {
  const { status, message } = (typeof error === 'object' && error !== null ? error : {}) as {
    status?: unknown;
    message?: unknown;
  };
  const expected = Number.isInteger(status) && (status as number) >= 400 && (status as number) < 600;
  const code = expected ? (status as number) : 500;
  const detail = expected && typeof message === 'string' && message !== '' && { detail: message };
  return { status: code, body: { type: 'about:blank', title: STATUS_CODES[code], status: code, ...detail } };
}
