import type { ExecutionArgs, ExecutionResult, OperationDefinitionNode } from 'graphql';
import { type IdempotencyError, refusal } from '../../server/engine/errors.ts';
import { checkScope } from '../../server/engine/key.ts';
import { notPromised } from '../../server/engine/not-promised.ts';
import { currentRun, isInheritedKey, isNested } from '../../server/run.ts';
import { FieldPolicies } from './call/field-policies.ts';
import { executeKeyed, outsideRunExecutor } from './call/keyed-execution.ts';
import { type Caller, keyedMutation } from './call/keyed-mutation.ts';
import { fileContentsIn } from './document/file-contents.ts';
import { Mutation, type MutationOperation } from './document/operation.ts';
import { operationOf } from './document/per-operation.ts';
import { executeFieldByField } from './fields/field-by-field.ts';
import { fieldCalls } from './fields/field-calls.ts';
import { fieldKeys, keyDirectives } from './fields/field-keys.ts';
import { refused, unprotectable } from './host/errors.ts';
import { belongsToRun, checkVisible, developersKey, readKey, shownBy } from './host/key.ts';
import type { Args, Execute } from './host/plugin.ts';
import type { Protected } from './host/protected-path.ts';
import type { Yoga } from './host/yoga.ts';
import type { UseIdempotencyOptions } from './options.ts';
import { mutationsRequiringKey } from './schema/directives.ts';

/** A `Plan` says how an operation is executed. */
export interface Plan {
  readonly execute: Execute;
  /** Names what is protected; absent where the operation is executed as if this plugin were not there. */
  readonly protects?: Protected;
}

/** Decides how operations are executed: not at all, once for their key, field by field, or as without this plugin. */
export class Planner<Context extends object> {
  readonly policies: FieldPolicies;
  readonly #options: UseIdempotencyOptions<Context>;
  readonly #yoga: Yoga;

  constructor(options: UseIdempotencyOptions<Context>, yoga: Yoga) {
    this.#options = options;
    this.#yoga = yoga;
    this.policies = new FieldPolicies(options.idempotency, options.fields ?? {});
  }

  /** @param executeFn the executor as it is without this plugin. @returns undefined for just that */
  plan(args: Args<Context>, executeFn: Execute): Plan | undefined {
    const unkeyed = currentRun() && { execute: outsideRunExecutor(executeFn) };
    const operation = operationOf(args.document, args.operationName);
    if (!operation) return unkeyed;
    let what: Protected = { operation: operation.name?.value ?? operation.operation, keys: [] };
    try {
      const directives = keyDirectives(args.document, operation);
      if (directives === 'misplaced') throw misplaced();
      if (operation.operation !== 'mutation') return unkeyed;
      const mutation = new Mutation(args.document, operation, args.variableValues);
      what = { operation: mutation.operation, keys: [] };
      const keys = directives === 'placed' ? fieldKeys(mutation.rootFields, mutation.variables) : noKeys;
      if (keys.size > 0) {
        what = { ...what, keys: [...keys.values()] };
        return { execute: this.#fieldByField(keys, mutation, operation, args, executeFn), protects: what };
      }
      const key = this.#keyOf(args, what.operation);
      if (key !== undefined) {
        if (mutation.fields.length === 0) return unkeyed; // each is skipped: there is nothing to protect
        what = { ...what, keys: [key] };
        return { execute: this.#once(key, mutation, args, executeFn), protects: what };
      }
      this.#checkRequired(mutation, args);
      return unkeyed;
    } catch (error) {
      // As a result, like any other: an error that is thrown here would pass by the hooks of later plugins.
      return { execute: () => refused(error), protects: what };
    }
  }

  async scopeOf(context: Context): Promise<string> {
    return checkScope(await this.#options.scope(context));
  }

  #keyOfRequest({ contextValue: context }: Args<Context>): string | undefined {
    const { headerName = 'idempotency-key' } = this.#options;
    return readKey(shownBy(context), headerName, this.#yoga.isShared(context));
  }

  #keyOf(args: Args<Context>, operation: string): string | undefined {
    const { contextValue: context } = args;
    const found = this.#keyOfRequest(args);
    if (found !== undefined) return found;
    const { key } = this.#options;
    if (key) return developersKey(notPromised(key(context, args), 'key'), context);
    checkVisible(shownBy(context), operation);
    return undefined;
  }

  /**
   * Throws when something of an operation, or of the part of it that has no key, needs one. What the code inside of a run
   * executes with what it has at hand is the server's own doing, not a client's.
   */
  #checkRequired({ name, fields }: MutationOperation, { schema, contextValue }: Args<Context>): void {
    if (isNested() && belongsToRun(contextValue)) return;
    const { require = false } = this.#options;
    const required = mutationsRequiringKey(schema);
    const asked = typeof require === 'function' ? notPromised(require({ name, fields }), 'require') : require;
    if (asked || fields.some((field) => required.has(field))) throw refusal('IDEMPOTENCY_KEY_MISSING');
  }

  async #callerOf({ contextValue, variableValues }: Args<Context>): Promise<Caller<Context>> {
    return {
      context: contextValue,
      scope: await this.scopeOf(contextValue),
      contents: await fileContentsIn(variableValues),
      policies: this.policies,
      mask: this.#yoga.mask,
      authorizeReplay: this.#options.authorizeReplay,
    };
  }

