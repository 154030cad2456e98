import type { ExecutionResult, GraphQLError } from 'graphql';
import type { KeyedCall } from '../../../server/call.ts';
import { checkKeyFormat } from '../../../server/engine/key.ts';
import { andThen, type MaybePromise } from '../../../server/engine/maybe-promise.ts';
import { fingerprintsOf } from '../../../server/fingerprints/fingerprints.ts';
import type { FileContents } from '../document/file-contents.ts';
import type { Mask } from '../host/error-codec.ts';
import type { Result } from '../host/plugin.ts';
import { type CallParts, operationCall } from './call-object.ts';
import { comparisonOf } from './comparison.ts';
import type { FieldPolicies } from './field-policies.ts';
import type { AuthorizeReplay, GraphQLCall, KeyOfCall } from './graphql-call.ts';
import { authorization } from './replay.ts';
import { resolverOf } from './resolver.ts';
import { resultCodec } from './result-codec.ts';

/** A `KeyedMutation` is the part of a keyed call that is known before it is executed. */
export type KeyedMutation = Omit<KeyedCall<Result>, 'handler'>;

/** The keyed mutations of one operation have one caller, with one context and set of policies. */
export interface Caller<Context> {
  readonly contents: FileContents | undefined;
  readonly policies: FieldPolicies;
  readonly mask: Mask | undefined;
  readonly authorizeReplay: AuthorizeReplay<GraphQLCall<Context> & KeyOfCall> | null | undefined;
}

/**
 * @param failure what a `resolve` function's `fail` stands for
 * @throws IdempotencyError IDEMPOTENCY_KEY_INVALID, reason `unfingerprintable`, `conflicting_policies` or `format`
 * @throws what a developer's `fingerprint` function throws
 */
export function keyedMutation<Context>(
  parts: CallParts<Context>,
  known: KeyOfCall,
  { contents, policies, mask, authorizeReplay }: Caller<Context>,
  failure?: (error: GraphQLError) => ExecutionResult,
): MaybePromise<KeyedMutation> {
  const { mutation } = parts;
  return andThen(policies.ofCall(parts, known), (policy) => {
    checkKeyFormat(known.key, policy.keyFormat); // before another field of the operation runs
    const comparison = { ...comparisonOf(parts, policies, known), contents };
    return andThen(fingerprintsOf(comparison), (fingerprints) => {
      const authorize = authorization(policies, authorizeReplay, parts, known);
      const resolve = resolverOf(policies, parts);
      return {
        ...fingerprints,
        scope: known.scope,
        key: known.key,
        operation: mutation.operation,
        policy: policy.resolve === resolve ? policy : { ...policy, resolve },
        selections: mutation.selections(contents),
        codec: resultCodec(mutation, mask, failure),
        seen: () => operationCall(parts, undefined, known),
        capture: (isHidden) => mutation.captured(isHidden),
        ...(authorize && { authorizeReplay: authorize }),
      };
    });
  });
}
