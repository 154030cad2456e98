import { checkOptions, optionsOf } from '../../server/engine/check-options.ts';
import type { FingerprintSource } from '../../server/engine/fingerprint-policy.ts';
import {
  aFunction,
  aHeaderName,
  anIdempotency,
  anObject,
  aSwitch,
  type Check,
  headerNames,
  integer,
  methodNames,
  required,
} from '../../server/engine/option-checks.ts';
import { type Policy, policyOptionsOf } from '../../server/engine/policy.ts';
import type { Idempotency } from '../../server/idempotency.ts';
import {
  DEFAULT_CAPTURED_HEADERS,
  DEFAULT_STORED_HEADERS,
  namesToCapture,
  namesToStore,
} from './stored-headers.ts';

type Maybe<T> = T | null | undefined;
type MaybePromise<T> = T | Promise<T>;

/** A Fetch-style server calls an `HttpHandler`, with whatever else it passes on: a context, the parameters of a route. */
export type HttpHandler<Rest extends unknown[]> = (request: Request, ...rest: Rest) => MaybePromise<Response>;

export interface HttpIdempotencyOptions<Rest extends unknown[]> {
  idempotency: Idempotency;
  /**
   * Whose keys these are: two callers with the same key meet only in the same scope. Asked for keyed requests only, and
   * before the body is read. Nothing (null, undefined, '') refuses the request with IDEMPOTENCY_SCOPE_MISSING; `'global'` must be
   * written out.
   */
  scope: (request: Request, ...rest: Rest) => MaybePromise<Maybe<string>>;
  /** Requests with these methods can have keys; those with another method pass by. Default POST and PATCH. */
  methods?: readonly string[];
  /** Requests with these methods for which this is true are refused with IDEMPOTENCY_KEY_MISSING when they have no key. Default: none are. */
  require?: boolean | ((request: Request) => boolean);
  /**
   * Names of response headers to store, instead of {@link DEFAULT_STORED_HEADERS}. `Content-Type` and
   * `Content-Encoding` always are; `Set-Cookie`, `Date`, `Content-Length` and those of a connection never.
   */
  headers?: readonly string[];
  /**
   * Names of request headers that `captureRequest` keeps, instead of {@link DEFAULT_CAPTURED_HEADERS}. `Content-Type` and
   * `Content-Encoding` always are; `Authorization`, `Cookie` and `Proxy-Authorization` never.
   */
  captureHeaders?: readonly string[];
  /** Names what the request asks for, as operators see it. The name is part of the fingerprint. Default `POST /payments`: method and path. */
  operation?: (request: Request) => string;
  /** Overrides of the options of `createIdempotency`. */
  policy?: Policy<FingerprintSource<Request>>;
  /** Default `Idempotency-Key`. */
  headerName?: string;
  /** Largest body of a keyed request, which is held in memory; others get 413. Default 10 MiB. */
  maxRequestBytes?: number;
  /**
   * Makes the answer when the handler throws; it is stored and repeated like any response. Without this function the
   * error goes on to your server, whose answer is not known here, and the record is left in doubt.
   */
  onError?: (error: unknown, request: Request) => MaybePromise<Response>;
  /**
   * Decides whether a caller may get an answer that another run of the key has made (a stored one, one that was waited for, what an
   * `onAbandoned` function gives). It is never asked before a run. Use it for permissions that are checked inside the handler.
   *
   * True lets the answer through; false is IDEMPOTENCY_REPLAY_FORBIDDEN (403); a response is given instead. The record stays as it is.
   */
  authorizeReplay?: (request: Request, ...rest: Rest) => MaybePromise<boolean | Response>;
  /** Address of a page about keys, sent with each refusal as `Link: <…>; rel="describedby"`. Default none. */
  documentation?: string;
}

const CHECKS: Readonly<Record<keyof HttpIdempotencyOptions<never>, Check>> = {
  idempotency: anIdempotency,
  scope: required(aFunction, '(request) => userOf(request)?.id'),
  methods: methodNames,
  require: aSwitch,
  headers: headerNames,
  captureHeaders: headerNames,
  operation: aFunction,
  policy: anObject,
  headerName: aHeaderName,
  maxRequestBytes: integer(0),
  onError: aFunction,
  authorizeReplay: aFunction,
  documentation: {
    expected: 'an absolute URL',
    accepts: (value) => typeof value === 'string' && URL.canParse(value),
  },
};

const NOT_OF_A_POLICY = optionsOf('withIdempotency(...) itself', Object.keys(CHECKS));

/** Fills in the defaults. @throws TypeError naming the option, what was expected and what came */
export function resolveOptions<Rest extends unknown[]>(options: HttpIdempotencyOptions<Rest>) {
  checkOptions<HttpIdempotencyOptions<Rest>>(options, CHECKS, {
    of: 'withIdempotency',
    elsewhere: policyOptionsOf('createIdempotency(...), or of this handler: `policy: { … }`'),
  });
  const {
    idempotency,
    methods = ['POST', 'PATCH'],
    require = false,
    headers = DEFAULT_STORED_HEADERS,
    captureHeaders = DEFAULT_CAPTURED_HEADERS,
    operation = methodAndPath,
    policy,
    headerName = 'Idempotency-Key',
    maxRequestBytes = 10 * 1_048_576,
    documentation,
    ...functions
  } = options;
  return {
    ...functions,
    idempotency,
    methods: new Set(methods.map((method) => method.toUpperCase())),
    isRequired: typeof require === 'function' ? require : () => require,
    headerNames: namesToStore(headers),
    capturedNames: namesToCapture(captureHeaders),
    operation,
    policy: idempotency.policy(policy, { of: 'withIdempotency', at: 'policy', elsewhere: NOT_OF_A_POLICY }),
    headerName,
    maxRequestBytes,
    documentation: documentation && new URL(documentation).href,
  };
}

function methodAndPath({ method, url }: Request): string {
  return `${method} ${new URL(url).pathname}`;
}
