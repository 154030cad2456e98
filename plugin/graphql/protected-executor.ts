import type { ExecutionArgs, ExecutionResult, OperationDefinitionNode } from 'graphql';
import { tellRefusal } from '../../server/adapter/call-events.ts';
import { andThen, isPromise, type MaybePromise } from '../../server/engine/maybe-promise.ts';
import type { Idempotency } from '../../server/idempotency.ts';
import { currentRun, isInheritedKey } from '../../server/run/run.ts';
import type { CallParts } from './call/call-object.ts';
import type { FieldPolicies } from './call/field-policies.ts';
import type { KeyOfCall } from './call/graphql-call.ts';
import { executeKeyed, outsideRunExecutor } from './call/keyed-execution.ts';
import { type Caller, type KeyedMutation, keyedMutation } from './call/keyed-mutation.ts';
import type { Scopes } from './call/scopes.ts';
import { fileContentsIn } from './document/file-contents.ts';
import type { Mutation } from './document/operation.ts';
import { executeFieldByField } from './fields/field-by-field.ts';
import { fieldCalls } from './fields/field-calls.ts';
import type { Shown } from './host/client-request.ts';
import { refused } from './host/errors.ts';
import type { Args, Execute } from './host/plugin.ts';
import type { Yoga } from './host/yoga.ts';
import type { Options } from './options.ts';

/** A mutation that a client asks for, and all that is known of it before its keys are. */
export interface Asked<Context> {
  readonly args: Args<Context>;
  readonly operation: OperationDefinitionNode;
  readonly mutation: Mutation;
  readonly shown: Shown;
  readonly parts: CallParts<Context>;
  /** The keys by `@idempotent`, by response key. */
  readonly clientKeys: ReadonlyMap<string, string>;
  readonly executeFn: Execute;
}

/** A mutation that is protected. */
export interface ProtectedCall<Context> extends Asked<Context> {
  readonly idempotency: Idempotency;
}

type CallOfKey<Context> = Pick<ProtectedCall<Context>, 'args' | 'parts' | 'idempotency'>;

interface ExecutorOptions<Context> {
  readonly scopes: Scopes<Context>;
  readonly yoga: Yoga;
  readonly policiesOf: (idempotency: Idempotency) => FieldPolicies;
  /** The adapter's `authorizeReplay`. */
  readonly authorizeReplay: Options<Context>['authorizeReplay'];
}

/** A `ProtectedExecutor` executes mutations once for their key, or field by field. */
export class ProtectedExecutor<Context extends object> {
  readonly #scopes: Scopes<Context>;
  readonly #yoga: Yoga;
  readonly #policiesOf: (idempotency: Idempotency) => FieldPolicies;
  readonly #authorizeReplay: Options<Context>['authorizeReplay'];

  constructor({ scopes, yoga, policiesOf, authorizeReplay }: ExecutorOptions<Context>) {
    this.#scopes = scopes;
    this.#yoga = yoga;
    this.#policiesOf = policiesOf;
    this.#authorizeReplay = authorizeReplay;
  }

  /** Makes the executor of a mutation whose fields share a key. */
  once(key: string, call: ProtectedCall<Context>): Execute {
    const { args, parts, shown, executeFn, mutation, idempotency } = call;
    return async (inner: ExecutionArgs) => {
      try {
        const scopes = this.#scopes.of(parts);
        const scope = isPromise(scopes) ? await scopes : scopes;
        // A `key` function gives to a copy of a context what it gave to that.
        if (key !== parts.clientKey && isInheritedKey(key, scope))
          return await outsideRunExecutor(executeFn)(inner);
        const keyed = this.keyed(call, { scope, key });
        const { value, replayed, expiresAt } = await executeKeyed(
          idempotency,
          isPromise(keyed) ? await keyed : keyed,
          shown.carriers,
          executeFn,
          inner,
        );
        const { contextValue: context } = args;
        return replayed ? this.#yoga.markReplayed(value as ExecutionResult, context, expiresAt) : value;
      } catch (error) {
        tellRefusal(idempotency, error, { operation: mutation.operation });
        return refused(error);
      }
    };
  }

  /** Makes the keyed call of a mutation whose fields share a key. Nothing is executed. */
  keyed(call: CallOfKey<Context>, known: KeyOfCall): MaybePromise<KeyedMutation> {
    return andThen(this.#callerOf(call), (caller) => keyedMutation(call.parts, known, caller));
  }

  /** Makes the executor of a mutation whose fields have keys of their own, by response key. */
  fieldByField(keys: ReadonlyMap<string, string>, call: ProtectedCall<Context>): Execute {
    const { args, operation, parts, shown, clientKeys, executeFn, mutation, idempotency } = call;
    const { schema, document, variableValues: variables, contextValue: context } = args;
    const executors = { keyed: executeFn, unkeyed: currentRun() ? outsideRunExecutor(executeFn) : executeFn };
    return async (inner: ExecutionArgs) => {
      try {
        // All keys are checked once, and before anything runs.
        const calls = await fieldCalls(keys, {
          ...(await this.#callerOf(call)),
          ...{ schema, document, operation, variables, parts, clientKeys },
          scopeOf: this.#scopes.ofFields(parts),
        });
        const answer = await executeFieldByField(idempotency, calls, shown.carriers, executors, inner);
        const { value, replayed, allReplayed, expiresAt } = answer;
        if (allReplayed) return this.#yoga.markReplayed(value, context, expiresAt);
        return replayed.length > 0 ? this.#yoga.markReplayedFields(value, replayed) : value;
      } catch (error) {
        tellRefusal(idempotency, error, { operation: mutation.operation });
        return refused(error);
      }
    };
  }

  #callerOf({
    args,
    idempotency,
  }: Pick<ProtectedCall<Context>, 'args' | 'idempotency'>): MaybePromise<Caller<Context>> {
    return andThen(fileContentsIn(args.variableValues), (contents) => ({
      contents,
      policies: this.#policiesOf(idempotency),
      mask: this.#yoga.mask,
      authorizeReplay: this.#authorizeReplay,
    }));
  }
}
