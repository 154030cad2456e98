import type { Encoded } from '../call.ts';
import { refusal } from '../engine/errors.ts';
import type { Blame, Completion, Held, Transaction } from '../engine/store.ts';
import type { Settlement } from '../engine/transitions.ts';
import { type ActiveRun, activeRun, type Intention, insideRun } from '../run.ts';
import { errorsIn } from './errors-in.ts';
import type { Lease } from './lease.ts';
import { pause } from './pause.ts';
import { endedByHandler, outOfTime, transactionGone } from './transaction-errors.ts';

/** So many transactions that the store no longer had are taken for the handler's own doing. */
const MOST_GONE = 3;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 500;

/** A held key whose handler is to run in a transaction. */
export interface TransactionalCall<Value> {
  readonly held: Held;
  readonly lease: Lease;
  /** By `performance.now()`: what is not ready to be committed then is rolled back. */
  readonly until: number;
  begin(): Transaction;
  handler(run: ActiveRun): Promise<Value>;
  /** Refuses: a transaction is all or nothing. */
  step(name: string, fn: () => unknown): Promise<unknown>;
  judge(value: Value, intention: Intention | undefined): Promise<Judged>;
  /** For a run that left nothing behind, unless its handler said otherwise. */
  released(reason: string, intention?: Intention): Settlement;
  inDoubt(reason: string): Settlement;
  onRetry(error: unknown): void;
}

export type TransactionalEnd<Value> =
  /** With its completion. */
  | { readonly to: 'committed'; readonly value: Value; readonly completion: Completion }
  /** The record is still to be settled. */
  | { readonly to: 'rolled_back'; readonly settlement: Settlement; readonly result: Result<Value> }
  /** The record is no longer this holder's. */
  | { readonly to: 'lost' }
  /** Perhaps committed, perhaps not: the record will say. */
  | { readonly to: 'unknown'; readonly error: unknown };

interface Judged {
  readonly encoded: Encoded;
  readonly settlement: Settlement;
}

interface JudgedResult<Value> {
  readonly result: Result<Value>;
  readonly judged?: Judged;
}

type Result<Value> = { readonly value: Value } | { readonly error: unknown };

/** An attempt that left nothing behind, and may have had bad luck. */
interface Again<Value> {
  readonly to: 'again';
  readonly blame: Exclude<Blame, 'final'>;
  readonly error: unknown;
  /** What it comes to when bad luck is not believed any more. */
  readonly otherwise?: TransactionalEnd<Value>;
  /** What was to be committed. */
  readonly committing?: { readonly value: Value; readonly completion: Completion };
}

/**
 * Runs the handler in transactions, one after the other, until one is committed or none is to be.
 *
 * Not by the driver's `withTransaction` (docs/adr/0004): each attempt has a session of its own, so that nothing which an
 * attempt left behind gets into the next one, and all of them together end within the lease.
 */
export class TransactionalRun<Value> {
  readonly #call: TransactionalCall<Value>;
  #gone = 0;

  constructor(call: TransactionalCall<Value>) {
    this.#call = call;
  }

  async run(): Promise<TransactionalEnd<Value>> {
    for (let retries = 0; ; retries++) {
      const end = await this.#attempt();
      if (end.to !== 'again') return end;
      if (end.blame === 'gone' && ++this.#gone === MOST_GONE) {
        return end.otherwise ?? this.#failed('transaction gone', transactionGone(MOST_GONE, end.error));
      }
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** retries, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
      if (performance.now() + pauseMs >= this.#call.until) {
        return this.#failed('out of time', outOfTime(end.error));
      }
      this.#call.onRetry(end.error);
      await pause(pauseMs, this.#call.lease.signal);
      const stop = await this.#renew(end);
      if (stop) return stop;
    }
  }

  async #attempt(): Promise<TransactionalEnd<Value> | Again<Value>> {
    const { begin, released, inDoubt } = this.#call;
    let transaction: Transaction;
    try {
      transaction = begin();
    } catch (error) {
      return this.#failed('store unavailable', error);
    }
    const { run, result: returned, isLate } = await this.#handle(transaction);
    const { intention } = run;
    if (isLate) {
      await transaction.abort();
      return rolledBack(released('out of time', intention), { error: outOfTime(errorOf(returned)) });
    }
    if (!transaction.session.inTransaction()) {
      await transaction.abort();
      const error = endedByHandler(errorOf(returned));
      return rolledBack(inDoubt('the handler ended its transaction'), { error });
    }
    const { result, judged } = await this.#judge(returned, intention);
    const settlement = judged?.settlement ?? released('handler rejected', intention);
    if ('value' in result && settlement.to === 'completed' && settlement.outcome === 'success') {
      return this.#commit(transaction, result.value, settlement);
    }
    const end = rolledBack(settlement, result);
    // Not even after a conflict is a handler run again that does not know what it did elsewhere.
    const isSettled = intention?.to === 'in_doubt' || judged?.encoded.outcome === 'success';
    const failure = judged?.encoded.result ?? errorOf(result);
    const again = isSettled ? undefined : await againAfter(failure, transaction, end);
    await transaction.abort();
    return again ?? end;
  }

