import type { Encoded } from '../call.ts';
import type { ReleaseReason } from '../engine/end-reasons.ts';
import { refusal } from '../engine/errors.ts';
import type { ResolvedPolicy } from '../engine/policy.ts';
import type { Completion, Held, Store, Transaction } from '../engine/store.ts';
import { type ActiveRun, activeRun, type Intention, insideRun, type StepRunner } from '../run/run.ts';
import type { Lease } from './lease.ts';
import { pause } from './pause.ts';
import { asked, type RunSettlement, settlementOf } from './settlement.ts';
import { endedByHandler, outOfTime, transactionGone } from './transaction-errors.ts';
import {
  type Again,
  errorOf,
  type Result,
  retryOrEnd,
  rolledBack,
  type TransactionalEnd,
} from './transactional-end.ts';

/** After so many transactions that the store no longer had, the handler itself is taken for the cause. */
const MOST_GONE = 3;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 500;

/** A transactional call holds a key whose handler is to run in a transaction. */
export interface TransactionalCall<Value> {
  readonly held: Held;
  readonly lease: Lease;
  readonly store: Store;
  readonly policy: ResolvedPolicy;
  /** By `performance.now()`: an attempt that is not ready to be committed then is rolled back. */
  readonly until: number;
  handler(run: ActiveRun): Promise<Value>;
  /** Refuses each step, for a transaction is all or nothing. */
  readonly step: StepRunner;
  /** Decides what becomes of the record of a handler that has returned. */
  judge(value: Value, intention: Intention | undefined): Promise<Judged>;
  onRetry(error: unknown, blame: 'transient' | 'gone'): void;
}

interface Judged {
  readonly encoded: Encoded;
  readonly settlement: RunSettlement;
}

interface JudgedResult<Value> {
  readonly result: Result<Value>;
  readonly judged?: Judged;
}

/**
 * A `TransactionLoop` runs the handler in transactions, one after the other, until one is committed or none is to be.
 *
 * It does not use the driver's `withTransaction` (docs/adr/0004): each attempt has a session of its own, so that nothing which an
 * attempt left behind gets into the next one, and all of them together end within the lease.
 */
export class TransactionLoop<Value> {
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
        return end.otherwise ?? this.#failed('transaction_gone', transactionGone(MOST_GONE, end.error));
      }
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** retries, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
      if (performance.now() + pauseMs >= this.#call.until) {
        return this.#failed('out_of_time', outOfTime(end.error));
      }
      this.#call.onRetry(end.error, end.blame);
      await pause(pauseMs, this.#call.lease.signal);
      const renewed = await this.#renew(end);
      if (renewed.to !== 'renewed') return renewed;
    }
  }

  async #attempt(): Promise<TransactionalEnd<Value> | Again<Value>> {
    let transaction: Transaction;
    try {
      transaction = this.#begin();
    } catch (error) {
      return this.#failed('store_unavailable', error);
    }
    const { run, result: returned, isLate } = await this.#handle(transaction);
    const { intention } = run;
    if (isLate) {
      await transaction.abort();
      return rolledBack(this.#released('out_of_time', intention), { error: outOfTime(errorOf(returned)) });
    }
    if (!transaction.session.inTransaction()) {
      await transaction.abort();
      const error = endedByHandler(errorOf(returned));
      const reason = 'the handler ended its transaction';
      const end = { to: 'in_doubt', because: 'transaction_ended', reason } as const;
      return rolledBack(settlementOf(end, this.#call.policy), { error });
    }
    const { result, judged } = await this.#judge(returned, intention);
    const settlement = judged?.settlement ?? this.#released('handler_rejected', intention);
    if ('value' in result && settlement.to === 'completed' && settlement.outcome === 'success') {
      return this.#commit(transaction, result.value, settlement);
    }
    const end = rolledBack(settlement, result);
    // A handler that does not know what it did elsewhere is not run again, not even after a conflict.
    const isSettled = intention?.to === 'in_doubt' || judged?.encoded.outcome === 'success';
    const failure = judged?.encoded.result ?? errorOf(result);
    const next = isSettled ? end : await retryOrEnd(failure, transaction, end);
    await transaction.abort();
    return next;
  }

  #begin(): Transaction {
    const { store, held } = this.#call;
    if (!store.begin) throw refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'no_transactions'); // ready() has said so before
    return store.begin(held);
  }

  /** Runs the handler to its end, however late: what is written then comes after all that the handler did. */
  async #handle(transaction: Transaction) {
    const { held, lease, until, handler, step } = this.#call;
    const timeout = new AbortController();
    const expire = () => {
      timeout.abort(refusal('IDEMPOTENCY_LEASE_LOST', 'transaction_timeout'));
      transaction.abort();
    };
    const timer = setTimeout(expire, Math.max(0, until - performance.now()));
    lease.signal.addEventListener('abort', expire);
    const signal = AbortSignal.any([lease.signal, timeout.signal]);
    const run = activeRun(held, { signal }, step, transaction.session);
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

  /** Judges a result. One whose outcome can not be told counts as that of a handler that rejected: nothing of it is kept. */
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
      return this.#failed('store_unavailable', error);
    } finally {
      await transaction.abort();
    }
  }

  /** Renews the lease for a new attempt. An attempt that seemed aborted may turn out to have been committed. */
  async #renew({ committing }: Again<Value>): Promise<TransactionalEnd<Value> | { readonly to: 'renewed' }> {
    const { held, lease } = this.#call;
    try {
      const answer = await lease.renew();
      if (answer.applied) return { to: 'renewed' };
      const { owner, fence, state } = answer.stands ?? {};
      const isOurs = owner === held.owner && fence === held.fence;
      return isOurs && state === 'completed' && committing
        ? { to: 'committed', ...committing }
        : { to: 'lost' };
    } catch (error) {
      return this.#failed('store_unavailable', error);
    }
  }

  #failed(because: ReleaseReason, error: unknown): TransactionalEnd<Value> {
    return rolledBack(this.#released(because), { error });
  }

  /** Settles a run that left nothing behind, unless its handler said otherwise. */
  #released(because: ReleaseReason, intention?: Intention): RunSettlement {
    const otherwise = { to: 'release', because, reason: because.replaceAll('_', ' ') } as const;
    return settlementOf(intention ? asked(intention) : otherwise, this.#call.policy);
  }
}
