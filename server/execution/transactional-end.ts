import type { Completion, FailureKind, Transaction } from '../engine/store.ts';
import { errorsIn } from './errors-in.ts';
import type { RunSettlement } from './settlement.ts';

/** A transactional run ends with a commit, with nothing kept, or with a record that is not its own to settle. */
export type TransactionalEnd<Value> =
  /** The effects are durable, and so is the completion. */
  | { readonly to: 'committed'; readonly value: Value; readonly completion: Completion }
  /** The record is still to be settled. */
  | { readonly to: 'rolled_back'; readonly settlement: RunSettlement; readonly result: Result<Value> }
  /** The record is no longer this holder's. */
  | { readonly to: 'lost' }
  /** The store can not tell whether it committed: the record will say. */
  | { readonly to: 'unknown'; readonly error: unknown };

/** The handler returned a value, or rejected. */
export type Result<Value> = { readonly value: Value } | { readonly error: unknown };

/** An attempt was rolled back, and a new one may succeed. */
export interface Again<Value> {
  readonly to: 'again';
  readonly blame: Exclude<FailureKind, 'final'>;
  readonly error: unknown;
  /** The run ends so once retries are used up. */
  readonly otherwise?: TransactionalEnd<Value>;
  /** The attempt was to commit this. */
  readonly committing?: { readonly value: Value; readonly completion: Completion };
}

/** Tells whether a result that is not to be committed is the transaction's misfortune, or what the handler had to say. */
export async function retryOrEnd<Value>(
  failure: unknown,
  transaction: Transaction,
  end: TransactionalEnd<Value>,
): Promise<TransactionalEnd<Value> | Again<Value>> {
  const errors = errorsIn(failure);
  const blames = errors.map((error) => transaction.blame(error));
  const found = (blame: FailureKind) => errors[blames.indexOf(blame)];
  if (blames.includes('transient')) return { to: 'again', blame: 'transient', error: found('transient') };
  if (blames.includes('final')) return end;
  if (blames.includes('gone')) return { to: 'again', blame: 'gone', error: found('gone') };
  // The handler may have made an answer of its own out of the error, which is then nowhere to be seen.
  return (await transaction.isAlive()) ? end : { to: 'again', blame: 'gone', error: failure, otherwise: end };
}

/** Gives the error of a handler that rejected. */
export const errorOf = (result: Result<unknown>): unknown => ('error' in result ? result.error : undefined);

export function rolledBack<Value>(settlement: RunSettlement, result: Result<Value>): TransactionalEnd<Value> {
  return { to: 'rolled_back', settlement, result };
}
