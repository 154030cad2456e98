import type { ExecutionResult } from 'graphql';
import { checkOptions, type Origin, optionsOf } from '../../../server/engine/check-options.ts';
import type { MaybePromise } from '../../../server/engine/maybe-promise.ts';
import { aFunction, aNull, anyOf, aSwitch, type Check } from '../../../server/engine/option-checks.ts';
import type { ByRequest, ExclusivePolicy } from '../../../server/engine/policy.ts';
import { POLICY_CHECKS } from '../../../server/engine/resolve-policy.ts';
import type {
  AnyMutations,
  AuthorizeReplay,
  GraphQLFieldCall,
  KeyOfCall,
  MutationData,
  MutationName,
} from './graphql-call.ts';

export type MaybeText = string | null | undefined;

/** What a client may have selected of a value: everything may be absent. */
type Selected<Value> = Value extends readonly (infer Item)[]
  ? readonly Selected<Item>[]
  : Value extends Date
    ? unknown
    : Value extends object
      ? { readonly [Key in keyof Value]?: Selected<Value[Key]> }
      : Value;

/** The result of an operation with this field, as `classify` sees it. Under an alias, the field is not where its name is. */
export type GraphQLFieldResult<Mutations, Name extends MutationName<Mutations>> = ExecutionResult<{
  readonly [Field in Name]?: Selected<MutationData<Mutations, Field>> | null;
}>;

/** The policy of one mutation: what is absent is as for all of them. */
export type GraphQLFieldPolicy<
  Context,
  Mutations = AnyMutations,
  Name extends MutationName<Mutations> = MutationName<Mutations>,
> = ExclusivePolicy<
  GraphQLFieldCall<Context, Mutations, Name> & KeyOfCall,
  GraphQLFieldResult<Mutations, Name>
> &
  GraphQLFieldFunctions<Context, Mutations, Name>;

/** The functions of one mutation that are no part of a policy. */
export interface GraphQLFieldFunctions<
  Context,
  Mutations = AnyMutations,
  Name extends MutationName<Mutations> = MutationName<Mutations>,
> {
  /**
   * Says whose key it is, instead of the adapter's `scope`. Fields that share a key have to have the same scope, else the operation is
   * IDEMPOTENCY_KEY_INVALID, reason `conflicting_policies`.
   * @default the adapter's
   * @example
   * scope: ({ args }) => args.shopId
   */
  scope?: (call: GraphQLFieldCall<Context, Mutations, Name>) => MaybePromise<MaybeText>;
  /**
   * Gives the key of this field; what it returns is final, and nothing is no key. `clientKey` is that of `@idempotent`, else that of the
   * operation. In an operation of several fields, one that has a key by this function is run by itself, as if it carried `@idempotent`.
   * Null is the client's key, whatever the adapter's `key` gives.
   * @default the key of the operation, or of `@idempotent`
   * @example
   * key: ({ clientKey, args }) => clientKey ?? args.orderNumber
   */
  key?: ((call: GraphQLFieldCall<Context, Mutations, Name>) => MaybePromise<MaybeText>) | null;
  /**
   * Says whether this mutation is refused without a key. The schema's `@requiresIdempotencyKey` counts in addition.
   * @default the adapter's
   * @example
   * require: ({ args }) => args.amount > 0
   */
  require?: boolean | ((call: GraphQLFieldCall<Context, Mutations, Name>) => MaybePromise<boolean>);
  /**
   * Decides about the stored answer of this field, instead of the adapter's `authorizeReplay`. Where several fields share a key, each has to
   * be allowed. Null asks nobody about this field.
   * @default the adapter's
   * @example
   * authorizeReplay: ({ context, args }) => context.user.mayPayFor(args.invoiceId)
   */
  authorizeReplay?: AuthorizeReplay<GraphQLFieldCall<Context, Mutations, Name> & KeyOfCall> | null;
  /**
   * Decides by request some options of the policy: those of `RequestPolicy`. Its word goes before what stands beside it. It is asked for
   * mutations with a key, before anything is claimed, and may be async. Fields that share a key have to agree, as they have where their
   * policies are fixed.
   * @default none
   * @example
   * policy: ({ context }) => ({ retentionMs: context.tenant.keptMs })
   */
  policy?: ByRequest<GraphQLFieldCall<Context, Mutations, Name> & KeyOfCall>;
}

const FIELD_CHECKS: Readonly<Record<keyof GraphQLFieldFunctions<never> | keyof typeof POLICY_CHECKS, Check>> =
  {
    ...POLICY_CHECKS,
    scope: aFunction,
    key: anyOf(aFunction, aNull),
    require: aSwitch,
    authorizeReplay: anyOf(aFunction, aNull),
    policy: aFunction,
  };

const ITSELF = 'useIdempotency(...) itself';
const ELSEWHERE = optionsOf(ITSELF, ['idempotency', 'enabled', 'request', 'headerName', 'fields']);

/** Names the place of the policy of all mutations. */
export const POLICY_ORIGIN: Origin = {
  of: 'useIdempotency',
  at: 'policy',
  elsewhere: { ...ELSEWHERE, ...optionsOf(ITSELF, ['scope', 'key', 'require', 'authorizeReplay']) },
};

/** Names the place of the policies of these fields. */
export const fieldsOrigin = (names: readonly string[]): Origin => ({
  of: 'useIdempotency',
  at: names.map((name) => `fields.${name}`).join(' + '),
  elsewhere: ELSEWHERE,
});

/** @throws TypeError naming the option, what was expected and what came */
export function checkFieldPolicy(name: string, policy: unknown): void {
  checkOptions<GraphQLFieldPolicy<never>>(policy, FIELD_CHECKS, fieldsOrigin([name]));
}
