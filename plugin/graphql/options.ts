import type { ExecutionResult } from 'graphql';
import { anIdempotencyOf, type IdempotencyOf } from '../../server/adapter/idempotency-of.ts';
import type { EnabledBy } from '../../server/adapter/protection.ts';
import { checkOptions } from '../../server/engine/check-options.ts';
import type { MaybePromise } from '../../server/engine/maybe-promise.ts';
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
import type { ByRequest, Exclusions, Policy } from '../../server/engine/policy.ts';
import type { Resolver } from '../../server/engine/resolution.ts';
import { policyOptionsOf } from '../../server/engine/resolve-policy.ts';
import type { GraphQLFieldPolicy, MaybeText } from './call/field-policy.ts';
import type {
  AnyMutations,
  AuthorizeReplay,
  GraphQLCall,
  GraphQLFieldCall,
  KeyOfCall,
  MutationName,
} from './call/graphql-call.ts';
import type { FindRequest } from './host/client-request.ts';

/** Policies by the name of the root field: any names, or those of a map of the mutations. */
export type GraphQLFieldPolicies<Context, Mutations> =
  string extends MutationName<Mutations>
    ? { readonly [name: string]: GraphQLFieldPolicy<Context, Mutations> }
    : { readonly [Name in MutationName<Mutations>]?: GraphQLFieldPolicy<Context, Mutations, Name> };

/**
 * The policy of all mutations. `fingerprint` is asked about each field. `resolve` is asked about the operation: its `data` is an object by
 * field, `{ chargeCard: { id: 'ch_1' } }`.
 */
export type GraphQLPolicy<Context, Mutations = AnyMutations> = Omit<
  Policy<GraphQLFieldCall<Context, Mutations> & KeyOfCall, ExecutionResult>,
  'resolve'
> &
  Exclusions & { resolve?: Resolver<GraphQLCall<Context, Mutations> & KeyOfCall> | null };

/** Options of {@link useIdempotency}. Each function is shown one object, a {@link GraphQLCall}, and may be async unless it says otherwise. */
export interface UseIdempotencyOptions<Context, Mutations = AnyMutations> {
  /**
   * What `createIdempotency(...)` returned. A function gives the one of a mutation, for a store for each tenant; it is asked for mutations
   * with a key, and for those that lack one they need.
   * @example
   * idempotency: ({ context }) => context.tenant.idempotency
   */
  idempotency: IdempotencyOf<GraphQLCall<Context, Mutations>>;
  /**
   * False lets a mutation pass by, as if it had no key: its key is not looked at, and none is required. It may be a function, for a rollout by
   * tenant, and is asked about each mutation.
   * @default true
   * @example
   * enabled: ({ context }) => context.tenant.isPilot
   */
  enabled?: EnabledBy<GraphQLCall<Context, Mutations>>;
  /**
   * Says whose keys these are: two callers with the same key meet only in the same scope. Asked for keyed mutations only.
   * Nothing (null, undefined, '') refuses the mutation with IDEMPOTENCY_SCOPE_MISSING; `'global'` must be written out.
   * @example
   * scope: ({ context }) => context.user?.id
   */
  scope: (call: GraphQLCall<Context, Mutations>) => MaybePromise<MaybeText>;
  /**
   * Gives the key of an operation; what it returns is final, and nothing is no key. It is not asked where fields have keys by `@idempotent`.
   * @default the key that the client sent
   * @example
   * key: ({ clientKey, context }) => clientKey ?? context.jobId
   */
  key?: ((call: GraphQLCall<Context, Mutations>) => MaybePromise<MaybeText>) | null;
  /**
   * Says where the headers and the extensions of one operation stand on the context. It can not be async.
   * @default in Yoga, where Yoga has them; in plain Envelop the headers of `context.request` or `context.req`, and `context.params.extensions`
   * @example
   * request: ({ context }) => ({ headers: context.raw.headers, extensions: context.body.extensions })
   */
  request?: FindRequest<Context>;
  /**
   * The header of the key, in any case.
   * @default 'idempotency-key'
   */
  headerName?: string;
  /**
   * Refuses a mutation for which it is true, with IDEMPOTENCY_KEY_MISSING, when it has no key. `fields` of the call are those that have
   * neither a key nor a `require` of their own.
   * @default false
   * @example
   * require: ({ context }) => context.appVersion >= 4
   */
  require?: boolean | ((call: GraphQLCall<Context, Mutations>) => MaybePromise<boolean>);
  /**
   * The policy of all mutations; what it leaves out is as `createIdempotency` has it. A function decides it by request, for the options of
   * `RequestPolicy`.
   * @default that of createIdempotency
   * @example
   * policy: { retain: 'outcome', fingerprint: ({ args }) => args.orderNumber }
   */
  policy?: GraphQLPolicy<Context, Mutations> | ByRequest<GraphQLCall<Context, Mutations> & KeyOfCall>;
  /**
   * Policies by the name of the root field. A keyed operation of several fields is one run: it gets the policies of all
   * of them, and is refused with IDEMPOTENCY_KEY_INVALID when two give the same option different values; `fingerprint`, `require` and
   * `authorizeReplay` are each field's own.
   *
   * A field's own `resolve` function is shown its `args`, and gives its value. In an operation of several fields under one key it is asked
   * where each of them has one, and they have to agree.
   * @default each mutation has the policy of all
   * @example
   * fields: { chargeCard: { require: true, retentionMs: 7 * 86_400_000 }, setTheme: { require: false } }
   */
  fields?: GraphQLFieldPolicies<Context, Mutations>;
  /**
   * Decides whether a caller may get an answer that another run of the key has made (a stored one, one that was waited for, what a
   * `resolve` function gives). It is never asked before a run; where fields have keys, it is asked for each. Use it for
   * permissions that are checked where a replay does not come by: in resolvers, and in plugins listed before this one that wrap the execution.
   *
   * True lets the answer through; false is IDEMPOTENCY_REPLAY_FORBIDDEN (403); a GraphQLError that it throws is given instead. The record
   * stays as it is.
   * @default everybody of the scope may
   * @example
   * authorizeReplay: ({ context, fields }) => fields.every(({ name }) => context.user.may(name))
   */
  authorizeReplay?: AuthorizeReplay<GraphQLCall<Context, Mutations> & KeyOfCall> | null;
}

/** The options as the plugin reads them: of any context, and any mutations. */
export type Options<Context> = Omit<UseIdempotencyOptions<Context>, 'fields'> & {
  readonly fields?: Readonly<Record<string, GraphQLFieldPolicy<Context> | undefined>>;
};

const CHECKS: Readonly<Record<keyof UseIdempotencyOptions<never>, Check>> = {
  idempotency: anIdempotencyOf,
  enabled: aSwitch,
  scope: required(aFunction, '({ context }) => context.user?.id'),
  key: anyOf(aFunction, aNull),
  request: aFunction,
  headerName: aHeaderName,
  require: aSwitch,
  policy: anyOf(anObject, aFunction),
  fields: anObject,
  authorizeReplay: anyOf(aFunction, aNull),
};

/** @throws TypeError naming the option, what was expected and what came */
export function checkPluginOptions(options: unknown): void {
  checkOptions<UseIdempotencyOptions<never>>(options, CHECKS, {
    of: 'useIdempotency',
    elsewhere: policyOptionsOf(
      'createIdempotency(...), or of all mutations: `policy: { … }`, or of one: `fields: { name: { … } }`',
    ),
  });
}
