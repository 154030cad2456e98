import { checkOptions } from '../../server/engine/check-options.ts';
import { aFunction, type Check, integer, methodNames } from '../../server/engine/option-checks.ts';
import { KEY_HEADER, newIdempotencyKey } from './key.ts';
import { isNetworkError } from './network-error.ts';

export interface IdempotentFetchOptions {
  /** Requests with these methods get a key. Default POST and PATCH: the others are idempotent by definition. */
  methods?: readonly string[];
  /**
   * A request that got no answer, or one that asks for it, is sent again up to so many times with the same key. Default 0.
   * What can not be sent again whole is sent once: a stream, an (async) iterable, a Node.js stream. Strings, bytes, `Blob`, `FormData`,
   * `URLSearchParams` and a `Request` can.
   */
  retries?: number;
  /** Gives the ms to wait after the nth failed attempt, where the answer has no `Retry-After`. Default 100 ms, doubled each time. */
  delayMs?: (attempt: number) => number;
}

const CHECKS: Readonly<Record<keyof IdempotentFetchOptions, Check>> = {
  methods: methodNames,
  retries: integer(0),
  delayMs: aFunction,
};

type Fetch = typeof globalThis.fetch;
/** An answer that asks for more patience is given to the caller. */
const LONGEST_WAIT_MS = 30_000;

/**
 * A `fetch` that sends an `Idempotency-Key` with each POST and PATCH, unless the caller did.
 *
 * @example
 * const fetchOnce = withIdempotencyKey(fetch, { retries: 3 })
 * await fetchOnce('/payments', { method: 'POST', body: JSON.stringify({ amount: 5 }) })
 * @throws TypeError for an option that is unknown or not what it should be
 */
export function withIdempotencyKey(fetch: Fetch, options: IdempotentFetchOptions = {}): Fetch {
  checkOptions<IdempotentFetchOptions>(options, CHECKS, { of: 'withIdempotencyKey' });
  const { retries = 0, delayMs = (attempt) => 50 * 2 ** attempt } = options;
  const methods = (options.methods ?? ['POST', 'PATCH']).map((method) => method.toUpperCase());

  return async function fetchWithKey(input, init) {
    const request = input instanceof Request ? input : undefined;
    if (!methods.includes((init?.method ?? request?.method ?? 'GET').toUpperCase()))
      return fetch(input, init);
    const headers = new Headers(init?.headers ?? request?.headers);
    if (!headers.has(KEY_HEADER)) headers.set(KEY_HEADER, newIdempotencyKey());
    const signal = init?.signal ?? request?.signal;
    if (retries > 0 && !canBeSentAgain(request, init))
      return sentOnce(fetch(input, { ...init, headers }), signal);

    for (let attempt = 1; attempt <= retries; attempt++) {
      try {
        const response = await fetch(request?.clone() ?? input, { ...init, headers });
        const waitMs = retryWait(response, delayMs(attempt));
        if (waitMs === undefined) return response;
        await response.body?.cancel();
        await pause(waitMs, signal);
      } catch (error) {
        if (signal?.aborted) throw error;
        await pause(delayMs(attempt), signal);
      }
    }
    return fetch(input, { ...init, headers });
  };
}

/** Tells whether a body is known to be the same when it is read again. A `Request` that nobody has read can be cloned. */
function canBeSentAgain(request: Request | undefined, init: RequestInit | undefined): boolean {
  const body: unknown = init?.body;
  if (body === undefined || body === null) return !request?.bodyUsed;
  if (typeof body === 'string' || ArrayBuffer.isView(body)) return true;
  return [ArrayBuffer, Blob, FormData, URLSearchParams].some((kind) => body instanceof kind);
}

/** The error keeps its kind, and its cause: it is still one of the network. */
async function sentOnce(
  response: Promise<Response>,
  signal: AbortSignal | null | undefined,
): Promise<Response> {
  try {
    return await response;
  } catch (error) {
    if (signal?.aborted || !isNetworkError(error)) throw error;
    throw new TypeError(
      `${(error as Error).message}. The request was sent once in spite of \`retries\`: its body can be read only once. To have it sent again, ` +
        'give a string, bytes, a Blob, FormData, URLSearchParams, or a Request',
      { cause: error },
    );
  }
}

/** Says how many ms to wait before the next attempt; undefined when there is none, and the response goes to the caller. */
function retryWait({ status, headers }: Response, defaultMs: number): number | undefined {
  const retryAfter = headers.get('Retry-After');
  // A page can read the header of another origin only where the server exposes it. Without it, only these are sent again.
  if (retryAfter === null) return status === 502 || status === 503 || status === 504 ? defaultMs : undefined;
  if (![409, 425, 429, 502, 503, 504].includes(status)) return undefined;
  const waitMs = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - Date.now();
  return waitMs <= LONGEST_WAIT_MS ? Math.max(0, waitMs) : undefined;
}

function pause(ms: number, signal: AbortSignal | null | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
  });
}
