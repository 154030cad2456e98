import { sealContent } from '../bodies/bodies.ts';
import { hidesOf } from '../bodies/redaction.ts';
import type { Encoded, KeyedCall } from '../call.ts';
import { IdempotencyError, refusal } from '../engine/errors.ts';
import { isOperator } from '../engine/operator.ts';
import { RECORD_ROOM_BYTES, type StoredBody } from '../engine/record.ts';
import type { Held, Store, Transaction, WriteAnswer } from '../engine/store.ts';
import type { Settlement } from '../engine/transitions.ts';
import type { IdempotencyEvent } from '../events.ts';
import { textOf } from '../reason.ts';
import { type ActiveRun, activeRun, insideRun } from '../run.ts';
import type { Claimant } from './claimant.ts';
import type { Host } from './host.ts';
import { Lease } from './lease.ts';
import type { LocalEnd } from './local-runs.ts';
import { pause } from './pause.ts';
import { intended, mayHideEffects, settlementOf } from './settlement.ts';
import { Steps } from './steps.ts';
import { outOfTime } from './transaction-errors.ts';
import { TransactionalRun } from './transactional-run.ts';

const RECORDING_LIMIT_MS = 10 * 60_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
/** Most of a lease that is set aside for the commit of a transaction. */
const COMMIT_MARGIN_MS = 5_000;

/** One held key, from the won claim to its settlement. */
export class Execution<Value> {
  readonly lease: Lease;
  readonly #host: Host;
  readonly #call: KeyedCall<Value>;
  readonly #held: Held;
  readonly #steps: Steps;
  readonly #sentAt: number;
  readonly #end: (end: LocalEnd) => void;
  #isInHandler = false;
  #isSettling = false;
  /** By `maxRunMs`. */
  #isOverdue = false;
  /** What was written of a run that was let go. */
  #doubted: Promise<void> | undefined;

  /** @param sentAt `performance.now()` when the write that won was sent: the lease is counted from there */
  constructor({ host, call, request }: Claimant<Value>, held: Held, sentAt: number) {
    this.#host = host;
    this.#call = call;
    this.#held = held;
    this.#sentAt = sentAt;
    this.#end = host.locals.start(request);
    this.lease = new Lease(host.store, held, call.policy, sentAt, (reason) => {
      this.#end({ to: 'open' });
      this.#emit('lease_lost', { reason });
    });
    const { store, stopped } = host;
    const { lease } = this;
    this.#steps = new Steps({ store, held, lease, policy: call.policy, stopped });
  }

  /** Runs the handler and settles the record. @throws IdempotencyError LEASE_LOST when another owner stands */
  async run(): Promise<Value> {
    const { transaction, maxRunMs } = this.#call.policy;
    const running = transaction ? this.#runInTransaction() : this.#runOnce();
    return maxRunMs === null ? running : this.#within(maxRunMs, running);
  }

