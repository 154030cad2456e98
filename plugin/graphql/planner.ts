import type { OperationDefinitionNode } from 'graphql';
import { tellPassed, tellRefusal } from '../../server/adapter/call-events.ts';
import { perIdempotency } from '../../server/adapter/idempotency-of.ts';
import { Protection } from '../../server/adapter/protection.ts';
import { type IdempotencyError, refusal } from '../../server/engine/errors.ts';
import type { Fingerprints } from '../../server/engine/match-of.ts';
import { isPromise, type MaybePromise } from '../../server/engine/maybe-promise.ts';
import { rerunKeyOf } from '../../server/run/rerun-key.ts';
import { currentRun } from '../../server/run/run.ts';
import { operationCall } from './call/call-object.ts';
import { FieldPolicies } from './call/field-policies.ts';
import type { GraphQLCall, KeyOfCall } from './call/graphql-call.ts';
import { outsideRunExecutor, unprotectedExecutor } from './call/keyed-execution.ts';
import { directiveKeys, type MutationKeys, mutationKeys } from './call/mutation-keys.ts';
import { isKeyRequired } from './call/required-key.ts';
import { Scopes } from './call/scopes.ts';
import { CoercedArguments } from './document/coerced-arguments.ts';
import { Mutation } from './document/operation.ts';
import { operationOf } from './document/per-operation.ts';
import { fieldKeys, keyDirectives } from './fields/field-keys.ts';
import { type Shown, shownBy } from './host/client-request.ts';
import { refused, unprotectable } from './host/errors.ts';
import { readKey } from './host/key.ts';
import type { Args, Execute } from './host/plugin.ts';
import type { Protected } from './host/protected-path.ts';
import type { Yoga } from './host/yoga.ts';
import type { GraphQLPolicy, Options } from './options.ts';
import { type Asked, type ProtectedCall, ProtectedExecutor } from './protected-executor.ts';
import { mutationsRequiringKey } from './schema/directives.ts';

/** A `Plan` says how an operation is executed. */
export interface Plan {
  readonly execute: Execute;
  /** Names what is protected; absent where the operation is executed as if this plugin were not there. */
  readonly protects?: Protected;
}

/** Decides how operations are executed: not at all, once for their key, field by field, or as without this plugin. */
export class Planner<Context extends object> {
  /** The policies of fields, for what is the same whatever `Idempotency` a call has. */
  readonly policies: FieldPolicies;
  readonly #protection: Protection<GraphQLCall<Context>>;
  readonly #options: Options<Context>;
  readonly #scopes: Scopes<Context>;
  readonly #executor: ProtectedExecutor<Context>;
  readonly #yoga: Yoga;

  constructor(options: Options<Context>, yoga: Yoga) {
    this.#options = options;
    this.#yoga = yoga;
    const { idempotency, enabled, fields = {}, policy } = options;
    this.#protection = new Protection({ idempotency, enabled });
    const policiesOf = perIdempotency(
      (each) => new FieldPolicies(each, fields, policy as GraphQLPolicy<never>),
    );
    this.policies =
      typeof idempotency === 'function'
        ? new FieldPolicies(undefined, fields, policy as GraphQLPolicy<never>)
        : policiesOf(idempotency);
    this.#scopes = new Scopes(options.scope, this.policies);
    const { authorizeReplay } = options;
    this.#executor = new ProtectedExecutor({ scopes: this.#scopes, yoga, policiesOf, authorizeReplay });
  }

  /** True where nothing is protected, whatever the operation is. */
  get isOff(): boolean {
    return this.#protection.isOff;
  }

  /**
   * @param executeFn the executor as it is without this plugin
   * @returns undefined for just that; a promise for mutations, about which functions of the developer may be asked
   */
  plan(args: Args<Context>, executeFn: Execute): MaybePromise<Plan | undefined> {
    const operation = operationOf(args.document, args.operationName);
    if (!operation) return unkeyed(executeFn);
    const directives = keyDirectives(args.document, operation);
    if (directives === 'misplaced' && !this.isOff) {
      const error = misplaced();
      const { only } = this.#protection;
      tellRefusal(only, error, { operation: operation.operation });
      const name = operation.name?.value ?? operation.operation;
      return refusing(error, { operation: name, keys: [], idempotency: only });
    }
    if (operation.operation !== 'mutation') return unkeyed(executeFn);
    if (this.isOff) return unprotected(executeFn);
    const mutation = new Mutation(args.document, operation, args.variableValues);
    return this.#planMutation(args, operation, mutation, directives === 'placed', executeFn);
  }

