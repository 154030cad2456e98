import type { StoredBody } from '../engine/record.ts';

/** A captured request is given to a rerunner after it was opened. */
export interface CapturedRequest {
  readonly scope: string;
  readonly key: string;
  readonly operation: string;
  readonly body: string;
}

/**
 * A principal is what a developer says of who sent the request. This is asked again each time, for access may have
 * been withdrawn since.
 */
export interface ReplayPrincipal {
  /** The scope has to be the record's, as the plugin's own `scope` would give it. */
  readonly scope: string;
  /** The operator reads this: `user 42`. */
  readonly principal: string;
}

export type ReplayCheck =
  | { readonly possible: true; readonly principal: string }
  | { readonly possible: false; readonly why: string; readonly principal?: string };

/** An operator gives this for an effect that happened, or did not. */
export type GivenResponse = { readonly data: unknown } | { readonly error: string };

/**
 * A rerunner runs captured requests of one format again, as ordinary keyed calls: the key decides, as for any client.
 * `createGraphQLRerunner` and `createTRPCRerunner` make rerunners.
 */
export interface Rerunner {
  /** The rerunner takes requests of this `format`, and writes responses of it: `graphql/1`, `trpc/1`. */
  readonly format: string;
  /** Validates the request, and resolves the principal. Nothing is run. */
  check(request: CapturedRequest): Promise<ReplayCheck>;
  /**
   * Sends the request.
   * @returns what came of it, in one sentence
   */
  run(request: CapturedRequest): Promise<string>;
  /**
   * Makes the stored form of a response that an operator gives.
   * @param request undefined when it was not captured
   * @throws Error that says what is wrong with the response
   */
  response(
    given: GivenResponse,
    operation: string,
    request: CapturedRequest | undefined,
  ): StoredBody | Promise<StoredBody>;
}

/** Makes the stored form of a response. @param format its name */
export function storedBody(format: string, body: string): StoredBody {
  return { format, body, bytes: Buffer.byteLength(body) };
}