  /** A handler that takes longer is waited for by nobody; what it ends with may still be recorded. */
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
   * What has ended already is left to be recorded. Of a transaction nothing is kept, so nothing is in doubt: its key is free
   * when the handler ends after all, or when the lease lapses.
   * @throws IdempotencyError what the caller gets in place of a result
   */
  async #letGo(maxRunMs: number): Promise<void> {
    this.#isOverdue = true;
    if (this.#call.policy.transaction) {
      if (!this.#isInHandler) return;
      this.lease.letGo(maxRunMs);
      throw outOfTime(this.lease.signal.reason);
    }
    if (this.#isSettling) return;
    this.lease.letGo(maxRunMs);
    this.#doubted = this.inDoubt(`took longer than maxRunMs (${maxRunMs} ms)`);
    await this.#doubted;
    throw tookTooLong(maxRunMs);
  }

  async #runOnce(): Promise<Value> {
    const run = activeRun(this.#held, this.lease.signal, this.#steps.run);
    this.#emit('started');
    let value: Value;
    let encoded: Encoded;
    try {
      value = await insideRun(run, () => this.#call.handler(run).finally(() => this.#steps.end()));
      encoded = encodedBy(this.#call, value);
    } catch (error) {
      await this.#record(this.#doubt('handler rejected'));
      throw error;
    }
    const complete = () => this.#completed(encoded);
    const { policy } = this.#call;
    const settlement = await settlementOf(encoded, run.intention, this.lease.lost, policy, complete);
    const { doubt } = this.#steps;
    await this.#record(doubt && mayHideEffects(settlement) ? this.#doubt(doubt) : settlement);
    return value;
  }

  /** Of a run that was let go, and is in doubt, only a result says more than that. */
  async #record(settlement: Settlement): Promise<void> {
    await this.#doubted?.catch(() => {});
    if (!this.#doubted || settlement.to === 'completed') await this.#settle(settlement);
  }

  /** Runs the handler until its effects and its completion are committed as one, or nothing of them is kept. */
  async #runInTransaction(): Promise<Value> {
    const { policy } = this.#call;
    const longestMs = policy.leaseMs - Math.min(policy.leaseMs / 4, COMMIT_MARGIN_MS);
    this.lease.hold();
    this.#emit('started');
    const end = await new TransactionalRun<Value>({
      held: this.#held,
      lease: this.lease,
      until: Math.min(this.#sentAt + longestMs, performance.now() + (policy.maxRunMs ?? longestMs)),
      begin: () => beginIn(this.#host.store, this.#held),
      handler: (run) => this.#handledIn(run),
      step: this.#steps.run,
      judge: async (value, intention) => {
        const encoded = encodedBy(this.#call, value);
        const complete = () => this.#completed(encoded);
        return { encoded, settlement: await settlementOf(encoded, intention, false, policy, complete) };
      },
      released: (reason, intention) => intended(intention ?? { to: 'release', reason }, policy),
      inDoubt: (reason) => this.#doubt(reason),
      onRetry: (error) => this.#emit('transaction_retried', { reason: textOf(error), error }),
    }).run();
    switch (end.to) {
      case 'committed':
        this.#conclude({ applied: true }, end.completion);
        return end.value;
      case 'rolled_back':
        await this.#settle(end.settlement);
        if ('error' in end.result) throw end.result.error;
        return end.result.value;
      case 'lost':
        this.stop();
        this.#emit('result_not_recorded', { reason: 'taken_over' }); // each run that started is said to have ended
        throw refusal('LEASE_LOST', 'taken_over');
      case 'unknown':
        this.stop();
        this.#emit('result_not_recorded', { error: end.error });
        throw refusal('IN_PROGRESS', 'commit_unknown', end.error);
      default:
        return end satisfies never;
    }
  }

  /** Stores a resolver's answer as it is: it speaks of an earlier run, so this one's lease and `classify` have no say. */
  async complete(encoded: Encoded): Promise<void> {
    await this.#settle(await this.#completed(encoded));
  }

  async inDoubt(reason: string): Promise<void> {
    await this.#settle(this.#doubt(reason));
  }

  #doubt(reason: string): Settlement {
    return intended({ to: 'in_doubt', reason }, this.#call.policy);
  }

  async #handledIn(run: ActiveRun): Promise<Value> {
    if (this.#isOverdue) throw outOfTime(undefined); // before its timer, by a hair
    this.#isInHandler = true;
    try {
      return await this.#call.handler(run);
    } finally {
      this.#isInHandler = false;
    }
  }

  /** Lets go of the key, and writes nothing. */
  stop(): void {
    this.#stop({ to: 'open' });
  }

  async #completed(encoded: Encoded): Promise<Settlement> {
    const { retentionMs } = this.#call.policy;
    return {
      to: 'completed',
      outcome: encoded.outcome,
      response: await this.#stored(encoded),
      retentionMs,
    };
  }

  /** The effect has happened: what the developer's `cipher` or `redact` fails on is not kept, least of all in clear text. */
  async #stored(encoded: Encoded): Promise<StoredBody> {
    const { policy, codec } = this.#call;
    const { format } = codec;
    if (policy.retain === 'outcome') return { format, bytes: 0, omitted: 'not_kept' };
    const { scope, key, life } = this.#held;
    try {
      const place = { scope, key, life, part: 'response', format } as const;
      // The result gets what the steps leave of the record.
      const maxBytes = Math.min(policy.maxResultBytes, RECORD_ROOM_BYTES - this.#steps.bytes);
      return await sealContent(encoded, place, policy, maxBytes);
    } catch (error) {
      this.#emit('result_not_recorded', { reason: 'unsealed', error });
      return { format, bytes: 0, omitted: 'unsealed' };
    }
  }

  /** The caller's result is true whatever happens here; only a newer owner's result takes precedence. */
  async #settle(settlement: Settlement): Promise<void> {
    this.#isSettling = true;
    this.lease.settling();
    let answer: WriteAnswer;
    try {
      answer = await this.#sent(settlement);
    } catch (error) {
      this.#emit('result_not_recorded', { error });
      this.#host.track(this.#keepTrying(settlement));
      return;
    }
    this.#conclude(answer, settlement);
    if (!answer.applied && answer.stands && !this.#isOurs(answer.stands)) {
      throw refusal('LEASE_LOST');
    }
  }

  /**
   * A released key may have its next owner before the answer to the release is here, or when a lost answer makes the store
   * send it again. Nobody else could have it: the lease was not lost. Only an operator can take it from a run, and is named.
   */
  async #sent(settlement: Settlement): Promise<WriteAnswer> {
    const answer = await this.#host.store.settle(this.#held, settlement);
    if (answer.applied || settlement.to !== 'released' || this.lease.lost) return answer;
    const { stands } = answer;
    const hasNext = stands && stands.fence > this.#held.fence && !isOperator(stands.owner);
    return hasNext ? { applied: true } : answer;
  }

  async #keepTrying(settlement: Settlement): Promise<void> {
    const until = performance.now() + RECORDING_LIMIT_MS;
    let pauseMs = FIRST_PAUSE_MS;
    while (performance.now() < until && !this.#host.stopped.aborted) {
      await pause(pauseMs, this.#host.stopped);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      try {
        this.#conclude(await this.#sent(settlement), settlement);
        return;
      } catch {
        // Still not there; nothing runs twice meanwhile: the record is running or in doubt.
      }
    }
    this.stop();
  }

  #conclude(answer: WriteAnswer, settlement: Settlement): void {
    if (answer.applied && settlement.to === 'completed') {
      const selection = this.#call.selections?.[0];
      this.#stop({ to: 'completed', response: settlement.response, life: this.#held.life, selection });
    } else {
      this.stop();
    }
    const reason = settlement.to === 'completed' ? settlement.outcome : settlement.reason;
    if (answer.applied) this.#emit(settlement.to, { reason });
    else this.#emit('result_not_recorded', { reason: answer.stands?.state ?? 'gone' });
  }

  #stop(end: LocalEnd): void {
    this.lease.stop();
    this.#end(end);
  }

  #isOurs(stands: Pick<Held, 'owner' | 'fence'>): boolean {
    return stands.owner === this.#held.owner && stands.fence === this.#held.fence;
  }

  #emit(type: IdempotencyEvent['type'], more: Pick<IdempotencyEvent, 'reason' | 'error'> = {}): void {
    const { scope, key, attempts, fence } = this.#held;
    this.#host.emit({ type, scope, key, operation: this.#call.operation, attempt: attempts, fence, ...more });
  }
}

/** @throws when the codec can not tell the outcome */
export function encodedBy<Value>({ codec, policy }: KeyedCall<Value>, value: Value): Encoded {
  return codec.encode(value, hidesOf(policy.redact));
}

function tookTooLong(maxRunMs: number): IdempotencyError {
  const message = `The request ran for more than ${maxRunMs} ms; its effect is unknown, and an operator has to decide`;
  return new IdempotencyError('IN_DOUBT', message, { reason: 'max_run' });
}

function beginIn(store: Store, held: Held): Transaction {
  if (!store.begin) throw refusal('STORE_UNAVAILABLE', 'no_transactions'); // ready() has said so before
  return store.begin(held);
}
