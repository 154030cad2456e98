import type { Comparison } from '../../../server/fingerprints.ts';
import { externalFields } from '../document/external-value.ts';
import type { Mutation } from '../document/operation.ts';
import { plainFields } from '../document/plain-value.ts';
import type { FieldPolicies } from './field-policies.ts';

/**
 * Makes the comparison of a mutation: its root fields in order, each with its arguments by its own policy. Aliases, the
 * operation's name and the names of variables do not count; nor do the schema's own defaults, which a deploy may change.
 */
export function comparisonOf(
  { operation, calls, variables }: Mutation,
  policies: Pick<FieldPolicies, 'fingerprint'>,
  context: unknown,
): Comparison {
  return {
    operation,
    inputs: calls.map(({ field, args }) => ({
      place: field,
      policy: policies.fingerprint(field),
      name: field,
      call: () => ({ operation: field, input: plainFields(args, variables), context }),
      without: (paths) => externalFields(args, variables, paths),
    })),
    whole: (values) => ['mutation', values.map((value, index) => [calls[index]?.field, value])],
  };
}
