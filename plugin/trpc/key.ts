import { IdempotencyError } from '../../server/engine/errors.ts';
import { parseKeyHeader } from '../../server/engine/key.ts';
import { isInsideRunOf } from '../../server/run.ts';
import { headersOn } from './headers.ts';
import type { IdempotencyMiddlewareOptions } from './options.ts';
import type { CallOptions } from './trpc.ts';

/** Where a call's key comes from. */
type KeySource =
  | { readonly from: 'nowhere' }
  /** The request's header, seen again by a nested server-side call: the key of a run that this call is part of. */
  | { readonly from: 'outer_run' }
  /** As the developer's function gave it, or as the header has it: checked by `execute`. */
  | { readonly from: 'call'; readonly key: unknown };

/**
 * @throws IdempotencyError KEY_INVALID for a header that is there but unusable: it is never "no key"
 * @throws TypeError when there is nowhere to look: a keyed call must not silently run without its key
 */
export async function findKey(
  opts: CallOptions,
  {
    key,
    headerName = 'Idempotency-Key',
  }: Pick<IdempotencyMiddlewareOptions<object, object>, 'key' | 'headerName'>,
): Promise<KeySource> {
  const given = await key?.(opts);
  if (given !== undefined && given !== null) return { from: 'call', key: given };

  const headers = headersOn(opts.ctx);
  if (!headers && !key) {
    throw new TypeError(
      `idempotent() finds no request headers on the context of \`${opts.path}\`: let createContext return the request as ` +
        '`req` or its headers as `headers`, or give createIdempotencyMiddleware a `key` function',
    );
  }
  // A WebSocket keeps the headers of its handshake for all of its life: they say nothing about one of its calls.
  const header = headers?.isHandshake ? undefined : headers?.get(headerName);
  if (!headers || header === undefined) return { from: 'nowhere' };
  if (headers.batchSize > 1 || opts.batchIndex > 0) {
    throw new IdempotencyError(
      'KEY_INVALID',
      `One ${headerName} header can not be for several calls of a batch`,
      {
        reason: 'batch',
      },
    );
  }
  const parsed = parseKeyHeader(header);
  return isInsideRunOf(parsed) ? { from: 'outer_run' } : { from: 'call', key: parsed };
}
