import type { TRPCError } from '@trpc/server';
import {
  anIdempotencyOf,
  type IdempotencyOf,
  type OperationPolicy,
  policyFor,
} from '../../server/adapter/idempotency-of.ts';
import { type EnabledBy, Protection } from '../../server/adapter/protection.ts';
import { checkOptions, type Origin, optionsOf } from '../../server/engine/check-options.ts';
import {
  aFunction,
  aHeaderName,
  aNull,
  anObject,
  anyOf,
  aSwitch,
  type Check,
  required,
} from '../../server/engine/option-checks.ts';
import type { ByRequest, Exclusions, Finished, Policy } from '../../server/engine/policy.ts';
import type { PolicyFunctions } from '../../server/engine/request-policy.ts';
import { overlaid, POLICY_CHECKS, policyOptionsOf } from '../../server/engine/resolve-policy.ts';
import type { TRPCCall, TRPCKeyedCall } from './call.ts';

type MaybeText = string | null | undefined;
type OrPromise<T> = T | Promise<T>;

/** The functions that decide about one call. Each is an option of all procedures and of one, whose word goes first. */
export interface CallDecisions<Context, Meta, Input> {
  /**
   * False lets a mutation pass by, as if it had no key: its key is not looked at, and none is required. It may be a function, for a rollout by
   * tenant. Where a key is certain otherwise, `ctx.idempotency` is a run of which nothing is recorded.
   * @default true
   * @example
   * enabled: ({ ctx }) => ctx.tenant.isPilot
   */
  enabled?: EnabledBy<TRPCCall<Context, Meta, Input>>;
  /**
   * Says whose keys they are: a user's, a tenant's. Null for nobody, which a keyed mutation may not be (IDEMPOTENCY_SCOPE_MISSING).
   * @example
   * scope: ({ ctx }) => ctx.user?.id
   */
  scope?: (call: TRPCCall<Context, Meta, Input>) => OrPromise<MaybeText>;
  /**
   * Gives the key of a call: for server-side callers, for WebSockets, for a context without headers, or for a key that follows from the
   * input. Its word is final: what it returns is the key, and nothing is no key. `clientKey` is what the client sent. Null asks for
   * the header again, for one procedure.
   * @default the client's header
   * @example
   * key: ({ clientKey, ctx }) => clientKey ?? ctx.idempotencyKey
   */
  key?: ((call: TRPCCall<Context, Meta, Input>) => OrPromise<MaybeText>) | null;
  /**
   * True refuses a mutation without a key (IDEMPOTENCY_KEY_MISSING); so does a function that returns true for the call. With `true`
   * itself, `ctx.idempotency` is certain.
   * @default false
   * @example
   * require: ({ ctx }) => ctx.appVersion >= 4
   */
  require?: boolean | ((call: TRPCCall<Context, Meta, Input>) => OrPromise<boolean>);
  /**
   * Decides whether a caller may get an answer that another run of the key has made (a stored one, one that was waited for, what a
   * `resolve` function gives). It is never asked before a run. Use it for permissions that are checked after
   * `idempotent()`: in later middlewares, or in the resolver. Null asks nobody, for one procedure.
   *
   * True lets the answer through; false is IDEMPOTENCY_REPLAY_FORBIDDEN (tRPC's FORBIDDEN); what it throws is given instead. The record
   * stays as it is.
   * @default everybody of the scope may
   * @example
   * authorizeReplay: ({ ctx, path }) => ctx.user?.may(path) === true
   */
  authorizeReplay?: ((call: TRPCKeyedCall<Context, Meta, Input>) => OrPromise<boolean>) | null;
}

/** `classify` sees this of a finished run: what the procedure returned, or the error that it ended with. */
export type TRPCFinished = Finished &
  (
    | { readonly outcome: 'success'; readonly data: unknown }
    | { readonly outcome: 'error'; readonly error: TRPCError }
  );

