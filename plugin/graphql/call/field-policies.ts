import type { GraphQLField, GraphQLSchema } from 'graphql';
import { internalsOf } from '../../../server/adapter/internals.ts';
import type { Origin } from '../../../server/engine/check-options.ts';
import type { ResolvedFingerprint } from '../../../server/engine/fingerprint-policy.ts';
import type { MaybePromise } from '../../../server/engine/maybe-promise.ts';
import { pathOf } from '../../../server/engine/paths.ts';
import type { ByRequest, Policy, ResolvedPolicy } from '../../../server/engine/policy.ts';
import { askPolicy } from '../../../server/engine/request-policy.ts';
import type { Resolver } from '../../../server/engine/resolution.ts';
import { checkPolicy, overlaid } from '../../../server/engine/resolve-policy.ts';
import type { Idempotency } from '../../../server/idempotency.ts';
import { leadsSomewhere } from '../document/schema-path.ts';
import { unprotectable } from '../host/errors.ts';
import { type CallParts, fieldCall, operationCall } from './call-object.ts';
import {
  checkFieldPolicy,
  fieldsOrigin,
  type GraphQLFieldFunctions,
  type GraphQLFieldPolicy,
  POLICY_ORIGIN,
} from './field-policy.ts';
import type { KeyOfCall } from './graphql-call.ts';

/** The functions of a field that are no part of a policy: each field keeps its own. */
export type FieldFunctions = GraphQLFieldFunctions<never>;

type Policies = Readonly<Record<string, GraphQLFieldPolicy<never> | undefined>>;
type AnyPolicy = Policy<never, never>;
type Decide = ByRequest<object>;

/** `FieldPolicies` holds the policies of root fields, checked at construction. */
export class FieldPolicies {
  readonly #fillIn: (policy: AnyPolicy, origin: Origin) => ResolvedPolicy;
  readonly #default: ResolvedPolicy;
  /** The policy of all mutations, which that of a field goes over. */
  readonly #ofAll: AnyPolicy;
  /** The function that decides it by request. */
  readonly #decideOfAll: Decide | undefined;
  readonly #overrides: ReadonlyMap<string, AnyPolicy>;
  readonly #functions: ReadonlyMap<string, FieldFunctions>;
  readonly #resolved: ReadonlyMap<string, ResolvedPolicy>;

  /**
   * @param idempotency whose defaults fill the policies in; undefined where each call has its own, and only the rest is asked for
   * @throws TypeError naming the option: `fields.chargeCard.leaseMs`
   */
  constructor(idempotency: Idempotency | undefined, fields: Policies, ofAll: AnyPolicy | Decide = {}) {
    this.#fillIn = idempotency ? internalsOf(idempotency).policy : checkPolicy;
    [this.#ofAll, this.#decideOfAll] = typeof ofAll === 'function' ? [{}, ofAll] : [ofAll, undefined];
    this.#default = this.#fillIn(this.#ofAll, POLICY_ORIGIN);
    const split = Object.entries(fields).flatMap(([name, policy]) => {
      if (policy === undefined) return [];
      checkFieldPolicy(name, policy);
      const { scope, key, require, authorizeReplay, policy: decide, ...rest } = policy;
      const functions = { scope, key, require, authorizeReplay, policy: decide } as FieldFunctions;
      return [{ name, functions, rest }];
    });
    this.#functions = new Map(split.map(({ name, functions }) => [name, functions]));
    this.#overrides = new Map(split.map(({ name, rest }) => [name, rest]));
    this.#resolved = new Map(split.map(({ name, rest }) => [name, this.#resolve(rest, [name])]));
  }

  #resolve(policy: AnyPolicy, names: readonly string[]): ResolvedPolicy {
    return this.#fillIn(overlaid(this.#ofAll, policy), fieldsOrigin(names));
  }

  /** Gives the functions of a field; each is undefined where it has none of its own. */
  functions(field: string): FieldFunctions {
    return this.#functions.get(field) ?? {};
  }

  /**
   * @param requiring the mutations that need a key by the schema
   * @throws TypeError for what the schema does not have, such as a name that was misspelt: a mutation, a path to exclude;
   * and for a `require` that contradicts it
   */
  check(schema: GraphQLSchema, requiring: ReadonlySet<string> = new Set()): void {
    const mutations = schema.getMutationType()?.getFields() ?? {};
    for (const name of this.#overrides.keys()) {
      const mutation = Object.hasOwn(mutations, name) ? mutations[name] : undefined;
      if (mutation) this.#checkMutation(mutation, requiring);
      else {
        const known = Object.keys(mutations).join(', ') || 'none';
        throw new TypeError(
          `Expected \`fields.${name}\` to name a mutation of the schema, which has ${known}`,
        );
      }
    }
  }

