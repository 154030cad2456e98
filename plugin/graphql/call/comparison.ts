import type { Comparison } from '../../../server/fingerprints/fingerprints.ts';
import { externalFields } from '../document/external-value.ts';
import { type CallParts, fieldCall } from './call-object.ts';
import type { FieldPolicies } from './field-policies.ts';
import type { KeyOfCall } from './graphql-call.ts';

/**
 * Makes the comparison of a mutation: its root fields in order, each with its arguments by its own policy. Aliases, the
 * operation's name and the names of variables do not count; nor do the schema's own defaults, which a deploy may change.
 */
export function comparisonOf<Context>(
  parts: CallParts<Context>,
  policies: Pick<FieldPolicies, 'fingerprint'>,
  known: KeyOfCall,
): Comparison {
  const { operation, calls, variables } = parts.mutation;
  return {
    operation,
    inputs: calls.map((call) => ({
      place: call.field,
      policy: policies.fingerprint(call.field),
      name: call.field,
      call: () => fieldCall(parts, call, known),
      without: (paths) => externalFields(call.args, variables, paths),
    })),
    whole: (values) => ['mutation', values.map((value, index) => [calls[index]?.field, value])],
  };
}
