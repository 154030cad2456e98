import type { TRPCMiddlewareBuilder, TRPCMiddlewareFunction } from '@trpc/server';
import { checkOptions, type Origin, optionsOf } from '../../server/engine/check-options.ts';
import type { FingerprintSource } from '../../server/engine/fingerprint-policy.ts';
import {
  aBoolean,
  aFunction,
  aHeaderName,
  anIdempotency,
  type Check,
  required,
} from '../../server/engine/option-checks.ts';
import {
  type ExclusivePolicy,
  POLICY_CHECKS,
  policyOptionsOf,
  type ResolvedPolicy,
} from '../../server/engine/policy.ts';
import type { Idempotency } from '../../server/idempotency.ts';
import type { Config } from './trpc.ts';

/** `Root` is what `initTRPC.create()` returns. */
export interface Root<Context extends object, Meta extends object> {
  readonly _config: Config & { readonly $types: { readonly ctx: Context; readonly meta: Meta } };
  readonly procedure: object;
  readonly middleware: <Overrides>(
    middleware: TRPCMiddlewareFunction<Context, Meta, object, Overrides, unknown>,
  ) => TRPCMiddlewareBuilder<Context, Meta, Overrides, unknown>;
}

/** A `Call` is what is known of a call when its key and its scope are asked for. */
export interface Call<Context, Meta> {
  /** The context of the root, with what earlier middlewares made of it. */
  readonly ctx: Context;
  readonly path: string;
  /** The input, as the validators that came before left it. */
  readonly input: unknown;
  readonly meta: Meta | undefined;
  readonly batchIndex: number;
  getRawInput(): Promise<unknown>;
}

type MaybeText = string | null | undefined;

export interface IdempotencyMiddlewareOptions<Context, Meta> {
  idempotency: Idempotency;
  /** Whose keys they are: a user's, a tenant's. Null for nobody, which a keyed mutation may not be (IDEMPOTENCY_SCOPE_MISSING). */
  scope: (call: Call<Context, Meta>) => MaybeText | Promise<MaybeText>;
  /**
   * Gives a key from elsewhere: for server-side callers (`({ ctx }) => ctx.idempotencyKey`), for WebSockets, or for a context
   * without headers. Where it returns none, the request's header counts.
   */
  key?: (call: Call<Context, Meta>) => MaybeText | Promise<MaybeText>;
  /**
   * Default `Idempotency-Key`. The header of a batch has an `s` after it: `Idempotency-Keys: ["a",null,"b"]`, a JSON array
   * by the index of the call, null for a call without a key. Let `createContext` return the request as `req` or tRPC's
   * `info`, and an array of another length is refused before anything runs; from headers alone the number of calls is
   * not known. A request takes one of the two headers.
   */
  headerName?: string;
  /** True refuses a mutation without a key (IDEMPOTENCY_KEY_MISSING). Default false. */
  require?: boolean;
  /**
   * Decides whether a caller may get an answer that another run of the key has made (a stored one, one that was waited for, what a
   * `resolve` function gives). It is never asked before a run. Use it for permissions that are checked after `idempotent()`: in later
   * middlewares, or in the resolver.
   *
   * True lets the answer through; false is IDEMPOTENCY_REPLAY_FORBIDDEN (tRPC's FORBIDDEN); what it throws is given instead. The record
   * stays as it is.
   */
  authorizeReplay?: (replay: Replay<Context, Meta>) => boolean | Promise<boolean>;
}

/** `authorizeReplay` is shown this: the call that is about to get a stored answer, and whose key it is. */
export interface Replay<Context, Meta> extends Call<Context, Meta> {
  readonly scope: string;
  readonly key: string;
}

/** `Context` is that of a `fingerprint` function. */
export type ProcedurePolicy<Context = unknown> = ExclusivePolicy<FingerprintSource<Context>> & {
  /** Takes precedence over the option of the same name. */
  require?: boolean;
};

const CHECKS: Readonly<Record<keyof IdempotencyMiddlewareOptions<never, never>, Check>> = {
  idempotency: anIdempotency,
  scope: required(aFunction, '({ ctx }) => ctx.user?.id'),
  key: aFunction,
  headerName: aHeaderName,
  require: aBoolean,
  authorizeReplay: aFunction,
};

/** @throws TypeError naming the option, what was expected and what came */
export function checkMiddlewareOptions(options: unknown): void {
  checkOptions<IdempotencyMiddlewareOptions<never, never>>(options, CHECKS, {
    of: 'createIdempotencyMiddleware',
    elsewhere: policyOptionsOf('createIdempotency(...), or of one procedure: `idempotent({ … })`'),
  });
}

const { require: _, ...OF_ALL_PROCEDURES } = CHECKS;
const ORIGIN: Origin = {
  of: 'idempotent',
  elsewhere: optionsOf(
    'createIdempotencyMiddleware(...), for all procedures',
    Object.keys(OF_ALL_PROCEDURES),
  ),
};

/** @throws TypeError naming the option, what was expected and what came */
export function resolveProcedurePolicy(
  {
    idempotency,
    require: ofAll = false,
  }: Pick<IdempotencyMiddlewareOptions<never, never>, 'idempotency' | 'require'>,
  options: ProcedurePolicy<never>,
): { require: boolean; policy: ResolvedPolicy } {
  checkOptions<ProcedurePolicy<never>>(options, { ...POLICY_CHECKS, require: aBoolean }, ORIGIN);
  const { require = ofAll, ...policy } = options;
  return { require, policy: idempotency.policy(policy, ORIGIN) };
}
