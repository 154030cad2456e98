import type { ExecutionArgs, ExecutionResult, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { type IdempotencyError, refusal } from '../../server/engine/errors.ts';
import { checkScope } from '../../server/engine/key.ts';
import { notPromised } from '../../server/engine/not-promised.ts';
import { currentRun, isNested } from '../../server/run.ts';
import { BypassReport } from './bypass.ts';
import { mutationsRequiringKey } from './directives.ts';
import { refused, unprotectable } from './errors.ts';
import { executeFieldByField } from './field-by-field.ts';
import { fieldCalls } from './field-calls.ts';
import { fieldKeys, keyDirectives } from './field-keys.ts';
import { FieldPolicies } from './field-policies.ts';
import { fileContentsIn } from './file-contents.ts';
import { developersKey, type GivenKey, readKey } from './key.ts';
import { apart, executeKeyed } from './keyed-execution.ts';
import { type Caller, keyedMutation } from './keyed-mutation.ts';
import { checkListedOnce, listed } from './listed-once.ts';
import { Mutation, type MutationOperation } from './operation.ts';
import { checkPluginOptions, type UseIdempotencyOptions } from './options.ts';
import { operationOf } from './per-operation.ts';
import type { Args, Execute, IdempotencyPlugin } from './plugin.ts';
import { type Protected, ProtectedPath } from './protected-path.ts';
import { Yoga } from './yoga.ts';

/**
 * Runs each keyed mutation once and answers its retries from the record. For Envelop, and for Yoga.
 *
 * The key is `extensions.idempotencyKey`, else the `Idempotency-Key` header, else what `key` returns. An operation of
 * several root fields is one run with one record, unless its fields have keys of their own (`@idempotent`). Queries and
 * subscriptions pass by; so do mutations without a key.
 *
 * List it after plugins that bring an executor (`useEngine`, `useGraphQlJit`, a remote one), and before all others: what
 * later plugins put around an execution (access checks, rate limits, caches) also stands in front of a replay. Where a
 * later plugin replaces the executor, mutations that need protection are refused. For checks in resolvers there is
 * `authorizeReplay`.
 *
 * @example
 * createYoga({
 *   schema,
 *   plugins: [useIdempotency({ idempotency, scope: (context: Context) => context.user?.id })],
 * })
 * @throws TypeError for an option that is unknown or out of range
 */
export function useIdempotency<Context extends object>(
  options: UseIdempotencyOptions<Context>,
): IdempotencyPlugin<Context> {
  checkPluginOptions(options);
  const { idempotency, scope, key, headerName = 'idempotency-key', require = false, fields = {} } = options;
  const { authorizeReplay } = options;
  const policies = new FieldPolicies(idempotency, fields);
  const yoga = new Yoga();
  const bypasses = new BypassReport(idempotency);
  const path = new ProtectedPath((what, bypass, { contextValue }) =>
    bypasses.tell(what, bypass, async () => checkScope(await scope(contextValue as Context))),
  );

  return listed<IdempotencyPlugin<Context>>({
    ...yoga.hooks,

    onSchemaChange({ schema }) {
      policies.check(schema);
    },

    onPluginInit({ plugins }) {
      checkListedOnce(plugins);
      plugins.push(path.sentinel); // unlike `addPlugin`, which would put it right after this one
    },

    onExecute({ args, executeFn, setExecuteFn }) {
      if (!idempotency.enabled) return;
      const plan = planFor(args, executeFn);
      if (plan) setExecuteFn(plan.protects ? path.entrance(args, plan.execute, plan.protects) : plan.execute);
    },

    onSubscribe({ args: { document, operationName }, setSubscribeFn }) {
      const operation = idempotency.enabled && operationOf(document, operationName);
      if (!operation || keyDirectives(document, operation) === 'none') return;
      setSubscribeFn(() => refused(misplaced()));
    },
  });

  /** Undefined: as if this plugin were not there. */
  function planFor(args: Args<Context>, executeFn: Execute): Plan | undefined {
    const unkeyed = currentRun() && { execute: apart(executeFn) };
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
        return { execute: fieldByField(keys, mutation, operation, args, executeFn), protects: what };
      }
      const given = givenKey(args);
      if (given) {
        if (mutation.fields.length === 0) return unkeyed; // each is skipped: there is nothing to protect
        what = { ...what, keys: [given.key] };
        return { execute: keyed(given, mutation, args, executeFn), protects: what };
      }
      checkRequired(mutation, args.schema);
      return unkeyed;
    } catch (error) {
      // As a result, like any other: an error that is thrown here would pass by the hooks of later plugins.
      return { execute: () => refused(error), protects: what };
    }
  }

  function keyOfRequest({ contextValue: context }: Args<Context>): GivenKey | undefined {
    return readKey(context, headerName, yoga.isShared(context));
  }

  function givenKey(args: Args<Context>): GivenKey | undefined {
    return keyOfRequest(args) ?? developersKey(notPromised(key?.(args.contextValue, args), 'key'));
  }

  /**
   * Throws when something of an operation, or of the part of it that has no key, needs one. What runs inside a run is
   * the server's own doing, not a client's.
   */
  function checkRequired({ name, fields }: MutationOperation, schema: GraphQLSchema): void {
    if (isNested()) return;
    const required = mutationsRequiringKey(schema);
    const asked = typeof require === 'function' ? notPromised(require({ name, fields }), 'require') : require;
    if (asked || fields.some((field) => required.has(field))) throw refusal('KEY_MISSING');
  }

  async function callerOf({ contextValue, variableValues }: Args<Context>): Promise<Caller<Context>> {
    return {
      context: contextValue,
      scope: checkScope(await scope(contextValue)),
      contents: await fileContentsIn(variableValues),
      policies,
      mask: yoga.mask,
      authorizeReplay,
    };
  }

  function keyed(given: GivenKey, mutation: Mutation, args: Args<Context>, executeFn: Execute): Execute {
    checkIncremental(mutation);
    return async function executeOnce(inner: ExecutionArgs) {
      try {
        const call = await keyedMutation(given, mutation, await callerOf(args));
        const { value, replayed } = await executeKeyed(idempotency, call, executeFn, inner);
        return replayed ? yoga.markReplayed(value as ExecutionResult, args.contextValue) : value;
      } catch (error) {
        return refused(error);
      }
    };
  }

  function fieldByField(
    keys: ReadonlyMap<string, string>,
    mutation: Mutation,
    operation: OperationDefinitionNode,
    args: Args<Context>,
    executeFn: Execute,
  ): Execute {
    const { schema, document, variableValues: variables, contextValue: context } = args;
    if (keyOfRequest(args)) {
      throw unprotectable(
        'ambiguous',
        'A key for the operation and keys for its fields (@idempotent) exclude each other',
      );
    }
    checkIncremental(mutation);
    const without = mutation.fieldsWithout(keys);
    if (without.length > 0) checkRequired({ name: mutation.name, fields: without }, schema);
    const unkeyed = currentRun() ? apart(executeFn) : executeFn;
    return async function executeParts(inner: ExecutionArgs) {
      try {
        // All of them once, and before anything runs.
        const around = { schema, document, operation, mutation, variables, ...(await callerOf(args)) };
        const calls = await fieldCalls(keys, around);
        const answer = await executeFieldByField(idempotency, calls, { keyed: executeFn, unkeyed }, inner);
        const { value, replayed, allReplayed } = answer;
        if (allReplayed) return yoga.markReplayed(value, context);
        return replayed.length > 0 ? yoga.markReplayedFields(value, replayed) : value;
      } catch (error) {
        return refused(error);
      }
    };
  }
}

/** How an operation is executed. */
interface Plan {
  readonly execute: Execute;
  /** Absent where it is executed as without this plugin. */
  readonly protects?: Protected;
}

const noKeys: ReadonlyMap<string, string> = new Map();

function misplaced(): IdempotencyError {
  return unprotectable('misplaced', 'Only the root fields of a mutation can have @idempotent');
}

function checkIncremental({ incremental }: Mutation): void {
  if (!incremental) return;
  throw unprotectable('incremental', 'A mutation with an idempotency key can not use @defer or @stream');
}
