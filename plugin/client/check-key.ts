import { checkOptions } from '../../server/engine/check-options.ts';
import { aFunction, aHeaderName, type Check, integer, isObject } from '../../server/engine/option-checks.ts';
import { keyHeader } from '../key/key-header.ts';

type Fetch = typeof globalThis.fetch;

/** A `CheckedKey` says what a server knows of a key, with the first response to it. */
export type CheckedKey =
  | {
      readonly state: 'completed';
      readonly outcome: 'success' | 'error';
      /** The response that the first request got, with its status and body; its header `Idempotent-Replayed` is `true`. */
      readonly result: Response;
      readonly withheld?: undefined;
    }
  | {
      readonly state: 'completed';
      readonly outcome: 'success' | 'error';
      readonly result?: undefined;
      /** Why the server has no response to show, such as `not_kept`. */
      readonly withheld: string;
    }
  | { readonly state: 'running' | 'in_doubt' | 'released' | 'unknown' };

/** Options of {@link checkKey}. */
export interface CheckKeyOptions {
  /** @default the global fetch */
  fetch?: Fetch;
  /** Headers of the question, such as `authorization`. @default none */
  headers?: Record<string, string>;
  /** The `headerName` of the server. @default 'Idempotency-Key' */
  headerName?: string;
  /**
   * The server waits so many ms for a run under way, up to its own limit.
   * @default 0: it answers at once
   */
  waitMs?: number;
  /** Ends the question when it aborts. */
  signal?: AbortSignal;
}

const CHECKS: Readonly<Record<keyof CheckKeyOptions, Check>> = {
  fetch: aFunction,
  headers: { expected: 'an object of headers', accepts: isObject },
  headerName: aHeaderName,
  waitMs: integer(0),
  signal: { expected: 'an AbortSignal', accepts: (value) => isObject(value) && 'aborted' in value },
};

/**
 * Asks a handler of `createKeyStatusHandler` what became of a request with a key. Nothing is run by it.
 *
 * @example
 * const status = await checkKey('/payments/status', key, { waitMs: 5_000 })
 * if (status.state === 'completed' && status.result) show(await status.result.json())
 * @throws CheckFailedError when the server answers something else, such as 401
 * @throws TypeError for an option that is unknown, and whatever `fetch` throws
 */
export async function checkKey(
  url: string | URL,
  key: string,
  options: CheckKeyOptions = {},
): Promise<CheckedKey> {
  checkOptions<CheckKeyOptions>(options, CHECKS, { of: 'checkKey' });
  const { fetch: send = globalThis.fetch, headers, headerName, waitMs = 0, signal } = options;
  const response = await send(waitMs > 0 ? withWait(String(url), waitMs) : url, {
    headers: { ...headers, ...keyHeader(key, headerName) },
    ...(signal && { signal }),
  });
  if (response.status !== 200) throw new CheckFailedError(response);
  const status: unknown = await response.json();
  if (!isObject(status) || typeof status.state !== 'string') throw new CheckFailedError(response);
  return isObject(status.result)
    ? ({ ...status, result: responseOf(status.result as unknown as Stored) } as CheckedKey)
    : (status as unknown as CheckedKey);
}

/**
 * A `CheckFailedError` says that the server did not tell what became of the key: the question itself failed.
 *
 * @example
 * const status = await checkKey('/payments/status', key).catch((error) => {
 *   if (error instanceof CheckFailedError) return undefined // ask again later; the key stays what it is
 *   throw error
 * })
 */
export class CheckFailedError extends Error {
  /** The name by which another copy of the package can know the error. */
  override readonly name = 'CheckFailedError';
  /** The HTTP status of the answer. */
  readonly status: number;
  /** The answer. Its body is unread, unless the status is 200. */
  readonly response: Response;

  constructor(response: Response) {
    super(`Expected the status of a key, got an answer with status ${response.status}`);
    this.status = response.status;
    this.response = response;
  }
}

interface Stored {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string | null;
  readonly encoding?: 'base64';
}

function responseOf({ status, headers, body, encoding }: Stored): Response {
  const content = encoding === 'base64' && body !== null ? bytesOf(body) : body;
  return new Response(content, { status, headers: { ...headers, 'idempotent-replayed': 'true' } });
}

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

/** Adds the wait to an address, which may be relative. */
function withWait(url: string, waitMs: number): string {
  const [address = '', fragment] = url.split('#', 2);
  const separator = address.includes('?') ? '&' : '?';
  return `${address}${separator}waitMs=${waitMs}${fragment === undefined ? '' : `#${fragment}`}`;
}

/**
 * Asks a GraphQL server what became of a mutation with a key, where its schema has the field of `createKeyStatusField`. `result` is the
 * result that the mutation had: its `data`, and its `errors`. No cache may answer it.
 *
 * @example
 * const { data } = await client.query(KEY_STATUS_QUERY, { key }, { requestPolicy: 'network-only' }) // urql
 * const { data } = await client.query({ query: gql(KEY_STATUS_QUERY), variables: { key }, fetchPolicy: 'no-cache' }) // Apollo
 */
export const KEY_STATUS_QUERY = `query IdempotencyKeyStatus($key: String!, $waitMs: Int) {
  idempotencyKey(key: $key, waitMs: $waitMs) { state outcome result withheld }
}`;