  #checkMutation(mutation: GraphQLField<unknown, unknown>, requiring: ReadonlySet<string>): void {
    this.#checkPaths(mutation);
    const { name } = mutation;
    if (this.functions(name).require !== false || !requiring.has(name)) return;
    throw new TypeError(
      `Expected \`fields.${name}.require\` not to be false, for the schema has @requiresIdempotencyKey on ${name}; leave one of them out`,
    );
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
    return this.#resolve(
      merged(named.map((field) => ({ field, policy: this.#overrides.get(field) ?? {} }))),
      named,
    );
  }

  /**
   * Gives the policy of a call: that of its operation, with what `policy` functions decide by request. Several fields share one record, so
   * what is decided for them is merged, too.
   * @throws IdempotencyError IDEMPOTENCY_KEY_INVALID, reason `conflicting_policies`
   * @throws TypeError for an option that may not be decided by request
   */
  ofCall<Context>(parts: CallParts<Context>, known: KeyOfCall): MaybePromise<ResolvedPolicy> {
    const { calls, fields } = parts.mutation;
    const isAsked = calls.some(({ field }) => this.isByRequest(field));
    return isAsked ? this.#decided(parts, known) : this.of(fields);
  }

  async #decided<Context>(parts: CallParts<Context>, known: KeyOfCall): Promise<ResolvedPolicy> {
    const { calls, fields } = parts.mutation;
    const decided = await decidedBy(this.#decideOfAll, { of: POLICY_ORIGIN.of }, () =>
      operationCall(parts, undefined, known),
    );
    const layers: Layer[] = [];
    for (const call of calls) {
      const { field } = call;
      const ofCall = await decidedBy(
        this.functions(field).policy as Decide | undefined,
        fieldsOrigin([field]),
        () => fieldCall(parts, call, known),
      );
      layers.push({ field, policy: overlaid(this.#overrides.get(field) ?? {}, ofCall) });
    }
    const ofAll = overlaid(this.#ofAll, decided);
    return this.#fillIn(overlaid(ofAll, merged(layers)), fieldsOrigin(fields));
  }

  /** Tells whether a function decides some of the policy of a field. */
  isByRequest(field: string): boolean {
    return (this.#decideOfAll ?? this.functions(field).policy) !== undefined;
  }

  /** Gives the `resolve` function of all mutations. */
  get resolverOfAll(): Resolver | null {
    return this.#default.resolve;
  }

  /** Gives the `resolve` function of a field itself; null where it says that nobody is asked, undefined where it says nothing. */
  resolver(field: string): Resolver | null | undefined {
    return this.#overrides.get(field)?.resolve as Resolver | null | undefined;
  }

  /** Gives the policy by which the arguments of one field are compared, whatever other fields share its key. */
  fingerprint(field: string): ResolvedFingerprint {
    return (this.#resolved.get(field) ?? this.#default).fingerprint;
  }
}

/** A field with its policy. */
interface Layer {
  readonly field: string;
  readonly policy: AnyPolicy;
}

/** @throws IdempotencyError where two give the same option different values */
function merged(layers: readonly Layer[]): AnyPolicy {
  const options = new Map<string, { field: string; value: unknown }>();
  for (const { field, policy } of layers) {
    for (const [option, value] of Object.entries(policy)) {
      if (value === undefined || option === 'fingerprint' || option === 'resolve') continue; // each field keeps its own
      const other = options.get(option);
      if (other && other.value !== value) {
        throw unprotectable(
          'conflicting_policies',
          `${other.field} and ${field} can not share an idempotency key, for their policies differ in ${option}; send two operations`,
        );
      }
      options.set(option, { field, value });
    }
  }
  return overlaid(Object.fromEntries([...options].map(([option, { value }]) => [option, value])), {});
}

async function decidedBy<Call>(
  decide: ByRequest<Call> | undefined,
  origin: Origin,
  call: () => Call,
): Promise<AnyPolicy> {
  return decide ? await askPolicy({ decide, origin }, call()) : {};
}
