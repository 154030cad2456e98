import type { Operation, TRPCLink } from '@trpc/client';
import type { AnyRouter } from '@trpc/server';
import { checkOptions } from '../../server/engine/check-options.ts';
import { givenKey, KEY_HEADER, KEYS_HEADER, keyHeaderValue, newIdempotencyKey } from './key.ts';

/**
 * Gives each mutation a key in `op.context.idempotencyKey`, unless the caller did: `pay.mutate(input, { context: {
 * idempotencyKey } })`. It may stand before or after `retryLink`. The key reaches the server by `idempotencyHeaders`.
 *
 * A retry above the client (React Query's `retry`, a second click) is a new call, and gets a new key: there use
 * `idempotentMutation` of `latchkey/client/react-query`, or give the key.
 *
 * @example
 * createTRPCClient<AppRouter>({
 *   links: [
 *     idempotencyLink(),
 *     retryLink({ retry: ({ error, attempts }) => attempts < 3 && isRetryable(error) }),
 *     httpLink({ url, headers: idempotencyHeaders }),
 *   ],
 * })
 * @param options there are none
 * @throws TypeError for any option
 */
export function idempotencyLink<Router extends AnyRouter = AnyRouter>(
  options: Readonly<Record<string, never>> = {},
): TRPCLink<Router> {
  checkOptions<Record<never, never>>(options, {}, { of: 'idempotencyLink' });
  return function forClient() {
    // An operation's id is unique within its client and the same in each attempt, even where another link copies the
    // operation. A key made of it can not change between attempts, and there is nothing to remember.
    const client = newIdempotencyKey();
    return function withKey({ op, next }) {
      if (op.type !== 'mutation') return next(op);
      const idempotencyKey = keyOf(op) ?? `${client}:${op.id}`;
      return next({ ...op, context: { ...op.context, idempotencyKey } });
    };
  };
}

/**
 * The headers that carry the keys of a request, for the `headers` option of `httpLink`, `httpBatchLink` and
 * `httpBatchStreamLink`: `Idempotency-Key` for one call, `Idempotency-Keys` (a JSON array, null for a call without a
 * key) for a batch of several.
 *
 * @example
 * httpLink({ url, headers: (request) => ({ authorization: token(), ...idempotencyHeaders(request) }) })
 */
export function idempotencyHeaders(
  request: { readonly op: Operation } | { readonly opList: readonly Operation[] },
): Record<string, string> {
  const operations = 'op' in request ? [request.op] : request.opList;
  const keys = operations.map((op) => (op.type === 'mutation' ? keyOf(op) : undefined));
  if (keys.length > 1 && keys.some((key) => key !== undefined)) return { [KEYS_HEADER]: asciiJson(keys) };
  return keys[0] === undefined ? {} : { [KEY_HEADER]: keyHeaderValue(keys[0]) };
}

function keyOf({ context }: Operation): string | undefined {
  return givenKey(context.idempotencyKey);
}

/** Writes keys as JSON that a header can carry: undefined becomes null, and other characters than ASCII are escaped. */
function asciiJson(keys: readonly (string | undefined)[]): string {
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(keys).replace(/[^\x20-\x7e]/g, escaped);
}
