import { ApolloLink } from '@apollo/client';
import { checkOptions } from '../../server/engine/check-options.ts';
import { aHeaderName, oneOf } from '../../server/engine/option-checks.ts';
import { givenKey } from '../key/given-key.ts';
import { KEY_HEADER, keyHeader } from '../key/key-header.ts';
import { newIdempotencyKey } from '../key/new-idempotency-key.ts';
import { hasHeader } from './headers.ts';

/** Options of {@link IdempotencyLink}. */
export interface IdempotencyLinkOptions {
  /**
   * `'extensions'` works for batches, WebSockets and pages of another origin too; `'header'` is for servers and gateways that see HTTP
   * headers only.
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
    const { via = 'extensions', headerName = KEY_HEADER } = options;
    super((operation, forward) => {
      const { idempotencyKey, headers, http } = operation.getContext();
      if (!isMutation(operation) || hasHeader(headers, headerName)) return forward(operation);
      const key =
        givenKey(operation.extensions.idempotencyKey) ?? givenKey(idempotencyKey) ?? newIdempotencyKey();
      if (via === 'header') {
        operation.setContext({
          idempotencyKey: key,
          headers: { ...headers, ...keyHeader(key, headerName) },
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
