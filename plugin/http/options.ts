import { checkOptions, type Origin, optionsOf } from '../../server/engine/check-options.ts';
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
import { type CrashRule, overlaid, POLICY_CHECKS, policyOptionsOf } from '../../server/engine/policy.ts';
import type { Idempotency } from '../../server/idempotency.ts';
import type { HttpCall, KeyedHttpCall } from './call.ts';
import {
  type HttpPolicy,
  type HttpPolicyOptions,
  type ResolvedHttpPolicy,
  resolveHttpPolicy,
} from './policy.ts';
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

/** Options of all handlers, and of one: that of one handler takes precedence. */
interface OfHandlers<Rest extends unknown[]> {
  /**
   * Requests with these methods can have keys; those with another method pass by.
   * @default ['POST', 'PATCH']
   */
  methods?: readonly string[];
  /**
   * Gives the key of a request. Its word is final: what it returns is the key, also where the client sent another one, and null or
   * undefined is no key. It may be async; to look into the body, read `request.clone()`.
   * @default the client's key
   * @example
   * key: async ({ request, clientKey }) => clientKey ?? (await request.clone().json()).orderNumber
   */
  key?: (call: HttpCall<Rest>) => MaybePromise<Maybe<string>>;
  /**
   * Refuses a request that has no key, with IDEMPOTENCY_KEY_MISSING: all of them, or those for which the function says true. It may be
   * async, and is asked only where there is no key.
   * @default false
   * @example
   * require: ({ request }) => Number(request.headers.get('x-app-version')) >= 4
   */
  require?: boolean | ((call: HttpCall<Rest>) => MaybePromise<boolean>);
  /**
   * Decides whether a caller may get an answer that another run of the key has made: a stored one, one that was waited for, one that
   * was found out about a run in doubt. It is never asked before a run. Use it for permissions that are checked inside the handler.
   *
   * True lets the answer through; false is IDEMPOTENCY_REPLAY_FORBIDDEN (403); a response is given instead. The record stays as it is.
   * @default everybody of the scope may
   * @example
   * authorizeReplay: async ({ request, scope }) => (await memberOf(request))?.org === scope
   */
  authorizeReplay?: (call: KeyedHttpCall<Rest>) => MaybePromise<boolean | Response>;
  /**
   * Names what the request asks for, as operators see it. The name is part of the fingerprint. It may be async.
   * @default method and path: `POST /payments`
   * @example
   * operation: () => 'POST /accounts/:id'
   */
  operation?: (call: KeyedHttpCall<Rest>) => MaybePromise<string>;
  /**
   * Makes the answer when the handler throws; it is stored and repeated like any response. Without this function the
   * error goes on to your server, whose answer is not known here, and the record is left in doubt.
   * @default none
   * @example
   * onError: (error) => Response.json({ error: 'internal' }, { status: 500 })
   */
  onError?: (error: unknown, call: KeyedHttpCall<Rest>) => MaybePromise<Response>;
  /**
   * Names of response headers to store. `Content-Type` and `Content-Encoding` always are; `Set-Cookie`, `Date`,
   * `Content-Length` and those of a connection never.
   * @default {@link DEFAULT_STORED_HEADERS}
   */
  headers?: readonly string[];
  /**
   * Names of request headers that `captureRequest` keeps. `Content-Type` and `Content-Encoding` always are; `Authorization`, `Cookie`
   * and `Proxy-Authorization` never.
   * @default {@link DEFAULT_CAPTURED_HEADERS}
   */
  captureHeaders?: readonly string[];
  /**
   * Largest body of a keyed request, in bytes. It is held in memory; a larger one gets 413.
   * @default 10 MiB
   */
  maxRequestBytes?: number;
}

/** Gives the scope of a call. Nothing (null, undefined, '') is nobody, which a keyed request may not be. */
type ScopeOf<Rest extends unknown[]> = (call: HttpCall<Rest>) => MaybePromise<Maybe<string>>;

/**
 * Options of `createIdempotencyHandler`. `Rest` are the arguments that every handler gets beside the request, where they are
 * the same for all: `[NodeHost]` behind `toNodeHandler`.
 */
export interface HttpIdempotencyOptions<Rest extends unknown[] = unknown[]> extends OfHandlers<Rest> {
  /** What `createIdempotency` returned. */
  idempotency: Idempotency;
  /**
   * Says whose keys these are: two callers with the same key meet only in the same scope. Asked for keyed requests only, and
   * before the body is read. Nothing (null, undefined, '') refuses the request with IDEMPOTENCY_SCOPE_MISSING; `'global'` must be
   * written out.
   * @example
   * scope: async ({ request }) => (await userOf(request))?.id
   */
  scope: ScopeOf<Rest>;
  /**
   * Defaults of all handlers, in place of those of `createIdempotency`. What a handler says itself takes precedence.
   * @default none
   */
  policy?: HttpPolicy<Rest>;
  /**
   * The header that clients send their key in.
   * @default 'Idempotency-Key'
   */
  headerName?: string;
  /**
   * Address of a page about keys. It is sent with each refusal as `Link: <…>; rel="describedby"`, and, with the code as its fragment, as
   * the `type` of the problem.
   * @default none: the `type` is `about:blank`
   */
  documentation?: string;
}

