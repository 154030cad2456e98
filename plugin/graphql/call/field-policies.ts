import type { GraphQLField, GraphQLSchema } from 'graphql';
import { type Origin, optionsOf } from '../../../server/engine/check-options.ts';
import type { ResolvedFingerprint } from '../../../server/engine/fingerprint-policy.ts';
import { pathOf } from '../../../server/engine/paths.ts';
import type { Policy, ResolvedPolicy } from '../../../server/engine/policy.ts';
import type { Idempotency } from '../../../server/idempotency.ts';
import { leadsSomewhere } from '../document/schema-path.ts';
import { unprotectable } from '../host/errors.ts';

/** `FieldPolicies` holds the policies of root fields, checked at construction. */
export class FieldPolicies {
  readonly #idempotency: Idempotency;
  readonly #default: ResolvedPolicy;
  readonly #overrides: ReadonlyMap<string, Policy<never, never>>;
  readonly #resolved: ReadonlyMap<string, ResolvedPolicy>;

  /** @throws TypeError naming the option: `fields.chargeCard.leaseMs` */
  constructor(idempotency: Idempotency, fields: Readonly<Record<string, Policy<never, never>>>) {
    this.#idempotency = idempotency;
    this.#default = idempotency.policy();
    this.#overrides = new Map(Object.entries(fields));
    this.#resolved = new Map(
      Object.entries(fields).map(([name, policy]) => [name, idempotency.policy(policy, originOf([name]))]),
    );
  }

  /** @throws TypeError for what the schema does not have, such as a name that was misspelt: a mutation, a path to exclude */
  check(schema: GraphQLSchema): void {
    const mutations = schema.getMutationType()?.getFields() ?? {};
    for (const name of this.#overrides.keys()) {
      const mutation = Object.hasOwn(mutations, name) ? mutations[name] : undefined;
      if (mutation) this.#checkPaths(mutation);
      else {
        const known = Object.keys(mutations).join(', ') || 'none';
        throw new TypeError(
          `Expected \`fields.${name}\` to name a mutation of the schema, which has ${known}`,
        );
      }
    }
  }

  /** Checks that the paths of a field's own policy lead into its arguments. Paths of the defaults are for any field, so they need not. */
  #checkPaths(mutation: GraphQLField<unknown, unknown>): void {
    const { name } = mutation;
    if (this.#overrides.get(name)?.fingerprint === undefined) return;
    const lost = this.fingerprint(name).exclude.find((path) => !leadsSomewhere(pathOf(path), mutation));
    if (lost === undefined) return;
    throw new TypeError(
      `Expected \`fields.${name}.fingerprint.exclude\` to hold paths into the arguments of ${name}, got ${JSON.stringify(lost)}, which leads nowhere`,
    );
  }

  /**
   * Gives the policy of an operation, which is that of its field. Several fields share one record, so their policies are merged;
   * two that give the same option different values are refused.
   * @throws IdempotencyError IDEMPOTENCY_KEY_INVALID, reason `conflicting_policies`
   */
  of(fields: readonly string[]): ResolvedPolicy {
    const named = fields.filter((name) => this.#overrides.has(name));
    const [first] = named;
    if (first === undefined) return this.#default;
    if (named.length === 1) return this.#resolved.get(first) as ResolvedPolicy;
    return this.#idempotency.policy(this.#merged(named), originOf(named));
  }

  /** Gives the policy by which the arguments of one field are compared, whatever other fields share its key. */
  fingerprint(field: string): ResolvedFingerprint {
    return (this.#resolved.get(field) ?? this.#default).fingerprint;
  }

  #merged(names: readonly string[]): Policy<never, never> {
    const merged = new Map<string, { name: string; value: unknown }>();
    for (const name of names) {
      for (const [option, value] of Object.entries(this.#overrides.get(name) ?? {})) {
        if (value === undefined || option === 'fingerprint') continue; // each field keeps its own
        const other = merged.get(option);
        if (other && other.value !== value) {
          throw unprotectable(
            'conflicting_policies',
            `${other.name} and ${name} can not share an idempotency key, for their policies differ in ${option}; send two operations`,
          );
        }
        merged.set(option, { name, value });
      }
    }
    return Object.fromEntries([...merged].map(([option, { value }]) => [option, value]));
  }
}

function originOf(fields: readonly string[]): Origin {
  return {
    of: 'useIdempotency',
    at: fields.map((name) => `fields.${name}`).join(' + '),
    elsewhere: optionsOf('useIdempotency(...), for all mutations', [
      'scope',
      'key',
      'require',
      'authorizeReplay',
    ]),
  };
}
