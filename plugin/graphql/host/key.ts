import { IdempotencyError } from '../../../server/engine/errors.ts';
import { checkKey, parseKeyHeader } from '../../../server/engine/key.ts';
import { isObject } from '../../../server/engine/option-checks.ts';
import { type RequestHeaders, requestHeaders } from '../../../server/http/request-headers.ts';
import { isCarrier, isInherited } from '../../../server/key-carriers.ts';
import { isInheritedKey } from '../../../server/run.ts';
import { isHandshake } from './handshake.ts';

/** `Shown` is what a context tells about the operation and its HTTP request. */
export interface Shown {
  /** The GraphQL parameters. */
  readonly params: object | undefined;
  /** A Fetch `Request` (Yoga), or a Node.js one. */
  readonly request: object | undefined;
  /** The request's headers; undefined where there is no request, and for one that opened a WebSocket. */
  readonly headers: RequestHeaders | undefined;
}

export function shownBy(context: unknown): Shown {
  const { request, req, params } = isObject(context) ? context : {};
  const found = isObject(request) ? request : req;
  const headers =
    isObject(found) && !isHandshake(found)
      ? requestHeaders(found.headers, 'context.request.headers')
      : undefined;
  return {
    params: isObject(params) ? params : undefined,
    request: isObject(found) ? found : undefined,
    headers,
  };
}

/** The signal that aborts when the client of a request leaves, where its host has one. */
export function signalOf(context: unknown): AbortSignal | undefined {
  const { signal } = (shownBy(context).request ?? {}) as { signal?: unknown };
  // By shape: Yoga's own signal is of no class that we could name.
  const isSignal = isObject(signal) && 'aborted' in signal && typeof signal.addEventListener === 'function';
  return isSignal ? (signal as unknown as AbortSignal) : undefined;
}

/** Lists the objects by which an operation is recognized. A copy of its context has the same params and request. */
export const carriersOf = (context: unknown): readonly unknown[] => {
  const { params, request } = shownBy(context);
  return [context, params, request];
};

/** Tells whether the server's own code executes an operation from inside a run, with that run's context, params or request. */
export const belongsToRun = (context: unknown): boolean => carriersOf(context).some(isCarrier);

/**
 * Reads the key in `extensions.idempotencyKey`, else in the header; undefined when neither is there, or when it is that of the
 * run around.
 * @param isShared whether one HTTP request carries several operations: its header then names none of them
 * @throws IdempotencyError IDEMPOTENCY_KEY_INVALID for a key that is there and can not be used, never "no key"
 */
export function readKey(
  { params, request, headers }: Shown,
  headerName: string,
  isShared: boolean,
): string | undefined {
  const { extensions } = (params ?? {}) as { extensions?: { idempotencyKey?: unknown } | null };
  const extension = isObject(extensions) ? extensions.idempotencyKey : undefined;
  const header = headers?.get(headerName);
  if (header !== undefined && isShared) {
    throw ambiguous(
      `One ${headerName} header can not name the operations of a batch; use extensions.idempotencyKey`,
    );
  }
  const fromHeader = header === undefined ? undefined : own(parseKeyHeader(header), request);
  const fromExtension = extension === undefined ? undefined : own(checkKey(extension), params);
  if (fromHeader !== undefined && fromExtension !== undefined && fromHeader !== fromExtension) {
    throw ambiguous(`extensions.idempotencyKey and the ${headerName} header hold different keys`);
  }
  return fromExtension ?? fromHeader;
}

/** Checks what the developer's `key` function returned for an operation without a key; undefined for no key. */
export function developersKey(value: unknown, context: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const key = checkKey(value);
  return belongsToRun(context) && isInheritedKey(key) ? undefined : key;
}

/** @throws TypeError where a client's key can not be seen, whatever it sends */
export function checkVisible({ params, request, headers }: Shown, operation: string): void {
  if (params || headers) return;
  const found = request
    ? 'only a request that opened a WebSocket, or that has no headers,'
    : 'neither a request nor GraphQL parameters';
  throw new TypeError(
    `useIdempotency finds ${found} on the context of the mutation ${operation}, so that a client's key can not be seen: ` +
      'put the request on the context as `request` or `req`, and the GraphQL parameters as `params`, or give ' +
      'useIdempotency a `key` function',
  );
}

function own(key: string, carrier: unknown): string | undefined {
  return isInherited(key, carrier) ? undefined : key;
}

function ambiguous(message: string): IdempotencyError {
  return new IdempotencyError('IDEMPOTENCY_KEY_INVALID', message, { reason: 'ambiguous' });
}
