import type { Operation, TRPCLink } from '@trpc/client';
import type { AnyRouter } from '@trpc/server';
import { checkOptions } from '../../server/engine/check-options.ts';
import { aHeaderName } from '../../server/engine/option-checks.ts';
import { givenKey } from '../key/given-key.ts';
import { batchHeaderOf, KEY_HEADER, keyHeader } from '../key/key-header.ts';
import { newIdempotencyKey } from '../key/new-idempotency-key.ts';

/** Options of {@link idempotencyLink}. */
export interface IdempotencyLinkOptions {
  /**
   * The `headerName` of your server; `keyHeaders` sends keys by it, and those of a batch by it and an `s`.
   * @default 'Idempotency-Key'
   */
  headerName?: string;
}

const CHECKS = { headerName: aHeaderName };

/**
 * Gives each mutation a key in `op.context.idempotencyKey`, unless the caller did: `pay.mutate(input, { context: {
 * idempotencyKey } })`. It may stand before or after `retryLink`. The key reaches the server by {@link keyHeaders}.
 *
 * A retry above the client (React Query's `retry`, a second click) is a new call, and gets a new key: there use
 * `idempotentMutation` of `latchkey/client/react-query`, or give the key.
 *
 * @example
 * createTRPCClient<AppRouter>({
 *   links: [
 *     idempotencyLink(),
 *     retryLink({ retry: ({ error, attempts }) => attempts < 3 && isRetryable(error) }),
 *     httpLink({ url, headers: keyHeaders }),
 *   ],
 * })
 * @throws TypeError for an option that is unknown or no name of a header
 */
export function idempotencyLink<Router extends AnyRouter = AnyRouter>(
  options: IdempotencyLinkOptions = {},
): TRPCLink<Router> {
  checkOptions<IdempotencyLinkOptions>(options, CHECKS, { of: 'idempotencyLink' });
  const { headerName } = options;
  return function forClient() {
    // An operation's id is unique within its client and the same in each attempt, even where another link copies the
    // operation. A key made of it can not change between attempts, and there is nothing to remember.
    const client = newIdempotencyKey();
    return function withKey({ op, next }) {
      if (op.type !== 'mutation') return next(op);
      const idempotencyKey = keyOf(op) ?? `${client}:${op.id}`;
      const context = {
        ...op.context,
        idempotencyKey,
        ...(headerName !== undefined && { [NAME]: headerName }),
      };
      return next({ ...op, context });
    };
  };
}

/**
 * Gives the headers that carry the keys of a request, for the `headers` option of `httpLink`, `httpBatchLink` and
 * `httpBatchStreamLink`: `Idempotency-Key` for one call, `Idempotency-Keys` (a JSON array, null for a call without a
 * key) for a batch of several; by the `headerName` of `idempotencyLink`, where that has one.
 *
 * @example
 * httpLink({ url, headers: (request) => ({ authorization: token(), ...keyHeaders(request) }) })
 */
export function keyHeaders(
  request: { readonly op: Operation } | { readonly opList: readonly Operation[] },
): Record<string, string> {
  const operations = 'op' in request ? [request.op] : request.opList;
  const keys = operations.map((op) => (op.type === 'mutation' ? keyOf(op) : undefined));
  const headerName = operations.map(({ context }) => context[NAME]).find(isText) ?? KEY_HEADER;
  if (keys.length > 1 && keys.some((key) => key !== undefined))
    return { [batchHeaderOf(headerName)]: asciiJson(keys) };
  return keys[0] === undefined ? {} : keyHeader(keys[0], headerName);
}

/** Under this name the link leaves the name of the header on the context of a call. */
const NAME = 'idempotencyHeaderName';

const isText = (value: unknown): value is string => typeof value === 'string';

function keyOf({ context }: Operation): string | undefined {
  return givenKey(context.idempotencyKey);
}

/** Writes keys as JSON that a header can carry: undefined becomes null, and other characters than ASCII are escaped. */
function asciiJson(keys: readonly (string | undefined)[]): string {
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(keys).replace(/[^\x20-\x7e]/g, escaped);
}
