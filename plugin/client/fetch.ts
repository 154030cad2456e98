import { checkOptions } from '../../server/engine/check-options.ts';
import {
  aFunction,
  aHeaderName,
  type Check,
  integer,
  methodNames,
} from '../../server/engine/option-checks.ts';
import { KEY_HEADER } from '../key/key-header.ts';
import { newIdempotencyKey } from '../key/new-idempotency-key.ts';
import { isNetworkError } from './network-error.ts';
import { pause } from './pause.ts';
import { retryWait } from './retry-wait.ts';

/** Options of {@link createIdempotentFetch}. */
export interface IdempotentFetchOptions {
  /**
   * Requests with these methods get a key; the others are idempotent by definition.
   * @default ['POST', 'PATCH']
   */
  methods?: readonly string[];
  /**
   * The `headerName` of your server.
   * @default 'Idempotency-Key'
   */
  headerName?: string;
  /**
   * A request that got no answer, or one that asks for it, is sent again up to so many times with the same key.
   * What can not be sent again whole is sent once: a stream, an (async) iterable, a Node.js stream. Strings, bytes, `Blob`, `FormData`,
   * `URLSearchParams` and a `Request` can.
   * @default 0
   */
  retries?: number;
  /**
   * Gives the ms to wait after the nth failed attempt, where the answer does not say how long.
   * @default 100 ms, doubled each time
   */
  delayMs?: (attempt: number) => number;
  /**
   * Each wait is longer by a random part of up to this share of `delayMs`, so that clients which failed together do not come back
   * together. It is never shorter than what `Retry-After` says.
   * @default 0.5
   */
  jitter?: number;
  /**
   * No attempt begins later than so many ms after the first one: the last answer or error is then the caller's. An attempt under way is
   * not cut off by it; give `signal: AbortSignal.timeout(ms)` for that. `null` sets no limit.
   * @default 60_000
   */
  maxElapsedMs?: number | null;
  /**
   * Waits before the next attempt, and rejects when the signal aborts. Give one of your own in a test that is not to wait.
   * @default a timer
   * @example
   * createIdempotentFetch(fetch, { retries: 3, sleep: async (ms) => void waited.push(ms) })
   */
  sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

const CHECKS: Readonly<Record<keyof IdempotentFetchOptions, Check>> = {
  methods: methodNames,
  headerName: aHeaderName,
  retries: integer(0),
  delayMs: aFunction,
  jitter: {
    expected: 'a number from 0 to 1',
    accepts: (value) => typeof value === 'number' && value >= 0 && value <= 1,
  },
  maxElapsedMs: {
    expected: 'a number of ms ≥ 0, or null for no limit',
    accepts: (value) => value === null || (typeof value === 'number' && value >= 0),
  },
  sleep: aFunction,
};

type Fetch = typeof globalThis.fetch;

/**
 * Makes a `fetch` that sends an `Idempotency-Key` with each POST and PATCH, unless the caller did.
 *
 * @example
 * const idempotentFetch = createIdempotentFetch(fetch, { retries: 3 })
 * await idempotentFetch('/payments', { method: 'POST', body: JSON.stringify({ amount: 5 }) })
 * @throws TypeError for an option that is unknown or not what it should be
 */
export function createIdempotentFetch(fetch: Fetch, options: IdempotentFetchOptions = {}): Fetch {
  checkOptions<IdempotentFetchOptions>(options, CHECKS, { of: 'createIdempotentFetch' });
  const { headerName = KEY_HEADER, retries = 0, delayMs = (attempt) => 50 * 2 ** attempt } = options;
  const { jitter = 0.5, maxElapsedMs = 60_000, sleep = pause } = options;
  const methods = (options.methods ?? ['POST', 'PATCH']).map((method) => method.toUpperCase());

  return async function idempotentFetch(input, init) {
    const request = input instanceof Request ? input : undefined;
    if (!methods.includes((init?.method ?? request?.method ?? 'GET').toUpperCase()))
      return fetch(input, init);
    const headers = new Headers(init?.headers ?? request?.headers);
    if (!headers.has(headerName)) headers.set(headerName, newIdempotencyKey());
    const signal = init?.signal ?? request?.signal;
    if (retries > 0 && !canBeSentAgain(request, init))
      return sentOnce(fetch(input, { ...init, headers }), signal);

    const patience = new Patience(maxElapsedMs);
    for (let attempt = 1; attempt <= retries; attempt++) {
      const ownMs = delayMs(attempt);
      const ended = await endOf(fetch(request?.clone() ?? input, { ...init, headers }), ownMs);
      if ('error' in ended && signal?.aborted) throw ended.error;
      const waitMs = ended.waitMs === undefined ? undefined : ended.waitMs + Math.random() * jitter * ownMs;
      if (waitMs === undefined || !patience.has(waitMs)) {
        if ('error' in ended) throw ended.error;
        return ended.response;
      }
      if ('response' in ended) await ended.response.body?.cancel();
      await patience.spend(waitMs, sleep(waitMs, signal ?? undefined));
    }
    return fetch(input, { ...init, headers });
  };
}

/** An attempt ends with a response or without one, and with a time after which the next may begin. */
type End =
  | { readonly response: Response; readonly waitMs: number | undefined }
  | { readonly error: unknown; readonly waitMs: number };

async function endOf(attempt: Promise<Response>, ownMs: number): Promise<End> {
  let response: Response;
  try {
    response = await attempt;
  } catch (error) {
    return { error, waitMs: ownMs };
  }
  return { response, waitMs: await retryWait(response, ownMs) };
}

/** Counts the time since the first attempt. A wait counts as long as it was to be, also where a test does not really wait. */
class Patience {
  readonly #maxMs: number;
  #elapsedMs = 0;
  #countedAt = performance.now();

  constructor(maxElapsedMs: number | null) {
    this.#maxMs = maxElapsedMs ?? Number.POSITIVE_INFINITY;
  }

  /** Tells whether there is time for a wait, now that an attempt has ended. */
  has(waitMs: number): boolean {
    this.#count(0);
    return this.#elapsedMs + waitMs <= this.#maxMs;
  }

  async spend(waitMs: number, wait: Promise<void>): Promise<void> {
    await wait;
    this.#count(waitMs);
  }

  #count(atLeastMs: number): void {
    const now = performance.now();
    this.#elapsedMs += Math.max(atLeastMs, now - this.#countedAt);
    this.#countedAt = now;
  }
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
