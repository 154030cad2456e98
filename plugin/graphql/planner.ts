import type { ExecutionArgs, ExecutionResult, OperationDefinitionNode } from 'graphql';
import { tellPassed, tellRefusal } from '../../server/call-events.ts';
import { type IdempotencyError, refusal } from '../../server/engine/errors.ts';
import { currentRun, isInheritedKey } from '../../server/run/run.ts';
import type { CallParts } from './call/call-object.ts';
import { FieldPolicies } from './call/field-policies.ts';
import { executeKeyed, outsideRunExecutor } from './call/keyed-execution.ts';
import { type Caller, keyedMutation } from './call/keyed-mutation.ts';
import { directiveKeys, type MutationKeys, mutationKeys } from './call/mutation-keys.ts';
import { isKeyRequired } from './call/required-key.ts';
import { Scopes } from './call/scopes.ts';
import { CoercedArguments } from './document/coerced-arguments.ts';
import { fileContentsIn } from './document/file-contents.ts';
import { Mutation } from './document/operation.ts';
import { operationOf } from './document/per-operation.ts';
import { executeFieldByField } from './fields/field-by-field.ts';
import { fieldCalls } from './fields/field-calls.ts';
import { fieldKeys, keyDirectives } from './fields/field-keys.ts';
import { type Shown, shownBy } from './host/client-request.ts';
import { refused, unprotectable } from './host/errors.ts';
import { readKey } from './host/key.ts';
import type { Args, Execute } from './host/plugin.ts';
import type { Protected } from './host/protected-path.ts';
import type { Yoga } from './host/yoga.ts';
import type { Options } from './options.ts';
import { rerunKeyOf } from './rerunner/rerun-key.ts';
import { mutationsRequiringKey } from './schema/directives.ts';

/** A `Plan` says how an operation is executed. */
export interface Plan {
  readonly execute: Execute;
  /** Names what is protected; absent where the operation is executed as if this plugin were not there. */
  readonly protects?: Protected;
}

/** A mutation that a client asks for, and all that is known of it before its keys are. */
interface Asked<Context> {
  readonly args: Args<Context>;
  readonly operation: OperationDefinitionNode;
  readonly mutation: Mutation;
  readonly shown: Shown;
  readonly parts: CallParts<Context>;
  /** The keys by `@idempotent`, by response key. */
  readonly clientKeys: ReadonlyMap<string, string>;
  readonly executeFn: Execute;
}

/** Decides how operations are executed: not at all, once for their key, field by field, or as without this plugin. */
export class Planner<Context extends object> {
  readonly policies: FieldPolicies;
  readonly #options: Options<Context>;
  readonly #scopes: Scopes<Context>;
  readonly #yoga: Yoga;

  constructor(options: Options<Context>, yoga: Yoga) {
    this.#options = options;
    this.#yoga = yoga;
    this.policies = new FieldPolicies(options.idempotency, options.fields ?? {}, options.policy);
    this.#scopes = new Scopes(options.scope, this.policies);
  }

