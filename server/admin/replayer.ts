import type { StoredResponse } from '../engine/record.ts';

/** A captured request, opened. */
export interface CapturedRequest {
  readonly scope: string;
  readonly key: string;
  readonly operation: string;
  readonly body: string;
}

export type ReplayCheck =
  | { readonly possible: true; readonly principal: string }
  | { readonly possible: false; readonly why: string; readonly principal?: string };

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
   * @throws Error that says what is wrong with it
   */
  response(operation: string, given: GivenResponse): StoredResponse | Promise<StoredResponse>;
}

export type GivenResponse = { readonly data: unknown } | { readonly error: string };
