import type { Encoded } from '../../server/call.ts';
import { noteBody } from '../../server/http/known-body.ts';
import { type Bytes, continued, readUpTo } from '../../server/http/read-up-to.ts';

/** A request was handled in one of these ways. */
export type Handled = BufferedResponse | Passing | Thrown;

/** A `BufferedResponse` is in memory as a whole. */
export interface BufferedResponse {
  /** Tells it from the other ways in which a request is handled. */
  readonly kind: 'buffered';
  /** The response can be sent to one caller, which reads its body. */
  readonly response: Response;
  /** The bytes of its body; null for a response without one. */
  readonly body: Bytes | null;
  /** The error that the handler threw, where `onError` made the response. */
  readonly error?: unknown;
}

/** An answer that only the first caller gets, as it comes. */
export interface Passing {
  readonly kind: 'passing';
  readonly response: Response;
  /** The beginning of a body that turned out to be too large; undefined for a body without a known end. */
  readonly seen: Bytes | undefined;
  readonly error?: unknown;
}

/** `Thrown` holds the handler's own error. The host answers it, and nobody must take it for a refusal of ours. */
export class Thrown {
  readonly kind = 'thrown';
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** `classify` sees this in `result`. */
export interface HttpResult {
  /** The HTTP status. */
  readonly status: number;
  /** The headers: all of them, not only those that are stored. */
  readonly headers: Headers;
  /** The body; undefined when only the first caller gets it. */
  readonly body: Uint8Array | null | undefined;
  /** The error that the handler threw, where `onError` made the response. */
  readonly error?: unknown;
}

type ResponseInit = NonNullable<ConstructorParameters<typeof Response>[1]>;

const WITHOUT_BODY = new Set([101, 204, 205, 304]);
const WITHOUT_END = /^\s*(text\/event-stream|multipart\/x-mixed-replace)\s*(;|$)/i;

/**
 * Makes an answer for a `resolve` function to give, where a 200 with JSON would not repeat what the handler would have said.
 *
 * @example
 * resolve: async ({ downstreamKey }) => {
 *   const payment = await provider.find(downstreamKey('charge'))
 *   if (!payment) return { action: 'in_doubt' }
 *   const headers = { 'content-type': 'application/json', location: `/payments/${payment.id}` }
 *   return { action: 'complete', data: httpResponse(JSON.stringify(payment), { status: 201, headers }) }
 * }
 */
export function httpResponse(body: string | Uint8Array | null, init: ResponseInit = {}): BufferedResponse {
  const bytes = body === null ? null : Buffer.from(body);
  return { kind: 'buffered', response: noteBody(new Response(bytes, init), bytes), body: bytes };
}

export function isBuffered(value: unknown): value is BufferedResponse {
  const { kind, response } = (
    typeof value === 'object' && value !== null ? value : {}
  ) as Partial<BufferedResponse>;
  return kind === 'buffered' && response instanceof Response;
}

/** Takes up a handler's response, of this or of another implementation of `Response`. */
export async function bufferResponse(
  response: Response,
  maxBytes: number,
): Promise<BufferedResponse | Passing> {
  if (typeof response?.status !== 'number')
    throw new TypeError(`Expected the handler to return a Response, got ${String(response)}`);
  if (response.bodyUsed) {
    throw new TypeError(
      'Expected the handler to return a Response whose body is unread, got one that was read; return a `response.clone()`',
    );
  }
  const answer = (body: ConstructorParameters<typeof Response>[0]) => {
    const { status, statusText, headers } = response;
    const fresh = new Response(body, { status, statusText, headers });
    // That of another service, passed on: it would say of this run what was true of that one.
    fresh.headers.delete('idempotent-replayed');
    fresh.headers.delete('idempotency-expires');
    return fresh;
  };
  if (WITHOUT_BODY.has(response.status) || response.body === null)
    return { kind: 'buffered', response: answer(null), body: null };
  if (WITHOUT_END.test(response.headers.get('content-type') ?? ''))
    return { kind: 'passing', response: answer(response.body), seen: undefined };
  const { bytes, rest } = await readUpTo(response.body, maxBytes);
  if (!rest) return { kind: 'buffered', response: noteBody(answer(bytes), bytes), body: bytes };
  return { kind: 'passing', response: answer(continued(bytes, rest)), seen: bytes };
}

export function outcomeOf(handled: Handled): Encoded['outcome'] {
  return handled.kind !== 'thrown' && handled.response.status < 400 ? 'success' : 'error';
}

export function resultOf(handled: Handled): unknown {
  if (handled.kind === 'thrown') return handled.error;
  const { status, headers } = handled.response;
  const body = handled.kind === 'buffered' ? handled.body : undefined;
  return { status, headers, body, ...('error' in handled && { error: handled.error }) } satisfies HttpResult;
}
