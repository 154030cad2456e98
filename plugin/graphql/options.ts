import type { ExecutionArgs } from 'graphql';
import { checkOptions } from '../../server/engine/check-options.ts';
import type { FingerprintSource } from '../../server/engine/fingerprint-policy.ts';
import {
  aFunction,
  aHeaderName,
  anIdempotency,
  anObject,
  aSwitch,
  type Check,
  required,
} from '../../server/engine/option-checks.ts';
import { type ExclusivePolicy, policyOptionsOf } from '../../server/engine/policy.ts';
import type { Idempotency } from '../../server/idempotency.ts';
import type { AuthorizeReplay } from './call/replay.ts';
import type { MutationOperation } from './document/operation.ts';

export interface UseIdempotencyOptions<Context> {
  idempotency: Idempotency;
  /**
   * Whose keys these are: two callers with the same key meet only in the same scope. Asked for keyed mutations only.
   * Nothing (null, undefined, '') refuses the mutation with IDEMPOTENCY_SCOPE_MISSING; `'global'` must be written out.
   */
  scope: (context: Context) => string | null | undefined | Promise<string | null | undefined>;
  /** The key of a mutation that came without one, for clients that can not send it. */
  key?: (context: Context, args: ExecutionArgs) => string | null | undefined;
  /** Default `idempotency-key`. */
  headerName?: string;
  /** Mutations for which this is true are refused with IDEMPOTENCY_KEY_MISSING when they have no key. Default: none are. */
  require?: boolean | ((operation: MutationOperation) => boolean);
  /**
   * Policies by the name of the root field. A keyed operation of several fields is one run: it gets the policies of all
   * of them, and is refused with IDEMPOTENCY_KEY_INVALID when two give the same option different values; only `fingerprint` is each
   * field's own.
   *
   * What a `resolve` function gives as `data` is an object by field: `{ chargeCard: { id: 'ch_1' } }`.
   */
  fields?: Readonly<Record<string, ExclusivePolicy<FingerprintSource<Context>>>>;
  /**
   * Decides whether a caller may get an answer that another run of the key has made (a stored one, one that was waited for, what a
   * `resolve` function gives). It is never asked before a run; where fields have keys, it is asked for each. Use it for
   * permissions that are checked where a replay does not come by: in resolvers, and in plugins listed before this one that wrap the execution.
   *
   * True lets the answer through; false is IDEMPOTENCY_REPLAY_FORBIDDEN (403); a GraphQLError that it throws is given instead. The record
   * stays as it is.
   */
  authorizeReplay?: AuthorizeReplay<Context>;
}

const CHECKS: Readonly<Record<keyof UseIdempotencyOptions<never>, Check>> = {
  idempotency: anIdempotency,
  scope: required(aFunction, '(context) => context.user?.id'),
  key: aFunction,
  headerName: aHeaderName,
  require: aSwitch,
  fields: anObject,
  authorizeReplay: aFunction,
};

/** @throws TypeError naming the option, what was expected and what came */
export function checkPluginOptions(options: unknown): void {
  checkOptions<UseIdempotencyOptions<never>>(options, CHECKS, {
    of: 'useIdempotency',
    elsewhere: policyOptionsOf('createIdempotency(...), or of one mutation: `fields: { name: { … } }`'),
  });
}