  /**
   * @param executeFn the executor as it is without this plugin
   * @returns undefined for just that; a promise for mutations, about which functions of the developer may be asked
   */
  plan(args: Args<Context>, executeFn: Execute): Plan | undefined | Promise<Plan | undefined> {
    const operation = operationOf(args.document, args.operationName);
    if (!operation) return unkeyed(executeFn);
    const directives = keyDirectives(args.document, operation);
    if (directives === 'misplaced') {
      const error = misplaced();
      this.#tell(error, operation);
      return refusing(error, { operation: operation.name?.value ?? operation.operation, keys: [] });
    }
    if (operation.operation !== 'mutation') return unkeyed(executeFn);
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
    let keys: Protected['keys'] = [];
    try {
      const clientKeys = hasDirectives ? fieldKeys(mutation.rootFields, mutation.variables) : noKeys;
      const asked = this.#asked(args, operation, mutation, clientKeys, executeFn);
      const found = await this.#keysOf(asked);
      const scope = () => this.#scopes.of(asked.parts);
      switch (found.of) {
        case 'nothing':
          if (await this.#isKeyRequired(asked)) throw refusal('IDEMPOTENCY_KEY_MISSING');
          tellPassed(this.#options.idempotency, mutation.operation);
          return unkeyed(executeFn);
        case 'operation':
          keys = [{ key: found.key, scope }];
          return this.#protected(asked, keys, this.#once(found.key, asked));
        case 'fields':
          keys = [...found.keys.values()].map((key) => ({ key, scope }));
          if (await this.#isKeyRequired(asked, found.keys)) throw refusal('IDEMPOTENCY_KEY_MISSING');
          return this.#protected(asked, keys, this.#fieldByField(found.keys, asked));
        default:
          return found satisfies never;
      }
    } catch (error) {
      // As a result, like any other: an error that is thrown here would pass by the hooks of later plugins.
      this.#tell(error, mutation);
      return refusing(error, { operation: mutation.operation, keys });
    }
  }

  #tell(error: unknown, { operation }: { readonly operation: string }): void {
    tellRefusal(this.#options.idempotency, error, { operation });
  }

  #asked(
    args: Args<Context>,
    operation: OperationDefinitionNode,
    mutation: Mutation,
    clientKeys: ReadonlyMap<string, string>,
    executeFn: Execute,
  ): Asked<Context> {
    const { contextValue: context } = args;
    const { request, headerName = 'idempotency-key' } = this.#options;
    const shown = shownBy(context, request);
    const clientKey = rerunKeyOf(context) ?? readKey(shown, headerName, this.#yoga.isShared(context));
    const parts = { context, mutation, argsOf: new CoercedArguments(args, operation).of, clientKey };
    return { args, operation, mutation, shown, parts, clientKeys, executeFn };
  }

  async #keysOf({ parts, shown, clientKeys }: Asked<Context>): Promise<MutationKeys> {
    const rerunKey = rerunKeyOf(parts.context);
    if (rerunKey !== undefined) return { of: 'operation', key: rerunKey };
    const sources = { parts, shown, key: this.#options.key, policies: this.policies };
    if (clientKeys.size === 0) return await mutationKeys(sources);
    if (parts.clientKey !== undefined) {
      throw unprotectable(
        'ambiguous',
        'A key for the operation and keys for its fields (@idempotent) exclude each other',
      );
    }
    return await directiveKeys(sources, clientKeys);
  }

  /** Tells whether something of an operation, or of the part of it that has no key, needs one. */
  async #isKeyRequired(
    { parts, shown, args: { schema } }: Asked<Context>,
    keys: ReadonlyMap<string, string> = noKeys,
  ): Promise<boolean> {
    const { require: ofAll = false } = this.#options;
    const bySchema = mutationsRequiringKey(schema);
    const calls = parts.mutation.calls.filter(({ responseKey }) => !keys.has(responseKey));
    return await isKeyRequired(calls, { parts, shown, bySchema, ofAll, policies: this.policies });
  }

  #protected({ mutation }: Asked<Context>, keys: Protected['keys'], execute: Execute): Plan {
    if (mutation.incremental) {
      throw unprotectable('incremental', 'A mutation with an idempotency key can not use @defer or @stream');
    }
    return { execute, protects: { operation: mutation.operation, keys } };
  }

  async #callerOf({ variableValues }: Args<Context>): Promise<Caller<Context>> {
    return {
      contents: await fileContentsIn(variableValues),
      policies: this.policies,
      mask: this.#yoga.mask,
      authorizeReplay: this.#options.authorizeReplay,
    };
  }

  #once(key: string, { args, parts, shown, executeFn, mutation }: Asked<Context>): Execute {
    return async (inner: ExecutionArgs) => {
      try {
        const scope = await this.#scopes.of(parts);
        // A `key` function gives to a copy of a context what it gave to that.
        if (key !== parts.clientKey && isInheritedKey(key, scope))
          return await outsideRunExecutor(executeFn)(inner);
        const call = await keyedMutation(parts, { scope, key }, await this.#callerOf(args));
        const { carriers } = shown;
        const { value, replayed, expiresAt } = await executeKeyed(
          this.#options.idempotency,
          call,
          carriers,
          executeFn,
          inner,
        );
        const { contextValue: context } = args;
        return replayed ? this.#yoga.markReplayed(value as ExecutionResult, context, expiresAt) : value;
      } catch (error) {
        this.#tell(error, mutation);
        return refused(error);
      }
    };
  }

  #fieldByField(keys: ReadonlyMap<string, string>, asked: Asked<Context>): Execute {
    const { args, operation, parts, shown, clientKeys, executeFn, mutation } = asked;
    const { schema, document, variableValues: variables, contextValue: context } = args;
    const executors = { keyed: executeFn, unkeyed: currentRun() ? outsideRunExecutor(executeFn) : executeFn };
    return async (inner: ExecutionArgs) => {
      try {
        // All of them once, and before anything runs.
        const calls = await fieldCalls(keys, {
          ...(await this.#callerOf(args)),
          ...{ schema, document, operation, variables, parts, clientKeys },
          scopeOf: this.#scopes.ofFields(parts),
        });
        const { idempotency } = this.#options;
        const answer = await executeFieldByField(idempotency, calls, shown.carriers, executors, inner);
        const { value, replayed, allReplayed, expiresAt } = answer;
        if (allReplayed) return this.#yoga.markReplayed(value, context, expiresAt);
        return replayed.length > 0 ? this.#yoga.markReplayedFields(value, replayed) : value;
      } catch (error) {
        this.#tell(error, mutation);
        return refused(error);
      }
    };
  }
}

const noKeys: ReadonlyMap<string, string> = new Map();

/** An operation without a key must not get the run that it is in, nor its key. */
function unkeyed(executeFn: Execute): Plan | undefined {
  return currentRun() && { execute: outsideRunExecutor(executeFn) };
}

function refusing(error: unknown, protects: Protected): Plan {
  return { execute: () => refused(error), protects };
}

export function misplaced(): IdempotencyError {
  return unprotectable('misplaced', 'Only the root fields of a mutation can have @idempotent');
}
