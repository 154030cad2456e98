import { anIdempotencyOf, type IdempotencyOf } from '../../server/adapter/idempotency-of.ts';
import { Protection } from '../../server/adapter/protection.ts';
import { checkOptions, type Origin, optionsOf } from '../../server/engine/check-options.ts';
import {
  aFunction,
  aHeaderName,
  anObject,
  anyOf,
  type Check,
  required,
} from '../../server/engine/option-checks.ts';
import type { ByRequest, Exclusions, Policy } from '../../server/engine/policy.ts';
import type { PolicyFunctions } from '../../server/engine/request-policy.ts';
import { overlaid, POLICY_CHECKS, policyOptionsOf } from '../../server/engine/resolve-policy.ts';
import type { HttpCall, KeyedHttpCall } from './call.ts';
import { OF_HANDLERS, type OfHandlers, type ScopeOf } from './handler-options.ts';
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

/**
 * Options of `createIdempotencyHandler`. `Rest` are the arguments that every handler gets beside the request, where they are
 * the same for all: `[NodeHost]` behind `toNodeHandler`.
 */
export interface HttpIdempotencyOptions<Rest extends unknown[] = unknown[]> extends OfHandlers<Rest> {
  /**
   * What `createIdempotency` returned. A function gives the one of a request, for a store for each tenant; it is asked for requests with a
   * key, and for those that lack one they need.
   * @example
   * idempotency: ({ request }) => tenantOf(request).idempotency
   */
  idempotency: IdempotencyOf<HttpCall<Rest>>;
  /**
   * Says whose keys these are: two callers with the same key meet only in the same scope. Asked for keyed requests only, and
   * before the body is read. Nothing (null, undefined, '') refuses the request with IDEMPOTENCY_SCOPE_MISSING; `'global'` must be
   * written out.
   * @example
   * scope: async ({ request }) => (await userOf(request))?.id
   */
  scope: ScopeOf<Rest>;
  /**
   * Defaults of all handlers, in place of those of `createIdempotency`; a function decides them by request, for the options of
   * `RequestPolicy`. What a handler says itself takes precedence.
   * @default none
   * @example
   * policy: ({ scope }) => ({ retentionMs: keptFor(scope) })
   */
  policy?: HttpPolicy<Rest> | ByRequest<KeyedHttpCall<Rest>>;
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
export type HttpHandlerPolicy<Rest extends unknown[] = unknown[]> = HandlerPolicyOptions<Rest> & Exclusions;

interface HandlerPolicyOptions<Rest extends unknown[]> extends HttpPolicyOptions<Rest>, OfHandlers<Rest> {
  /**
   * Says whose keys these are, for this handler.
   * @default that of `createIdempotencyHandler`
   */
  scope?: ScopeOf<Rest>;
  /**
   * Decides by request some options of the policy: those of `RequestPolicy`. Its word goes before what stands beside it. It is asked for
   * requests with a key, before anything is claimed, and may be async.
   * @default none
   * @example
   * policy: ({ request }) => ({ captureRequest: Math.random() < 0.01 })
   */
  policy?: ByRequest<KeyedHttpCall<Rest>>;
}

const CHECKS: Readonly<Record<keyof HttpIdempotencyOptions<never>, Check>> = {
  ...OF_HANDLERS,
  idempotency: anIdempotencyOf,
  scope: required(aFunction, '({ request }) => userOf(request)?.id'),
  policy: anyOf(anObject, aFunction),
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
  policy: aFunction,
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
  if (typeof options.policy !== 'function')
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
  const all =
    typeof ofAll === 'function' ? { decide: ofAll, policy: {} } : { decide: undefined, policy: ofAll };
  const {
    idempotency,
    enabled,
    policy: decide,
    methods = ['POST', 'PATCH'],
    require = false,
    headers = DEFAULT_STORED_HEADERS,
    captureHeaders = DEFAULT_CAPTURED_HEADERS,
    headerName = 'Idempotency-Key',
    maxRequestBytes = 10 * 1_048_576,
    documentation,
    ...functions
  } = { ...options, policy: undefined, ...own };
  const policies: PolicyFunctions<KeyedHttpCall<Rest>> = {
    ofAll: all.decide && { decide: all.decide, origin: { of: OF_POLICY.of } },
    ofOne: decide && { decide, origin: { of: OF_ONE.of } },
    own: policy as Policy<never, never>,
  };
  return {
    ...functions,
    ...(resolveHttpPolicy(idempotency, overlaid(all.policy, policy), OF_ONE) satisfies ResolvedHttpPolicy),
    protection: new Protection<HttpCall<Rest>>({ idempotency, enabled }),
    policies,
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
    own: pick(true) as OfHandlers<Rest> & Pick<HandlerPolicyOptions<Rest>, 'scope' | 'policy'>,
    policy: pick(false) as HttpPolicy<Rest>,
  };
}
