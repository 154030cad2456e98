import type { ExecutionResult, GraphQLError } from 'graphql';
import type { KeyedCall } from '../../../server/call.ts';
import { checkKeyFormat } from '../../../server/engine/key.ts';
import { fingerprintsOf } from '../../../server/fingerprints.ts';
import type { FileContents } from '../document/file-contents.ts';
import type { Mask } from '../host/error-codec.ts';
import type { Result } from '../host/plugin.ts';
import { type CallParts, fieldCall, operationCall } from './call-object.ts';
import { comparisonOf } from './comparison.ts';
import type { FieldPolicies } from './field-policies.ts';
import type { GraphQLCall, KeyOfCall } from './graphql-call.ts';
import { type AuthorizeReplay, authorization } from './replay.ts';
import { resultCodec } from './result-codec.ts';

/** A `KeyedMutation` is the part of a keyed call that is known before it is executed. */
export type KeyedMutation = Omit<KeyedCall<Result>, 'handler'>;

/** The keyed mutations of one operation have one caller, with one context and set of policies. */
export interface Caller<Context> {
  readonly contents: FileContents | undefined;
  readonly policies: FieldPolicies;
  readonly mask: Mask | undefined;
  readonly authorizeReplay: AuthorizeReplay<GraphQLCall<Context> & KeyOfCall> | undefined;
}

/**
 * @param failure what a `resolve` function's `fail` stands for
 * @throws IdempotencyError IDEMPOTENCY_KEY_INVALID, reason `unfingerprintable`, `conflicting_policies` or `format`
 * @throws what a developer's `fingerprint` function throws
 */
export async function keyedMutation<Context>(
  parts: CallParts<Context>,
  known: KeyOfCall,
  { contents, policies, mask, authorizeReplay }: Caller<Context>,
  failure?: (error: GraphQLError) => ExecutionResult,
): Promise<KeyedMutation> {
  const { mutation } = parts;
  const policy = policies.of(mutation.fields);
  checkKeyFormat(known.key, policy.keyFormat); // before another field of the operation runs
  const authorize = authorization(policies, authorizeReplay, parts, known);
  return {
    ...known,
    operation: mutation.operation,
    policy,
    selections: mutation.selections(contents),
    ...(await fingerprintsOf({ ...comparisonOf(parts, policies, known), contents })),
    codec: resultCodec(mutation, mask, failure),
    seen: () => callInDoubt(parts, policies, known),
    capture: (isHidden) => mutation.captured(isHidden),
    ...(authorize && { authorizeReplay: authorize }),
  };
}

/** Makes what a `resolve` function is shown of the call: it is of one field, the one whose policy has it, or else the first. */
function callInDoubt<Context>(parts: CallParts<Context>, policies: FieldPolicies, known: KeyOfCall): object {
  const { calls } = parts.mutation;
  const asked = calls.find(({ field }) => policies.hasOwn(field, 'resolve')) ?? calls[0];
  return asked ? fieldCall(parts, asked, known) : operationCall(parts, calls, known);
}
