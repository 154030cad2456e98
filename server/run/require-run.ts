import type { Session } from '../engine/session.ts';
import { currentRun, type Run, standInRun } from './run.ts';

/** A `TransactionalRun` is a run with `transaction: true`, so its session is there. */
export interface TransactionalRun extends Run {
  /** The session of the transaction: pass it to each read and write that belongs to the run. */
  readonly session: Session;
}

/**
 * Gives the keyed run that the caller is in, where there has to be one: `currentRun()` without a `?.`. An operation that can not do without
 * should also refuse calls without a key (`require: true`), so that clients are told before anything has run.
 *
 * Where `enabled` is false for a call, there is no current run, but this function gives one of which nothing is recorded: a handler that
 * counts on a run goes on, as unprotected as it would be without Latchkey.
 *
 * @example
 * const charge = await requireRun().step('charge', ({ key, signal }) => provider.charge(input, { idempotencyKey: key, signal }))
 * @throws TypeError outside of a run: the call came without a key, or the adapter is not in its path
 */
export function requireRun(): Run;
/**
 * Gives the same, for a run with `transaction: true`: its `session` is certain, and is a `ClientSession` of your own driver.
 *
 * @param needs.transaction true asks for a run in a transaction @default false
 * @example
 * const { session } = requireRun({ transaction: true })
 * await db.collection('orders').insertOne(order, { session })
 * @throws TypeError also in a run without a transaction, and where `enabled` is false for the call: nothing began one
 */
export function requireRun(needs: { transaction: true }): TransactionalRun;
export function requireRun(needs: { transaction?: boolean } = {}): Run {
  const standIn = standInRun();
  const run = currentRun() ?? standIn;
  if (!run) {
    throw new TypeError(
      'Expected requireRun() to be called inside of a run, and there is none here: the call came without an idempotency key ' +
        '(`require: true` refuses such calls), or not by way of Latchkey; use currentRun() where a key is optional',
    );
  }
  if (needs.transaction && standIn) {
    throw new TypeError(
      'Expected requireRun({ transaction: true }) to be called in a transaction, and this call has none, for `enabled` is false for it: ' +
        'use currentRun()?.session, and begin a transaction of your own where that is undefined',
    );
  }
  if (needs.transaction && !run.session) {
    throw new TypeError(
      'Expected requireRun({ transaction: true }) to be called in a transaction, and this run has none: give the operation the policy ' +
        '`transaction: true`',
    );
  }
  return run;
}
