/** Each function in the options gets one `HttpCall`: a request, and what its host handed over beside it. */
export interface HttpCall<Rest extends unknown[] = unknown[]> {
  /**
   * The request. `scope`, `key` and `require` get the one that the host has, whose body the handler still needs: to look into it,
   * read `request.clone()`. All others get one of their own, whose body they may read.
   */
  readonly request: Request;
  /** The other arguments of the handler: a route's parameters, `{ req, res }` of `toNodeHandler`, Koa's `ctx`. */
  readonly rest: Rest;
  /** The key in the request's header; undefined when the client sent none. */
  readonly clientKey: string | undefined;
}

/** A `KeyedHttpCall` is a call whose key and scope are known. */
export interface KeyedHttpCall<Rest extends unknown[] = unknown[]> extends HttpCall<Rest> {
  /** The scope of the key, as the `scope` function gave it. */
  readonly scope: string;
  /** The key of the request. */
  readonly key: string;
}

/** A `fingerprint` function gets this, and a `resolve` function beside what is known of the lost run. */
export interface HttpFingerprintCall<Rest extends unknown[] = unknown[]> extends KeyedHttpCall<Rest> {
  /** The name of the operation: `POST /payments/:id`. */
  readonly operation: string;
  /**
   * The body, if it is JSON, else undefined. A number that JavaScript can not hold exactly (9007199254740993) is its text.
   */
  readonly json: unknown;
}
