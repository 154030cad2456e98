import type { ExecutionArgs, ExecutionResult } from 'graphql';
import { refusal } from '../../server/engine/errors.ts';
import { currentRun, isNested } from '../../server/run.ts';
import { refused, unprotectable } from './errors.ts';
import { FieldPolicies } from './field-policies.ts';
import { developersKey, type GivenKey, readKey } from './key.ts';
import { apart, executeKeyed } from './keyed-execution.ts';
import { Mutation, operationOf } from './operation.ts';
import { checkOptions, type UseIdempotencyOptions } from './options.ts';
import type { Args, Execute, IdempotencyPlugin } from './plugin.ts';
import { resultCodec } from './result-codec.ts';
import { Yoga } from './yoga.ts';

/**
 * Runs each keyed mutation once and answers its retries from the record. For Envelop, and for Yoga.
 *
 * The key is `extensions.idempotencyKey`, else the `Idempotency-Key` header, else what `key` returns. An operation of
 * several root fields is one run with one record. Queries and subscriptions pass by; so do mutations without a key.
 *
 * List it first: what later plugins put around an execution (access checks, rate limits, caches) then also stands in
 * front of a replay.
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
  checkOptions(options);
  const { idempotency, scope, key, headerName = 'idempotency-key', require = false, fields = {} } = options;
  const policies = new FieldPolicies(idempotency, fields);
  const yoga = new Yoga();

  return {
    ...yoga.hooks,

    onSchemaChange({ schema }) {
      policies.check(schema);
    },

    onExecute({ args, executeFn, setExecuteFn }) {
      if (!idempotency.enabled) return;
      const execute = executorFor(args, executeFn);
      if (execute) setExecuteFn(execute);
    },
  };

  /** Undefined: as if this plugin were not there. */
  function executorFor(args: Args<Context>, executeFn: Execute): Execute | undefined {
    const operation = operationOf(args.document, args.operationName);
    const unkeyed = currentRun() && apart(executeFn);
    if (operation?.operation !== 'mutation') return unkeyed;
    const mutation = () => new Mutation(args.document, operation, args.variableValues);
    try {
      const given = givenKey(args);
      if (given) return keyed(given, mutation(), args.contextValue, executeFn) ?? unkeyed;
      if (isRequired(mutation)) throw refusal('KEY_MISSING');
      return unkeyed;
    } catch (error) {
      // As a result, like any other: an error that is thrown here would pass by the hooks of later plugins.
      return () => refused(error);
    }
  }

  function givenKey(args: Args<Context>): GivenKey | undefined {
    const context = args.contextValue;
    return readKey(context, headerName, yoga.isShared(context)) ?? developersKey(key?.(context, args));
  }

  /** What runs inside a run is the server's own doing, not a client's. */
  function isRequired(mutation: () => Mutation): boolean {
    if (isNested()) return false;
    return typeof require === 'function' ? require(mutation()) : require;
  }

  function keyed(
    given: GivenKey,
    mutation: Mutation,
    context: Context,
    executeFn: Execute,
  ): Execute | undefined {
    if (mutation.fields.length === 0) return undefined; // each is skipped: there is nothing to protect
    if (mutation.incremental) {
      throw unprotectable('incremental', 'A mutation with an idempotency key can not use @defer or @stream');
    }
    const call = {
      given,
      scope: () => scope(context),
      operation: mutation.operation,
      fingerprints: mutation.fingerprints(),
      selections: mutation.selections(),
      policy: policies.of(mutation.fields),
      codec: resultCodec(mutation, yoga.mask),
    };
    return async function executeOnce(inner: ExecutionArgs) {
      try {
        const { value, replayed } = await executeKeyed(idempotency, call, executeFn, inner);
        return replayed ? yoga.markReplayed(value as ExecutionResult, context) : value;
      } catch (error) {
        return refused(error);
      }
    };
  }
}