/** `Policy`, with what tRPC has for a call and for its end. */
export type TRPCPolicy<Context = unknown, Meta = object, Input = unknown> = Policy<
  TRPCKeyedCall<Context, Meta, Input>,
  unknown,
  TRPCFinished
> &
  Exclusions;

/**
 * What one procedure has: `idempotent({ … })`. Where `.use(idempotent({ … }))` ends a chain, `Context` and `Input` are those of the chain.
 * What is absent comes from the options of `createIdempotencyMiddleware`, and then from those of `createIdempotency`.
 */
export type ProcedurePolicy<Context = unknown, Meta = object, Input = unknown> = TRPCPolicy<
  Context,
  Meta,
  Input
> &
  CallDecisions<Context, Meta, Input> &
  PolicyDecision<Context, Meta, Input>;

/** The function by which one procedure decides its policy by request. */
export interface PolicyDecision<Context, Meta, Input> {
  /**
   * Decides by request some options of the policy: those of `RequestPolicy`. Its word goes before what stands beside it. It is asked for
   * mutations with a key, before anything is claimed, and may be async.
   * @default none
   * @example
   * policy: ({ ctx }) => ({ retentionMs: ctx.tenant.keptMs })
   */
  policy?: ByRequest<TRPCKeyedCall<Context, Meta, Input>>;
}

/** Options of {@link createIdempotencyMiddleware}. */
export interface IdempotencyMiddlewareOptions<Context, Meta> extends CallDecisions<Context, Meta, unknown> {
  /**
   * What `createIdempotency` returned. A function gives the one of a call, for a store for each tenant; it is asked for mutations with a key,
   * and for those that lack one they need.
   * @example
   * idempotency: ({ ctx }) => ctx.tenant.idempotency
   */
  idempotency: IdempotencyOf<TRPCCall<Context, Meta>>;
  /**
   * Says whose keys they are: two callers with the same key meet only in the same scope. It is asked for keyed mutations only. Null,
   * undefined or '' is nobody, which a keyed mutation may not be (IDEMPOTENCY_SCOPE_MISSING).
   * @example
   * scope: ({ ctx }) => ctx.user?.id
   */
  scope: (call: TRPCCall<Context, Meta>) => OrPromise<MaybeText>;
  /**
   * The header that clients send their key in. That of a batch has an `s` after it: `Idempotency-Keys: ["a",null,"b"]`, a JSON array
   * by the index of the call, null for a call without a key. Let `createContext` return the request as `req` or tRPC's
   * `info`, and an array of another length is refused before anything runs; from headers alone the number of calls is
   * not known. A request takes one of the two headers.
   * @default 'Idempotency-Key'
   */
  headerName?: string;
  /**
   * The policy of procedures that do not say otherwise. A function decides it by request, for the options of `RequestPolicy`.
   * @default that of `createIdempotency`
   * @example
   * policy: { retentionMs: 7 * 24 * 3600_000, classify: (end) => (end.outcome === 'error' ? { release: end.error.code } : 'store') }
   */
  policy?: TRPCPolicy<Context, Meta> | ByRequest<TRPCKeyedCall<Context, Meta>>;
}

const DECISION_CHECKS: Readonly<Record<keyof CallDecisions<never, never, never>, Check>> = {
  enabled: aSwitch,
  scope: aFunction,
  key: anyOf(aFunction, aNull),
  require: aSwitch,
  authorizeReplay: anyOf(aFunction, aNull),
};

const CHECKS: Readonly<Record<keyof IdempotencyMiddlewareOptions<never, never>, Check>> = {
  ...DECISION_CHECKS,
  idempotency: anIdempotencyOf,
  scope: required(aFunction, '({ ctx }) => ctx.user?.id'),
  headerName: aHeaderName,
  policy: anyOf(anObject, aFunction),
};

const FACTORY = 'createIdempotencyMiddleware';

