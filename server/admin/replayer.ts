import type { StoredBody } from '../engine/record.ts';

/** A captured request, opened. */
export interface CapturedRequest {
  readonly scope: string;
  readonly key: string;
  readonly operation: string;
  readonly body: string;
}

/** What a developer says of who sent it: asked again each time, for access may have been withdrawn since. */
export interface ReplayPrincipal {
  /** Has to be the record's, as the plugin's own `scope` would give it. */
  readonly scope: string;
  /** For the operator to read: `user 42`. */
  readonly principal: string;
}

export type ReplayCheck =
  | { readonly possible: true; readonly principal: string }
  | { readonly possible: false; readonly why: string; readonly principal?: string };

/** What an operator gives for an effect that happened, or did not. */
export type GivenResponse = { readonly data: unknown } | { readonly error: string };

/**
 * Runs captured requests of one format again, as ordinary keyed calls: the key decides, as for any client.
 * `createGraphQLReplayer` and `createTRPCReplayer` make them.
 */
export interface Replayer {
  /** `graphql/1`, `trpc/1`: the `format` of the requests it takes and of the responses it writes. */
  readonly format: string;
  /** Validates, and resolves the principal. Runs nothing. */
  check(request: CapturedRequest): Promise<ReplayCheck>;
  /** Sends it. @returns what came of it, in one sentence */
  run(request: CapturedRequest): Promise<string>;
  /**
   * What a response that an operator gives is stored as.
   * @param request undefined when it was not captured
   * @throws Error that says what is wrong with it
   */
  response(
    given: GivenResponse,
    operation: string,
    request: CapturedRequest | undefined,
  ): StoredBody | Promise<StoredBody>;
}

export const WON_BY_A_CLIENT = 'A retry of the client was first: this is its result.';

/** Null when the principal may send it. */
export function scopeRefusal(principal: ReplayPrincipal | null, { scope }: CapturedRequest): string | null {
  if (principal === null) return 'Whoever sent it may not any more';
  return principal.scope === scope ? null : 'The principal belongs to another scope than the record';
}