/** What one handler has of its own: a policy, and the options that it has otherwise than the others. */
export type HttpHandlerPolicy<Rest extends unknown[] = unknown[]> = HandlerPolicyOptions<Rest> & CrashRule;

interface HandlerPolicyOptions<Rest extends unknown[]> extends HttpPolicyOptions<Rest>, OfHandlers<Rest> {
  /**
   * Says whose keys these are, for this handler.
   * @default that of `createIdempotencyHandler`
   */
  scope?: ScopeOf<Rest>;
}

const OF_HANDLERS: Readonly<Record<keyof OfHandlers<never>, Check>> = {
  methods: methodNames,
  key: aFunction,
  require: aSwitch,
  authorizeReplay: aFunction,
  operation: aFunction,
  onError: aFunction,
  headers: headerNames,
  captureHeaders: headerNames,
  maxRequestBytes: integer(0),
};

const CHECKS: Readonly<Record<keyof HttpIdempotencyOptions<never>, Check>> = {
  ...OF_HANDLERS,
  idempotency: anIdempotency,
  scope: required(aFunction, '({ request }) => userOf(request)?.id'),
  policy: anObject,
  headerName: aHeaderName,
  documentation: {
    expected: 'an absolute URL',
    accepts: (value) => typeof value === 'string' && URL.canParse(value),
  },
};

const HANDLER_CHECKS: Readonly<Record<keyof HttpHandlerPolicy<never>, Check>> = {
  ...POLICY_CHECKS,
  ...OF_HANDLERS,
  scope: aFunction,
};

const OF_POLICY: Origin = {
  of: 'createIdempotencyHandler',
  at: 'policy',
  elsewhere: optionsOf('createIdempotencyHandler(...) itself', Object.keys(CHECKS)),
};

const OF_ONE: Origin = {
  of: 'idempotent',
  elsewhere: optionsOf('createIdempotencyHandler(...), for all handlers', [
    'idempotency',
    'policy',
    'headerName',
    'documentation',
  ]),
};

/** Checks the options of all handlers. @throws TypeError naming the option, what was expected and what came */
export function checkHttpOptions(options: HttpIdempotencyOptions<never>): void {
  if (typeof options === 'function') {
    throw new TypeError(
      'Expected the options of createIdempotencyHandler(...), got a function; write `const idempotent = createIdempotencyHandler({ … })` and ' +
        '`idempotent(handler)`',
    );
  }
  checkOptions<HttpIdempotencyOptions<never>>(options, CHECKS, {
    of: 'createIdempotencyHandler',
    elsewhere: policyOptionsOf('createIdempotency(...), or of all handlers: `policy: { … }`'),
  });
  namesToStore(options.headers ?? []);
  namesToCapture(options.captureHeaders ?? []);
  resolveHttpPolicy(options.idempotency, options.policy ?? {}, OF_POLICY);
}

/** The options of one handler, with every default filled in. */
export type ResolvedHandler<Rest extends unknown[]> = ReturnType<typeof resolveHandler<Rest>>;

/**
 * Puts what one handler has of its own over what all have.
 * @param options as `checkHttpOptions` has checked them
 * @throws TypeError naming the option, what was expected and what came
 */
export function resolveHandler<Rest extends unknown[]>(
  { policy: ofAll = {}, ...options }: HttpIdempotencyOptions<Rest>,
  ofOne: HttpHandlerPolicy<Rest> = {},
) {
  checkOptions<HttpHandlerPolicy<Rest>>(ofOne, HANDLER_CHECKS, OF_ONE);
  const { own, policy } = apart(ofOne);
  const {
    idempotency,
    methods = ['POST', 'PATCH'],
    require = false,
    headers = DEFAULT_STORED_HEADERS,
    captureHeaders = DEFAULT_CAPTURED_HEADERS,
    headerName = 'Idempotency-Key',
    maxRequestBytes = 10 * 1_048_576,
    documentation,
    ...functions
  } = { ...options, ...own };
  return {
    ...functions,
    ...(resolveHttpPolicy(idempotency, overlaid(ofAll, policy), OF_ONE) satisfies ResolvedHttpPolicy),
    idempotency,
    methods: new Set(methods.map((method) => method.toUpperCase())),
    require,
    headerNames: namesToStore(headers),
    capturedNames: namesToCapture(captureHeaders),
    headerName,
    maxRequestBytes,
    documentation: documentation && new URL(documentation).href,
  };
}

/** Tells the adapter's options of a handler from those of its policy, without what is undefined: that is the same as left out. */
function apart<Rest extends unknown[]>(ofOne: HttpHandlerPolicy<Rest>) {
  const given = Object.entries(ofOne).filter(([, value]) => value !== undefined);
  const pick = (isOwn: boolean) =>
    Object.fromEntries(given.filter(([name]) => Object.hasOwn(POLICY_CHECKS, name) !== isOwn));
  return {
    own: pick(true) as OfHandlers<Rest> & { scope?: ScopeOf<Rest> },
    policy: pick(false) as HttpPolicy<Rest>,
  };
}
