import { STATUS_CODES } from 'node:http';
import type { IdempotencyError, IdempotencyErrorCode } from '../../server/engine/errors.ts';

/** The body of a refusal, as RFC 9457 has it; `code`, `reason` and `retryable` are extensions of ours. */
export interface Problem {
  /** `urn:latchkey:` and the code. */
  readonly type: string;
  /** The code in words. */
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** IDEMPOTENCY_REQUEST_TOO_LARGE: the body can not be held in memory, which a key takes. Nothing was run. */
  readonly code: IdempotencyErrorCode | 'IDEMPOTENCY_REQUEST_TOO_LARGE';
  /** A short word that narrows the code. */
  readonly reason?: string;
  /** True when the client may send the same key again. */
  readonly retryable: boolean;
}

type Facts = Omit<Problem, 'type' | 'title'> & { readonly retryAfterMs?: number | undefined };

/**
 * Makes a response of a refusal.
 * @param documentation where the API's use of keys is explained (draft-ietf-httpapi-idempotency-key-header-07 §2.7)
 */
export function problem(error: IdempotencyError, documentation: string | undefined): Response {
  const { code, reason, status, message, retryable, retryAfterMs } = error;
  const facts = { status, detail: message, code, ...(reason !== undefined && { reason }), retryable };
  return responseOf({ ...facts, retryAfterMs }, documentation);
}

export function requestTooLarge(maxBytes: number, documentation: string | undefined): Response {
  const detail = `A request with an idempotency key may have a body of at most ${maxBytes} bytes`;
  return responseOf(
    { status: 413, detail, code: 'IDEMPOTENCY_REQUEST_TOO_LARGE', retryable: false },
    documentation,
  );
}

function responseOf({ retryAfterMs, ...facts }: Facts, documentation: string | undefined): Response {
  const { code, status } = facts;
  const words = code.toLowerCase().replaceAll('_', ' ');
  const title = words.charAt(0).toUpperCase() + words.slice(1);
  const body: Problem = { type: `urn:latchkey:${code}`, title, ...facts };
  const headers = new Headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
  if (retryAfterMs !== undefined) headers.set('retry-after', String(Math.ceil(retryAfterMs / 1_000)));
  if (documentation !== undefined) headers.set('link', `<${documentation}>; rel="describedby"`);
  return new Response(JSON.stringify(body), { status, headers });
}

/**
 * Says what clients may know of the error with which an `onAbandoned` function failed a call: an error with an HTTP status was
 * made for them, any other is an internal error.
 */
export function problemOf(error: unknown): { status: number; body: object } {
  const { status, message } = (typeof error === 'object' && error !== null ? error : {}) as Partial<Facts> & {
    message?: unknown;
  };
  const expected = Number.isInteger(status) && (status as number) >= 400 && (status as number) < 600;
  const code = expected ? (status as number) : 500;
  const detail = expected && typeof message === 'string' && message !== '' && { detail: message };
  return { status: code, body: { type: 'about:blank', title: STATUS_CODES[code], status: code, ...detail } };
}
