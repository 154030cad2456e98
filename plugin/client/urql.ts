import { type Exchange, makeOperation, mapExchange, type Operation } from '@urql/core';
import { checkOptions } from '../../server/engine/check-options.ts';
import { oneOf } from '../../server/engine/option-checks.ts';
import { hasKeyHeader } from './headers.ts';
import { givenKey, KEY_HEADER, keyHeaderValue, newIdempotencyKey } from './key.ts';

export interface IdempotencyExchangeOptions {
  /**
   * `'extensions'` (default) works for subscription transports and pages of another origin too, and is kept by an
   * `offlineExchange` after this one; `'header'` is for servers and gateways that see HTTP headers only.
   */
  via?: 'extensions' | 'header';
}

const CHECKS = { via: oneOf('extensions', 'header') };

/**
 * Gives each mutation a key, unless the caller did: `client.mutation(query, variables, { idempotencyKey })`, or a header of
 * that name in `fetchOptions`. It may stand before or after `retryExchange`, which sends again the operation that failed,
 * with its key.
 *
 * @example
 * new Client({ url, exchanges: [cacheExchange, idempotencyExchange(), retryExchange({ retryIf: isRetryable }), fetchExchange] })
 * @throws TypeError for an option that is unknown or not what it should be
 */
export function idempotencyExchange(options: IdempotencyExchangeOptions = {}): Exchange {
  checkOptions<IdempotencyExchangeOptions>(options, CHECKS, { of: 'idempotencyExchange' });
  const { via = 'extensions' } = options;
  return mapExchange({
    onOperation(operation) {
      if (operation.kind !== 'mutation') return operation;
      const { extensions, context } = operation;
      const fetchOptions = fetchOptionsOf(context);
      if (hasKeyHeader(fetchOptions?.headers)) return operation;
      const idempotencyKey =
        givenKey(extensions?.idempotencyKey) ?? givenKey(context.idempotencyKey) ?? newIdempotencyKey();
      if (via === 'extensions') {
        const request = { ...operation, extensions: { ...extensions, idempotencyKey } };
        return makeOperation('mutation', request, { ...context, idempotencyKey });
      }
      const headers = new Headers(fetchOptions?.headers);
      headers.set(KEY_HEADER, keyHeaderValue(idempotencyKey));
      return makeOperation('mutation', operation, {
        ...context,
        idempotencyKey,
        fetchOptions: { ...fetchOptions, headers: Object.fromEntries(headers) },
      });
    },
  });
}

function fetchOptionsOf({ fetchOptions }: Operation['context']): RequestInit | undefined {
  return typeof fetchOptions === 'function' ? fetchOptions() : fetchOptions;
}
