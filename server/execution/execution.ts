import type { Encoded, KeyedCall } from '../call.ts';
import type { DoubtReason, LeaseLossReason } from '../engine/end-reasons.ts';
import { type IdempotencyError, refusal, refusalWith } from '../engine/errors.ts';
import { andThen, isPromise, type MaybePromise } from '../engine/maybe-promise.ts';
import { textOf } from '../engine/reason.ts';
import type { Completion, Held } from '../engine/store.ts';
import type { RunNews } from '../events.ts';
import { type ActiveRun, activeRun, insideRun } from '../run/run.ts';
import type { CallTrace } from '../telemetry.ts';
import { type Claimant, linkTo, type Waits, type WonBy, waitedBy } from './claimant.ts';
import { encodeResult, sealCompletion } from './completion.ts';
import type { Host } from './host.ts';
import { Lease } from './lease.ts';
import { Recorder } from './recorder.ts';
import {
  type EndedRun,
  judgeRun,
  mayHideEffects,
  type OpenEnd,
  type RunSettlement,
  type RunVerdict,
  settlementOf,
} from './settlement.ts';
import { Steps } from './steps.ts';
import { outOfTime } from './transaction-errors.ts';
import { TransactionLoop } from './transaction-loop.ts';

/** A key that was won, and may be run. */
type WonKey = WonBy & {
  readonly held: Held;
  /** `performance.now()` when the write that won was sent: the lease is counted from there. */
  readonly sentAt: number;
};

/** The commit of a transaction has at most so much of the lease set aside for it. */
const COMMIT_MARGIN_MS = 5_000;

/** An execution carries one held key from the won claim to its settlement. */
export class Execution<Value> {
  readonly lease: Lease;
  readonly #host: Host;
  readonly #call: KeyedCall<Value>;
  readonly #held: Held;
  readonly #steps: Steps;
  readonly #sentAt: number;
  readonly #waits: Waits;
  readonly #wonBy: WonBy;
  readonly #trace: CallTrace | undefined;
  readonly #recorder: Recorder;
  #isInHandler = false;
  /** The run has taken longer than its `maxRunMs` when this is true. */
  #isOverdue = false;
  /** By `performance.now()`; undefined where no handler runs. */
  #startedAt: number | undefined;
  /** The run took so long, in ms, once its end was or could not be recorded. */
  #durationMs: number | undefined;
  /** Resolves when the doubt is written, once the run was let go. */
  #doubted: Promise<void> | undefined;

  /** Registers the run and starts its lease. */
  constructor({ host, call, request, waits, trace }: Claimant<Value>, { held, sentAt, ...wonBy }: WonKey) {
    this.#host = host;
    this.#waits = waits;
    this.#wonBy = wonBy;
    this.#trace = trace;
    this.#call = call;
    this.#held = held;
    this.#sentAt = sentAt;
    const end = host.locals.start(request);
    const { store, stopped } = host;
    const onLost = (reason: LeaseLossReason) => {
      end({ to: 'open' });
      this.#emit({ type: 'lease_lost', reason });
    };
    const lease = new Lease({ store, held, terms: call.policy, sentAt, onLost });
    this.lease = lease;
    this.#steps = new Steps({ store, held, lease, policy: call.policy, stopped });
    const selection = call.selections?.[0];
    const emit = this.#emit.bind(this);
    this.#recorder = new Recorder({ host, held, lease, selection, end, emit });
  }

  /** Runs the handler and settles the record. @throws IdempotencyError IDEMPOTENCY_LEASE_LOST when another owner stands */
  run(): Promise<Value> {
    const { transaction, maxRunMs } = this.#call.policy;
    const running = transaction ? this.#runInTransaction() : this.#runOnce();
    return maxRunMs === null ? running : this.#within(maxRunMs, running);
  }

