import { checkOptions } from '../../server/engine/check-options.ts';
import { aHeaderName } from '../../server/engine/option-checks.ts';
import { batchHeaderOf, KEY_HEADER } from './key-header.ts';

/** Options of {@link idempotencyHeaders}. */
export interface IdempotencyHeadersOptions {
  /**
   * The `headerName` of your server and of its clients.
   * @default 'Idempotency-Key'
   */
  headerName?: string;
}

/** The names of the headers that pages of another origin send and read. */
export interface IdempotencyHeaders {
  /** For `Access-Control-Allow-Headers`: browsers hold back any request with a header that is not listed there. */
  request: string[];
  /**
   * For `Access-Control-Expose-Headers`: whether an answer is a replay, until when it is, when to try again, and where the documentation of a refusal is.
   * A script gets to see other headers only where they are listed there.
   */
  response: string[];
}

/**
 * Lists the headers that a server must allow and expose, so that pages of another origin can send keys and see what became of them. The
 * plural in the list is for the batches of tRPC.
 *
 * @example
 * const { request, response } = idempotencyHeaders()
 * createYoga({ cors: { allowedHeaders: ['content-type', ...request], exposedHeaders: response } })
 * @throws TypeError for an option that is unknown or no name of a header
 */
export function idempotencyHeaders(options: IdempotencyHeadersOptions = {}): IdempotencyHeaders {
  checkOptions<IdempotencyHeadersOptions>(options, CHECKS, { of: 'idempotencyHeaders' });
  const { headerName = KEY_HEADER } = options;
  return {
    request: [headerName, batchHeaderOf(headerName)],
    response: ['Idempotent-Replayed', 'Idempotent-Replays', 'Idempotency-Expires', 'Retry-After', 'Link'],
  };
}

const CHECKS = { headerName: aHeaderName };
