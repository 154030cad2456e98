import { checkOptions, type Origin, optionsOf } from '../../server/engine/check-options.ts';
import { aFunction, aHeaderName, anObject, type Check, required } from '../../server/engine/option-checks.ts';
import type { Exclusions } from '../../server/engine/policy.ts';
import { overlaid, POLICY_CHECKS, policyOptionsOf } from '../../server/engine/resolve-policy.ts';
import type { Idempotency } from '../../server/idempotency.ts';
import { anIdempotency } from '../../server/internals.ts';
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
export type HttpHandlerPolicy<Rest extends unknown[] = unknown[]> = HandlerPolicyOptions<Rest> & Exclusions;

interface HandlerPolicyOptions<Rest extends unknown[]> extends HttpPolicyOptions<Rest>, OfHandlers<Rest> {
  /**
   * Says whose keys these are, for this handler.
   * @default that of `createIdempotencyHandler`
   */
  scope?: ScopeOf<Rest>;
}

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