/** @throws TypeError naming the option, what was expected and what came */
export function checkMiddlewareOptions(options: unknown): void {
  checkOptions<IdempotencyMiddlewareOptions<never, never>>(options, CHECKS, {
    of: FACTORY,
    elsewhere: policyOptionsOf(
      'createIdempotency(...), of `policy` here, or of one procedure: `idempotent({ … })`',
    ),
  });
  const { idempotency, policy } = options as IdempotencyMiddlewareOptions<never, never>;
  if (policy && typeof policy !== 'function') {
    const origin: Origin = { of: FACTORY, at: 'policy', elsewhere: DECISIONS_ELSEWHERE };
    policyFor(idempotency, engineTerms(policy), origin);
  }
}

const DECISIONS_ELSEWHERE = optionsOf(`${FACTORY}(...), beside \`policy\``, Object.keys(CHECKS));
const ORIGIN: Origin = {
  of: 'idempotent',
  elsewhere: optionsOf(`${FACTORY}(...), for all procedures`, ['idempotency', 'headerName']),
};

/** The decisions about the calls of one procedure, and its policy. */
export interface ProcedureRules extends Required<Omit<CallDecisions<unknown, object, unknown>, 'enabled'>> {
  readonly protection: Protection<TRPCCall>;
  readonly policy: OperationPolicy;
  /** The functions that decide some of it by request. */
  readonly policies: PolicyFunctions<TRPCKeyedCall>;
}

/**
 * Puts the options of one procedure over those of all.
 * @throws TypeError naming the option, what was expected and what came
 */
export function resolveProcedure(
  ofAll: IdempotencyMiddlewareOptions<unknown, object>,
  options: ProcedurePolicy,
): ProcedureRules {
  checkOptions<ProcedurePolicy>(options, { ...POLICY_CHECKS, ...DECISION_CHECKS, policy: aFunction }, ORIGIN);
  const { enabled, scope, key, require, authorizeReplay, policy: decide, ...own } = options;
  const { idempotency, policy: base } = ofAll;
  const [decideAll, fixed] = typeof base === 'function' ? [base, {}] : [undefined, base ?? {}];
  return {
    protection: new Protection({ idempotency, enabled: enabled ?? ofAll.enabled }),
    scope: scope ?? ofAll.scope,
    key: (key === undefined ? ofAll.key : key) ?? null,
    require: require ?? ofAll.require ?? false,
    authorizeReplay: (authorizeReplay === undefined ? ofAll.authorizeReplay : authorizeReplay) ?? null,
    policy: layered(idempotency, fixed, own),
    policies: {
      ofAll: decideAll && { decide: decideAll, origin: { of: FACTORY } },
      ofOne: decide && { decide, origin: ORIGIN },
      own: engineTerms(own),
    },
  };
}

/** Puts the policy of one procedure over that of all. */
function layered(idempotency: IdempotencyOf<never>, ofAll: TRPCPolicy, own: TRPCPolicy) {
  policyFor(idempotency, engineTerms(own), ORIGIN); // what contradicts itself in one place is an error
  return policyFor(idempotency, engineTerms(overlaid(ofAll, own)), ORIGIN);
}

/** Lets the engine ask functions that take a finished run in tRPC's own terms. */
function engineTerms(policy: Policy<never, unknown, TRPCFinished>): Policy<never, never> {
  const { classify, retentionMs, ...rest } = policy;
  return {
    ...rest,
    ...(classify !== undefined && { classify: inTerms(classify) }),
    ...(retentionMs !== undefined && { retentionMs: inTerms(retentionMs) }),
  };
}

/** What is no function is left as it is, for the check of the options. */
function inTerms<Said>(ask: (end: TRPCFinished) => Said): (finished: Finished) => Said;
function inTerms<Said>(ask: number | ((end: TRPCFinished) => Said)): number | ((finished: Finished) => Said);
function inTerms(ask: unknown): unknown {
  if (typeof ask !== 'function') return ask;
  return ({ outcome, result, started }: Finished) =>
    ask(
      outcome === 'success'
        ? { outcome, started, result, data: result }
        : { outcome, started, result, error: result as TRPCError },
    );
}
