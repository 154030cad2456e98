import { currentRun, type Run } from '../../../server/run/run.ts';

/** Resolvers have this on their context. Add it to your type of the context: `createSchema<MyContext & IdempotencyContext>(…)`. */
export interface IdempotencyContext {
  /** The run that the resolver is in; undefined in an operation without a key. */
  readonly idempotency?: Run | undefined;
}

const property = { get: currentRun, enumerable: true, configurable: true };

/**
 * Gives resolvers `context.idempotency`. A getter keeps no state, so it is the same whoever shares the object; done
 * for keyed executions only, and last, so that no plugin has copied the object since. On a frozen context the property
 * can not be defined: its resolvers see no `context.idempotency`, and the mutation runs all the same.
 */
export function exposeRun(context: unknown): void {
  if (typeof context === 'object' && context !== null)
    Reflect.defineProperty(context, 'idempotency', property);
}