  async #planMutation(
    args: Args<Context>,
    operation: OperationDefinitionNode,
    mutation: Mutation,
    hasDirectives: boolean,
    executeFn: Execute,
  ): Promise<Plan | undefined> {
    const { operation: name } = mutation;
    let protects: Protected = { operation: name, keys: [], idempotency: this.#protection.only };
    try {
      const isOn = this.#protection.isOn(() => this.#unreadCall(args, operation, mutation));
      if (!(isPromise(isOn) ? await isOn : isOn)) return unprotected(executeFn);
      const clientKeys = hasDirectives ? fieldKeys(mutation.rootFields, mutation.variables) : noKeys;
      const asked = this.#asked(args, operation, mutation, clientKeys, executeFn);
      const keys = this.#keysOf(asked);
      const found = isPromise(keys) ? await keys : keys;
      const lacksKey = found.of !== 'operation' && (await this.#isKeyRequired(asked, found));
      if (found.of === 'nothing' && !lacksKey) {
        tellPassed(this.#protection.only, mutation.operation);
        return unkeyed(executeFn);
      }
      const by = this.#protection.of(() => operationCall(asked.parts));
      const idempotency = isPromise(by) ? await by : by;
      if (!idempotency) return unprotected(executeFn);
      const scope = async () => this.#scopes.of(asked.parts);
      protects = { ...protects, idempotency, keys: keysIn(found).map((key) => ({ key, scope })) };
      if (found.of === 'nothing' || lacksKey) throw refusal('IDEMPOTENCY_KEY_MISSING');
      const protectedBy: ProtectedCall<Context> = { ...asked, idempotency };
      const execute =
        found.of === 'operation'
          ? this.#executor.once(found.key, protectedBy)
          : this.#executor.fieldByField(found.keys, protectedBy);
      return this.#protected(asked, protects, execute);
    } catch (error) {
      // As a result, like any other: an error that is thrown here would pass by the hooks of later plugins.
      tellRefusal(protects.idempotency, error, { operation: mutation.operation });
      return refusing(error, protects);
    }
  }

  /**
   * Makes the fingerprints that a re-run of an operation would be compared by; undefined where the operation would not be protected.
   * Nothing is executed, and the scope is not asked for.
   */
  async compared(args: Args<Context>, known: KeyOfCall): Promise<Fingerprints | undefined> {
    const operation = operationOf(args.document, args.operationName);
    if (operation?.operation !== 'mutation' || this.isOff) return undefined;
    const mutation = new Mutation(args.document, operation, args.variableValues);
    if (!(await this.#protection.isOn(() => this.#unreadCall(args, operation, mutation)))) return undefined;
    const { contextValue: context } = args;
    const parts = {
      context,
      mutation,
      argsOf: new CoercedArguments(args, operation).of,
      clientKey: known.key,
    };
    const idempotency = await this.#protection.of(() => operationCall(parts));
    return idempotency && this.#executor.keyed({ args, parts, idempotency }, known);
  }

  #asked(
    args: Args<Context>,
    operation: OperationDefinitionNode,
    mutation: Mutation,
    clientKeys: ReadonlyMap<string, string>,
    executeFn: Execute,
  ): Asked<Context> {
    const { contextValue: context } = args;
    const shown = shownBy(context, this.#options.request);
    const clientKey = this.#clientKeyOf(context, shown);
    const parts = { context, mutation, argsOf: new CoercedArguments(args, operation).of, clientKey };
    return { args, operation, mutation, shown, parts, clientKeys, executeFn };
  }

  #clientKeyOf(context: Context, shown: Shown): string | undefined {
    const { headerName = 'idempotency-key' } = this.#options;
    return rerunKeyOf(context) ?? readKey(shown, headerName, this.#yoga.isShared(context));
  }

  /** Makes a call object whose key is read when somebody asks for it: whether a mutation is protected can be decided without. */
  #unreadCall(
    args: Args<Context>,
    operation: OperationDefinitionNode,
    mutation: Mutation,
  ): GraphQLCall<Context> {
    const { contextValue: context } = args;
    const argsOf = new CoercedArguments(args, operation).of;
    const call = operationCall({ context, mutation, argsOf, clientKey: undefined });
    const get = () => this.#clientKeyOf(context, shownBy(context, this.#options.request));
    return Object.defineProperty(call, 'clientKey', { get, enumerable: true });
  }

  #keysOf({ parts, shown, clientKeys }: Asked<Context>): MaybePromise<MutationKeys> {
    const rerunKey = rerunKeyOf(parts.context);
    if (rerunKey !== undefined) return { of: 'operation', key: rerunKey };
    const sources = { parts, shown, key: this.#options.key, policies: this.policies };
    if (clientKeys.size === 0) return mutationKeys(sources);
    if (parts.clientKey !== undefined) {
      throw unprotectable(
        'ambiguous',
        'A key for the operation and keys for its fields (@idempotent) exclude each other',
      );
    }
    return directiveKeys(sources, clientKeys);
  }

  /** Tells whether something of an operation, or of the part of it that has no key, needs one. */
  async #isKeyRequired(
    { parts, shown, args: { schema } }: Asked<Context>,
    found: MutationKeys,
  ): Promise<boolean> {
    const keys = found.of === 'fields' ? found.keys : noKeys;
    const { require: ofAll = false } = this.#options;
    const bySchema = mutationsRequiringKey(schema);
    const calls = parts.mutation.calls.filter(({ responseKey }) => !keys.has(responseKey));
    return await isKeyRequired(calls, { parts, shown, bySchema, ofAll, policies: this.policies });
  }

  #protected({ mutation }: Asked<Context>, protects: Protected, execute: Execute): Plan {
    if (mutation.incremental) {
      throw unprotectable('incremental', 'A mutation with an idempotency key can not use @defer or @stream');
    }
    return { execute, protects };
  }
}

const noKeys: ReadonlyMap<string, string> = new Map();

function keysIn(found: MutationKeys): readonly string[] {
  switch (found.of) {
    case 'nothing':
      return [];
    case 'operation':
      return [found.key];
    case 'fields':
      return [...found.keys.values()];
    default:
      return found satisfies never;
  }
}

/** An operation without a key must not get the run that it is in, nor its key. */
function unkeyed(executeFn: Execute): Plan | undefined {
  return currentRun() && { execute: outsideRunExecutor(executeFn) };
}

function unprotected(executeFn: Execute): Plan {
  return { execute: unprotectedExecutor(executeFn) };
}

function refusing(error: unknown, protects: Protected): Plan {
  return { execute: () => refused(error), protects };
}

export function misplaced(): IdempotencyError {
  return unprotectable('misplaced', 'Only the root fields of a mutation can have @idempotent');
}
