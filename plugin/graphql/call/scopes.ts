import { checkScope } from '../../../server/engine/key.ts';
import { unprotectable } from '../host/errors.ts';
import { type CallParts, fieldCall, operationCall } from './call-object.ts';
import type { FieldPolicies } from './field-policies.ts';
import type { MaybePromise, MaybeText } from './field-policy.ts';
import type { GraphQLCall } from './graphql-call.ts';

type ScopeOf<Context> = (call: GraphQLCall<Context>) => MaybePromise<MaybeText>;

/** `Scopes` says whose the keys of a mutation are, by the adapter's `scope` and those of fields. */
export class Scopes<Context> {
  readonly #ofAll: ScopeOf<Context>;
  readonly #policies: FieldPolicies;

  constructor(ofAll: ScopeOf<Context>, policies: FieldPolicies) {
    this.#ofAll = ofAll;
    this.#policies = policies;
  }

  /**
   * Gives the scope of the one key that all fields of a mutation share.
   * @throws IdempotencyError IDEMPOTENCY_KEY_INVALID, reason `conflicting_policies`, where they do not have the same
   */
  async of(parts: CallParts<Context>): Promise<string> {
    return await this.#shared(parts, async () => checkScope(await this.#ofAll(operationCall(parts))));
  }

  /** Makes what gives the scope of each field that has a key of its own; the adapter's `scope` is asked about all of them once. */
  ofFields(whole: CallParts<Context>): (field: CallParts<Context>) => Promise<string> {
    let ofAll: Promise<string> | undefined;
    const once = async () => checkScope(await this.#ofAll(operationCall(whole)));
    return (field) => this.#shared(field, () => (ofAll ??= once()));
  }

  async #shared(parts: CallParts<Context>, ofAll: () => Promise<string>): Promise<string> {
    const { calls } = parts.mutation;
    const scopes = new Map<string, string>(); // each with the first field that has it
    for (const call of calls) {
      const { scope } = this.#policies.functions(call.field);
      const given = scope ? checkScope(await scope(fieldCall(parts, call) as never)) : undefined;
      if (given !== undefined && !scopes.has(given)) scopes.set(given, call.field);
    }
    const other = calls.find(({ field }) => !this.#policies.functions(field).scope);
    if (other) {
      const given = await ofAll();
      if (!scopes.has(given)) scopes.set(given, other.field);
    }
    const [[scope, first] = [''], second] = scopes;
    if (!second) return scope;
    throw unprotectable(
      'conflicting_policies',
      `${first} and ${second[1]} can not share an idempotency key, for they have different scopes; send two operations`,
    );
  }
}
