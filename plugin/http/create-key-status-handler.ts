import { askStatus } from '../../server/ask-status.ts';
import { isIdempotencyError, refusal } from '../../server/engine/errors.ts';
import { parseKeyHeader } from '../../server/engine/key.ts';
import { httpFormat } from '../../server/formats/http.ts';
import { requestHeaders } from '../../server/http/request-headers.ts';
import type { KeyStatus } from '../../server/key-status.ts';
import type { HttpCall } from './call.ts';
import { checkRequest } from './check-request.ts';
import { type HttpKeyStatusOptions, resolveKeyStatusOptions } from './key-status-options.ts';
import { problem } from './problem.ts';

/** A stored response, as JSON. */
export interface StoredResponse {
  /** The HTTP status. */
  readonly status: number;
  /** The headers that were stored, by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The text of the body; null when it has none. */
  readonly body: string | null;
  /** Says that `body` is base64, because its bytes are no text. */
  readonly encoding?: 'base64';
}

/** The body of an answer: what is known of the key, with the first response in `result`. */
export type HttpKeyStatus = KeyStatus<StoredResponse>;

/**
 * Makes a handler that says what became of a request with a key, for a client that lost the answer: a GET with the
 * `Idempotency-Key` of that request gets 200 and an {@link HttpKeyStatus} as JSON. Nothing is run by it. With `?waitMs=5000` it
 * waits so long for a run under way.
 *
 * The answer is 200 whatever became of the request: its own status is in `result.status`.
 *
 * @example
 * export const GET = createKeyStatusHandler({ idempotency, scope: ({ request }) => userOf(request)?.id })
 * @throws TypeError for an option that is unknown or out of range
 */
export function createKeyStatusHandler<Rest extends unknown[] = unknown[]>(
  options: HttpKeyStatusOptions<Rest>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  const resolved = resolveKeyStatusOptions(options);
  const { headerName, documentation } = resolved;

  return async function keyStatusHandler(request, ...rest) {
    checkRequest(request);
    if (request.method !== 'GET') return new Response(null, { status: 405, headers: { allow: 'GET' } });
    try {
      const key = keyOf(request);
      const call: HttpCall<Rest> = { request, rest, clientKey: key };
      const { signal, url } = request;
      const status = await askStatus(resolved, { call, key, reader, waitMs: waitOf(url), signal });
      return Response.json(status, { headers: { 'cache-control': 'no-store' } });
    } catch (failure) {
      if (isIdempotencyError(failure)) return problem(failure, documentation);
      if (request.signal.aborted) return new Response(null, { status: 499 }); // nobody gets it
      throw failure;
    }
  };

  function keyOf(request: Request): string {
    const header = requestHeaders(request.headers, 'request.headers')?.get(headerName);
    if (header === undefined) throw refusal('IDEMPOTENCY_KEY_MISSING');
    return parseKeyHeader(header);
  }
}

const reader = {
  format: httpFormat.name,
  decode(stored: string): StoredResponse {
    const { status, headers, text, base64 } = httpFormat.readResult(stored);
    return {
      status,
      headers: Object.fromEntries(headers),
      body: text ?? base64 ?? null,
      ...(base64 !== undefined && { encoding: 'base64' }),
    };
  },
};

/** Reads how many ms the client asks to wait; 0 for what is no number. */
function waitOf(url: string): number {
  const asked = Number(new URL(url, 'http://localhost').searchParams.get('waitMs'));
  return asked > 0 ? Math.floor(asked) : 0;
}