  /** Waits for the run, but no longer than `maxRunMs`. What the handler ends with after that may still be recorded. */
  async #within(maxRunMs: number, running: Promise<Value>): Promise<Value> {
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<never>((_, reject) => {
      timer = setTimeout(() => this.#letGo(maxRunMs).catch(reject), maxRunMs).unref();
    });
    try {
      return await Promise.race([running, overdue]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Lets go of a run that takes too long. A run that has ended already is left to be recorded. Nothing is kept of a
   * transaction, so nothing is in doubt: its key is free when the handler ends after all, or when the lease lapses.
   * @throws IdempotencyError what the caller gets in place of a result
   */
  async #letGo(maxRunMs: number): Promise<void> {
    this.#isOverdue = true;
    if (this.#call.policy.transaction) {
      if (!this.#isInHandler) return;
      this.lease.letGo(maxRunMs);
      throw outOfTime(this.lease.signal.reason);
    }
    if (this.#recorder.hasBegun) return;
    this.lease.letGo(maxRunMs);
    this.#doubted = this.inDoubt('max_run', `took longer than maxRunMs (${maxRunMs} ms)`);
    await this.#doubted;
    throw tookTooLong(maxRunMs, await this.#recordId());
  }

  /** Asks the store for the name of the record. Its answer is worth a read where support will be asked; that there is none is no error. */
  async #recordId(): Promise<string | undefined> {
    const found = await this.#host.store.read(this.#held, 'head').catch(() => undefined);
    return found?.id;
  }

  async #runOnce(): Promise<Value> {
    const run = activeRun(this.#held, this.lease, this.#steps.run);
    this.#start();
    let value: Value;
    let encoded: Encoded;
    try {
      value = await insideRun(run, () => this.#handleWithSteps(run));
      encoded = encodeResult(this.#call, value);
    } catch (error) {
      await this.#record(this.#doubt('handler_rejected', 'handler rejected'));
      throw error;
    }
    const { intention } = run;
    const judged = this.#judge({ encoded, intention, isLeaseLost: this.lease.lost });
    const settlement = isPromise(judged) ? await judged : judged;
    const { doubt } = this.#steps;
    const isHidden = doubt !== undefined && mayHideEffects(settlement);
    await this.#record(isHidden ? this.#doubt('step_not_recorded', doubt) : settlement);
    return value;
  }

  /** Settles the record. Where the run was let go, it is in doubt, and only a result says more than that. */
  async #record(settlement: RunSettlement): Promise<void> {
    if (this.#doubted) await this.#doubted.catch(() => {});
    if (!this.#doubted || settlement.to === 'completed') await this.#recorder.settle(settlement);
  }

  /** Runs the handler until its effects and its completion are committed as one, or nothing of them is kept. */
  async #runInTransaction(): Promise<Value> {
    const { policy } = this.#call;
    const longestMs = policy.leaseMs - Math.min(policy.leaseMs / 4, COMMIT_MARGIN_MS);
    this.lease.hold();
    this.#start();
    const end = await new TransactionLoop<Value>({
      held: this.#held,
      lease: this.lease,
      until: Math.min(this.#sentAt + longestMs, performance.now() + (policy.maxRunMs ?? longestMs)),
      store: this.#host.store,
      policy,
      handler: (run) => this.#handleInTime(run),
      step: this.#steps.run,
      judge: async (value, intention) => {
        const encoded = encodeResult(this.#call, value);
        return { encoded, settlement: await this.#judge({ encoded, intention, isLeaseLost: false }) };
      },
      onRetry: (error, reason) =>
        this.#emit({ type: 'transaction_retried', reason, detail: textOf(error), error }),
    }).run();
    switch (end.to) {
      case 'committed':
        this.#recorder.conclude({ applied: true }, end.completion);
        return end.value;
      case 'rolled_back':
        await this.#recorder.settle(end.settlement);
        if ('error' in end.result) throw end.result.error;
        return end.result.value;
      case 'lost':
        this.stop();
        this.#emit({ type: 'result_not_recorded', reason: 'taken_over' }); // each run that started is said to have ended
        throw refusal('IDEMPOTENCY_LEASE_LOST', 'taken_over');
      case 'unknown':
        this.stop();
        this.#emit({ type: 'result_not_recorded', reason: 'commit_unknown', error: end.error });
        throw refusal('IDEMPOTENCY_IN_PROGRESS', 'commit_unknown', end.error);
      default:
        return end satisfies never;
    }
  }

  /**
   * Stores the answer of a `resolve` function as it is: it speaks of an earlier run, so this one's lease and `classify` have no say.
   * @returns until when it is replayed, by the clock of this process
   */
  async complete(encoded: Encoded): Promise<Date> {
    const completion = await this.#complete(encoded);
    const expiresAt = new Date(Date.now() + completion.retentionMs);
    await this.#recorder.settle(completion);
    return expiresAt;
  }

  async inDoubt(because: DoubtReason, reason: string): Promise<void> {
    await this.#recorder.settle(this.#doubt(because, reason));
  }

  /** Lets go of the key, and writes nothing. */
  stop(): void {
    this.#recorder.stop();
  }

  /** Decides what becomes of the record, and seals the result where it is to be stored. */
  #judge(run: EndedRun): MaybePromise<RunSettlement> {
    const { policy } = this.#call;
    return andThen<RunVerdict, RunSettlement>(judgeRun(run, policy.classify), (verdict) =>
      verdict.to === 'completed' ? this.#complete(run.encoded) : settlementOf(verdict, policy),
    );
  }

  #complete(encoded: Encoded): MaybePromise<Completion> {
    return sealCompletion(encoded, {
      call: this.#call,
      held: this.#held,
      stepBytes: this.#steps.bytes,
      onUnsealed: (error) => this.#emit({ type: 'result_not_recorded', reason: 'unsealed', error }),
    });
  }

  #doubt(because: DoubtReason, reason: string): RunSettlement {
    const end: OpenEnd = { to: 'in_doubt', because, reason };
    return settlementOf(end, this.#call.policy);
  }

  /** Calls the handler, and waits for the steps that it has left under way. */
  async #handleWithSteps(run: ActiveRun): Promise<Value> {
    try {
      return await this.#handle(run);
    } finally {
      const underWay = this.#steps.end();
      if (underWay) await underWay;
    }
  }

  #handle(run: ActiveRun): Promise<Value> {
    const handle = () => this.#call.handler(run);
    return this.#trace ? this.#trace.around(handle) : handle();
  }

  #start(): void {
    this.#startedAt = performance.now();
    this.#emit({ type: 'started', how: this.#wonBy.how, ...waitedBy(this.#waits) });
  }

  /** Calls the handler of a transaction, unless the run is overdue. */
  async #handleInTime(run: ActiveRun): Promise<Value> {
    if (this.#isOverdue) throw outOfTime(undefined); // before its timer, by a hair
    this.#isInHandler = true;
    try {
      return await this.#handle(run);
    } finally {
      this.#isInHandler = false;
    }
  }

  #emit(news: RunNews): void {
    const { scope, key, attempts, fence } = this.#held;
    const { operation } = this.#call;
    const names = { scope, key, operation, attempt: attempts, fence };
    this.#host.emit({ ...news, ...names, ...this.#duration(news), ...this.#link(news) });
  }

  /** What takes over from a lost run speaks of that run: when it starts, or when it answers for that run without one of its own. */
  #link({ type }: RunNews): { readonly linkedTo?: string } {
    if (this.#wonBy.how === 'claimed') return {};
    return type === 'started' || this.#startedAt === undefined ? linkTo(this.#wonBy.lost) : {};
  }

  /** A run's end may be told twice, the second time when the store is back: the run has not become longer by that. */
  #duration({ type }: RunNews): { readonly durationMs?: number } {
    if (this.#startedAt === undefined || type === 'started' || type === 'transaction_retried') return {};
    const durationMs = this.#durationMs ?? performance.now() - this.#startedAt;
    if (type !== 'lease_lost') this.#durationMs = durationMs;
    return { durationMs };
  }
}

function tookTooLong(maxRunMs: number, recordId: string | undefined): IdempotencyError {
  const message = `The request ran for more than ${maxRunMs} ms; its effect is unknown, and an operator has to decide`;
  return refusalWith('IDEMPOTENCY_IN_DOUBT', {
    message,
    reason: 'max_run',
    ...(recordId !== undefined && { recordId }),
  });
}
