import { ApolloLink } from '@apollo/client';
import { checkOptions } from '../../server/engine/check-options.ts';
import { oneOf } from '../../server/engine/option-checks.ts';
import { hasKeyHeader } from './headers.ts';
import { givenKey, KEY_HEADER, keyHeaderValue, newIdempotencyKey } from './key.ts';

export interface IdempotencyLinkOptions {
  /**
   * `'extensions'` (default) works for batches, WebSockets and pages of another origin too; `'header'` is for servers and
   * gateways that see HTTP headers only.
   */
  via?: 'extensions' | 'header';
}

const CHECKS = { via: oneOf('extensions', 'header') };

/**
 * Gives each mutation a key, unless the caller did: `mutate({ mutation, context: { idempotencyKey } })`, or a header of
 * that name in `context.headers`. It may stand before or after `RetryLink`: all attempts have the same key, since they
 * share the operation whose context keeps it.
 *
 * @example
 * new ApolloClient({ cache, link: ApolloLink.from([new IdempotencyLink(), new RetryLink(), new HttpLink({ uri })]) })
 */
export class IdempotencyLink extends ApolloLink {
  /** @throws TypeError for an option that is unknown or not what it should be */
  constructor(options: IdempotencyLinkOptions = {}) {
    checkOptions<IdempotencyLinkOptions>(options, CHECKS, { of: 'IdempotencyLink' });
    const { via = 'extensions' } = options;
    super((operation, forward) => {
      const { idempotencyKey, headers, http } = operation.getContext();
      if (!isMutation(operation) || hasKeyHeader(headers)) return forward(operation);
      const key =
        givenKey(operation.extensions.idempotencyKey) ?? givenKey(idempotencyKey) ?? newIdempotencyKey();
      if (via === 'header') {
        operation.setContext({
          idempotencyKey: key,
          headers: { ...headers, [KEY_HEADER]: keyHeaderValue(key) },
        });
      } else {
        operation.setContext({ idempotencyKey: key, http: { ...http, includeExtensions: true } });
        // Not into the object that is there: it may be the caller's, who sends it with other operations too.
        operation.extensions = { ...operation.extensions, idempotencyKey: key };
      }
      return forward(operation);
    });
  }
}

/** Tells by the document whether an operation is a mutation, as Apollo Client 3 has no `operationType`. It sends documents of one operation only. */
function isMutation({ query }: ApolloLink.Operation): boolean {
  return query.definitions.some(
    (definition) => definition.kind === 'OperationDefinition' && definition.operation === 'mutation',
  );
}
