import { checkScope } from '../../../server/engine/key.ts';
import { andThen, inTurn, type MaybePromise } from '../../../server/engine/maybe-promise.ts';
import type { RootCall } from '../document/operation.ts';
import { unprotectable } from '../host/errors.ts';
import { type CallParts, fieldCall, operationCall } from './call-object.ts';
import type { FieldPolicies } from './field-policies.ts';
import type { MaybeText } from './field-policy.ts';
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
  of(parts: CallParts<Context>): MaybePromise<string> {
    return this.#shared(parts, () => andThen<unknown, string>(this.#ofAll(operationCall(parts)), checkScope));
  }

  /** Makes what gives the scope of each field that has a key of its own; the adapter's `scope` is asked about all of them once. */
  ofFields(whole: CallParts<Context>): (field: CallParts<Context>) => MaybePromise<string> {
    let ofAll: Promise<string> | undefined;
    const once = async () => checkScope(await this.#ofAll(operationCall(whole)));
    return (field) => this.#shared(field, () => (ofAll ??= once()));
  }

  #shared(parts: CallParts<Context>, ofAll: () => MaybePromise<string>): MaybePromise<string> {
    const { calls } = parts.mutation;
    const own = calls.filter(({ field }) => this.#policies.functions(field).scope);
    const other = calls.find(({ field }) => !this.#policies.functions(field).scope);
    const ofOne = (call: RootCall): MaybePromise<FieldScope> => {
      const given: unknown = this.#policies.functions(call.field).scope?.(fieldCall(parts, call) as never);
      return andThen(given, (scope) => ({ scope: checkScope(scope), field: call.field }));
    };
    return andThen(inTurn(own, ofOne), (scopes) =>
      other ? andThen(ofAll(), (scope) => oneOf([...scopes, { scope, field: other.field }])) : oneOf(scopes),
    );
  }
}

interface FieldScope {
  readonly scope: string;
  readonly field: string;
}

/** @throws IdempotencyError IDEMPOTENCY_KEY_INVALID, reason `conflicting_policies`, where two fields have not the same */
function oneOf(scopes: readonly FieldScope[]): string {
  const [first] = scopes;
  const second = scopes.find(({ scope }) => scope !== first?.scope);
  if (!second) return first?.scope ?? '';
  throw unprotectable(
    'conflicting_policies',
    `${first?.field} and ${second.field} can not share an idempotency key, for they have different scopes; send two operations`,
  );
}
