import type { StoredBody } from '../../engine/record.ts';

/** A captured request is given to a rerunner after it was opened. */
export interface CapturedRequest {
  /** The scope of the key that the request was sent with. */
  readonly scope: string;
  /** The key that it is sent with again. */
  readonly key: string;
  /** The name of the operation: `chargeCard`, `orders.create`, `POST /payments`. */
  readonly operation: string;
  /** The text of the request, in the rerunner's `format`. */
  readonly body: string;
  /** The fingerprint that the key is bound to. Absent where the key takes any request. */
  readonly fingerprint?: string;
}

/** A `RerunActor` is whom a request is sent as. It is asked for again each time, for access may have been withdrawn since. */
export interface RerunActor {
  /** The scope has to be the record's, as the plugin's own `scope` would give it. */
  readonly scope: string;
  /** The operator reads this: `user 42`. */
  readonly label: string;
}

/** A `RerunCheck` says whether a request can be sent, and as whom. */
export type RerunCheck =
  | { readonly possible: true; readonly label: string }
  | { readonly possible: false; readonly why: string; readonly label?: string };

/** An operator gives this for an effect that happened, or did not. */
export type GivenResponse =
  | {
      readonly data: unknown;
      /** The text of `data` as it was given: its numbers have all their digits. */
      readonly json: string;
    }
  | { readonly error: string };

/**
 * A rerunner runs captured requests of one format again, as ordinary keyed calls: the key decides, as for any client.
 * `createGraphQLRerunner`, `createTRPCRerunner` and `createHttpRerunner` make rerunners.
 *
 * @experimental
 */
export interface Rerunner {
  /** The rerunner takes requests of this `format`, and writes responses of it: `graphql/1`, `trpc/1`, `http/1`. */
  readonly format: string;
  /** Validates the request, and finds out whom it is sent as. Nothing is run. */
  check(request: CapturedRequest): Promise<RerunCheck>;
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
