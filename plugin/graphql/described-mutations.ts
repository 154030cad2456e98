import { type DescribedOperation, keyNeedOf } from '../../server/engine/described-operation.ts';
import { resolvePolicy } from '../../server/engine/resolve-policy.ts';
import { FieldPolicies } from './call/field-policies.ts';
import { checkPluginOptions, type Options } from './options.ts';
import type { DeclaredMutation } from './schema/declared-mutations.ts';

/**
 * Describes the mutations of a schema, by the options of `useIdempotency`. Without options they have the defaults of `createIdempotency`.
 * @throws TypeError for options that `useIdempotency` would not take, and for a field that is no mutation
 */
export function describedMutations(
  mutations: readonly DeclaredMutation[],
  given: unknown,
): DescribedOperation[] {
  if (given === undefined) {
    const policy = resolvePolicy({});
    return mutations.map(({ name, requiresKey }) => ({ name, key: keyNeedOf(requiresKey), policy }));
  }
  checkPluginOptions(given);
  const { idempotency, require, fields = {}, policy } = given as Options<never>;
  const policies = new FieldPolicies(
    typeof idempotency === 'function' ? undefined : idempotency,
    fields,
    policy as never,
  );
  checkNames(Object.keys(fields), mutations);
  return mutations.map(({ name, requiresKey }) => ({
    name,
    key: keyNeedOf(requiresKey || (policies.functions(name).require ?? require)),
    policy: policies.of([name]),
    byRequest: policies.isByRequest(name),
  }));
}

function checkNames(fields: readonly string[], mutations: readonly DeclaredMutation[]): void {
  const names = mutations.map(({ name }) => name);
  const unknown = fields.find((field) => !names.includes(field));
  if (unknown === undefined) return;
  throw new TypeError(
    `Expected \`fields.${unknown}\` to name a mutation of the schema, which has ${names.join(', ')}`,
  );
}