  /** Waits for the handler's end, however late: what is written after it then comes after all that it did. */
  async #handle(transaction: Transaction) {
    const { held, lease, until, handler, step } = this.#call;
    const timeout = new AbortController();
    const expire = () => {
      timeout.abort(refusal('LEASE_LOST', 'transaction_timeout'));
      transaction.abort();
    };
    const timer = setTimeout(expire, Math.max(0, until - performance.now()));
    lease.signal.addEventListener('abort', expire);
    const signal = AbortSignal.any([lease.signal, timeout.signal]);
    const run = activeRun(held, signal, step, transaction.session);
    let result: Result<Value>;
    try {
      result = { value: await insideRun(run, () => handler(run)) };
    } catch (error) {
      result = { error };
    }
    clearTimeout(timer);
    lease.signal.removeEventListener('abort', expire);
    // A stalled event loop has late timers.
    return { run, result, isLate: timeout.signal.aborted || performance.now() >= until };
  }

  /** A result whose outcome can not be told is that of a handler that rejected: nothing of it is kept. */
  async #judge(result: Result<Value>, intention: Intention | undefined): Promise<JudgedResult<Value>> {
    if ('error' in result) return { result };
    try {
      return { result, judged: await this.#call.judge(result.value, intention) };
    } catch (error) {
      return { result: { error } };
    }
  }

  async #commit(
    transaction: Transaction,
    value: Value,
    completion: Completion,
  ): Promise<TransactionalEnd<Value> | Again<Value>> {
    const committing = { value, completion };
    try {
      const answer = await transaction.commit(completion);
      switch (answer.to) {
        case 'committed':
          return { to: 'committed', ...committing };
        case 'stale':
          return { to: 'lost' };
        case 'unknown':
          return answer;
        case 'aborted':
          return { ...answer, to: 'again', committing };
        default:
          return answer satisfies never;
      }
    } catch (error) {
      return this.#failed('store unavailable', error);
    } finally {
      await transaction.abort();
    }
  }

  /** Undefined: the lease is as good as new. What seemed aborted may turn out to have been committed. */
  async #renew({ committing }: Again<Value>): Promise<TransactionalEnd<Value> | undefined> {
    const { held, lease } = this.#call;
    try {
      const answer = await lease.renew();
      if (answer.applied) return undefined;
      const { owner, fence, state } = answer.stands ?? {};
      const isOurs = owner === held.owner && fence === held.fence;
      return isOurs && state === 'completed' && committing
        ? { to: 'committed', ...committing }
        : { to: 'lost' };
    } catch (error) {
      return this.#failed('store unavailable', error);
    }
  }

  #failed(reason: string, error: unknown): TransactionalEnd<Value> {
    return rolledBack(this.#call.released(reason), { error });
  }
}

/** Whether an outcome that is not to be committed is the transaction's misfortune, and not what the handler had to say. */
async function againAfter<Value>(
  failure: unknown,
  transaction: Transaction,
  otherwise: TransactionalEnd<Value>,
): Promise<Again<Value> | undefined> {
  const errors = errorsIn(failure);
  const blames = errors.map((error) => transaction.blame(error));
  const found = (blame: Blame) => errors[blames.indexOf(blame)];
  if (blames.includes('transient')) return { to: 'again', blame: 'transient', error: found('transient') };
  if (blames.includes('final')) return undefined;
  if (blames.includes('gone')) return { to: 'again', blame: 'gone', error: found('gone') };
  // The handler may have made an answer of its own out of the error, which is then nowhere to be seen.
  return (await transaction.isAlive())
    ? undefined
    : { to: 'again', blame: 'gone', error: failure, otherwise };
}

const errorOf = (result: Result<unknown>): unknown => ('error' in result ? result.error : undefined);

function rolledBack<Value>(settlement: Settlement, result: Result<Value>): TransactionalEnd<Value> {
  return { to: 'rolled_back', settlement, result };
}
