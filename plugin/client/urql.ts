import { type Exchange, makeOperation, mapExchange, type Operation } from '@urql/core';
import { checkOptions } from '../../server/engine/check-options.ts';
import { aHeaderName, oneOf } from '../../server/engine/option-checks.ts';
import { givenKey } from '../key/given-key.ts';
import { KEY_HEADER, keyHeaderValue } from '../key/key-header.ts';
import { newIdempotencyKey } from '../key/new-idempotency-key.ts';
import { hasHeader } from './headers.ts';

/** Options of {@link idempotencyExchange}. */
export interface IdempotencyExchangeOptions {
  /**
   * `'extensions'` works for subscription transports and pages of another origin too; `'header'` sends the key in a header as well, for
   * servers and gateways that see HTTP headers only.
   * @default 'extensions'
   */
  via?: 'extensions' | 'header';
  /**
   * The `headerName` of your server: the header that is sent with `via: 'header'`, and by which a key of the caller is recognized.
   * @default 'Idempotency-Key'
   */
  headerName?: string;
}

const CHECKS = { via: oneOf('extensions', 'header'), headerName: aHeaderName };

/**
 * Gives each mutation a key, unless the caller did: `client.mutation(query, variables, { idempotencyKey })`, or a header of
 * that name in `fetchOptions`. It stands after the cache: Graphcache's `cacheExchange` and `offlineExchange` make operations
 * of their own and drop what was put on one before, the key too. In that order the first mutation fails, with an error that
 * says so. It may stand before or after `retryExchange`, which sends again the operation that failed, with its key. What an
 * `offlineExchange` keeps for later has its key, also after a reload.
 *
 * @example
 * new Client({ url, exchanges: [cacheExchange, idempotencyExchange(), retryExchange({ retryIf: isRetryable }), fetchExchange] })
 * @throws TypeError for an option that is unknown or not what it should be
 */
export function idempotencyExchange(options: IdempotencyExchangeOptions = {}): Exchange {
  checkOptions<IdempotencyExchangeOptions>(options, CHECKS, { of: 'idempotencyExchange' });
  const { via = 'extensions', headerName = KEY_HEADER } = options;
  return mapExchange({
    onOperation(operation) {
      if (operation.kind !== 'mutation') return operation;
      const { extensions, context } = operation;
      const fetchOptions = fetchOptionsOf(context);
      const given = givenKey(extensions?.idempotencyKey) ?? givenKey(context.idempotencyKey);
      if (hasHeaderOfCaller(fetchOptions, headerName, given)) return operation;
      const idempotencyKey = given ?? newIdempotencyKey();
      return makeOperation(
        'mutation',
        { ...operation, extensions: { ...extensions, idempotencyKey } },
        {
          ...context,
          idempotencyKey,
          fetch: fetchWithKey(context.fetch, idempotencyKey),
          ...(via === 'header' && { fetchOptions: withHeader(fetchOptions, headerName, idempotencyKey) }),
        },
      );
    },
  });
}

function fetchOptionsOf({ fetchOptions }: Operation['context']): RequestInit | undefined {
  return typeof fetchOptions === 'function' ? fetchOptions() : fetchOptions;
}

/** An operation that is sent again has our own header, and may have lost its extensions. */
function hasHeaderOfCaller(
  fetchOptions: RequestInit | undefined,
  headerName: string,
  key: string | undefined,
): boolean {
  if (!hasHeader(fetchOptions?.headers, headerName)) return false;
  return key === undefined || new Headers(fetchOptions?.headers).get(headerName) !== keyHeaderValue(key);
}

function withHeader(fetchOptions: RequestInit | undefined, headerName: string, key: string): RequestInit {
  const headers = new Headers(fetchOptions?.headers);
  headers.set(headerName, keyHeaderValue(key));
  return { ...fetchOptions, headers: Object.fromEntries(headers) };
}

/** Maps each `fetch` of ours to the one that it calls, so that a retry does not put one of ours into another. */
const inners = new WeakMap<typeof fetch, typeof fetch | undefined>();

/** The last place that sees an operation whatever exchanges it has passed: Graphcache keeps its context. */
function fetchWithKey(given: typeof fetch | undefined, key: string): typeof fetch {
  const inner = given && inners.has(given) ? inners.get(given) : given;
  const keyed: typeof fetch = async (input, init) => {
    return lacksKey(init?.body, key) ? refusal() : (inner ?? fetch)(input, init);
  };
  inners.set(keyed, inner);
  return keyed;
}

/** Makes a refusal as an answer. As a failure of the network, `offlineExchange` would keep the mutation and tell nobody. */
function refusal(): Response {
  const message =
    'The mutation was not sent: an exchange dropped its idempotency key. Expected idempotencyExchange() to stand after ' +
    'cacheExchange or offlineExchange of Graphcache: exchanges: [cacheExchange, idempotencyExchange(), fetchExchange]';
  const code = 'IDEMPOTENCY_KEY_MISSING';
  return Response.json({
    errors: [{ message, extensions: { code, idempotency: { code, retryable: false } } }],
  });
}

/** Tells whether a request's body lacks the key: its text, or that part of a form with files that holds the operation. Other bodies are not judged. */
function lacksKey(body: unknown, key: string): boolean {
  const text = body instanceof FormData ? body.get('operations') : body;
  return typeof text === 'string' && !text.includes(JSON.stringify(key));
}