  #once(key: string, mutation: Mutation, args: Args<Context>, executeFn: Execute): Execute {
    checkIncremental(mutation);
    const isFound = this.#keyOfRequest(args) !== undefined;
    return async (inner: ExecutionArgs) => {
      try {
        const caller = await this.#callerOf(args);
        // A `key` function gives to a copy of a context what it gave to that.
        if (!isFound && isInheritedKey(key, caller.scope)) return await outsideRunExecutor(executeFn)(inner);
        const call = await keyedMutation(key, mutation, caller);
        const { value, replayed } = await executeKeyed(this.#options.idempotency, call, executeFn, inner);
        return replayed ? this.#yoga.markReplayed(value as ExecutionResult, args.contextValue) : value;
      } catch (error) {
        return refused(error);
      }
    };
  }

  #fieldByField(
    keys: ReadonlyMap<string, string>,
    mutation: Mutation,
    operation: OperationDefinitionNode,
    args: Args<Context>,
    executeFn: Execute,
  ): Execute {
    const { schema, document, variableValues: variables, contextValue: context } = args;
    if (this.#keyOfRequest(args) !== undefined) {
      throw unprotectable(
        'ambiguous',
        'A key for the operation and keys for its fields (@idempotent) exclude each other',
      );
    }
    checkIncremental(mutation);
    const without = mutation.fieldsWithout(keys);
    if (without.length > 0) this.#checkRequired({ name: mutation.name, fields: without }, args);
    const executors = { keyed: executeFn, unkeyed: currentRun() ? outsideRunExecutor(executeFn) : executeFn };
    return async (inner: ExecutionArgs) => {
      try {
        // All of them once, and before anything runs.
        const around = { schema, document, operation, mutation, variables, ...(await this.#callerOf(args)) };
        const calls = await fieldCalls(keys, around);
        const answer = await executeFieldByField(this.#options.idempotency, calls, executors, inner);
        const { value, replayed, allReplayed } = answer;
        if (allReplayed) return this.#yoga.markReplayed(value, context);
        return replayed.length > 0 ? this.#yoga.markReplayedFields(value, replayed) : value;
      } catch (error) {
        return refused(error);
      }
    };
  }
}

const noKeys: ReadonlyMap<string, string> = new Map();

export function misplaced(): IdempotencyError {
  return unprotectable('misplaced', 'Only the root fields of a mutation can have @idempotent');
}

function checkIncremental({ incremental }: Mutation): void {
  if (!incremental) return;
  throw unprotectable('incremental', 'A mutation with an idempotency key can not use @defer or @stream');
}
