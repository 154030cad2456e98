import type { LeaseLossReason } from '../engine/end-reasons.ts';
import { type IdempotencyError, refusal, refusalWith } from '../engine/errors.ts';
import type { Held, Store, WriteAnswer } from '../engine/store.ts';
import type { LeaseTerms } from '../engine/transitions.ts';

export interface LeaseOptions {
  readonly store: Store;
  readonly held: Held;
  readonly terms: LeaseTerms;
  /** `performance.now()` when the write that won was sent. */
  readonly sentAt: number;
  /** Is told once why the lease is lost. */
  readonly onLost: (reason: LeaseLossReason) => void;
}

/**
 * A lease keeps a held key renewed while its handler runs, and tells the handler when the key can no longer be relied on.
 * All times are monotonic, and count from when a renewal was sent: an answer that took long does not stretch the lease.
 */
export class Lease {
  readonly #store: Store;
  readonly #held: Held;
  readonly #terms: LeaseTerms;
  /** This controller is made when somebody asks for the signal: most handlers do not, and it is among the dearest parts of a run. */
  #abort: AbortController | undefined;
  /** Why the lease is lost, once it is. */
  #loss: IdempotencyError | undefined;
  #onLost: ((reason: LeaseLossReason) => void) | undefined;
  #coveredUntil: number;
  #renewal: NodeJS.Timeout | undefined;
  #end: NodeJS.Timeout | undefined;
  #isSettling = false;
  #isLetGo = false;
  #stopped = false;

  constructor({ store, held, terms, sentAt, onLost }: LeaseOptions) {
    this.#store = store;
    this.#held = held;
    this.#terms = terms;
    this.#onLost = onLost;
    this.#coveredUntil = sentAt + terms.leaseMs;
    this.#renewal = this.#nextRenewal(Math.max(0, sentAt + terms.leaseMs / 3 - performance.now()));
    this.#end = this.#armEnd();
  }

  /** The signal aborts with IDEMPOTENCY_LEASE_LOST once the lease is lost, and has aborted by the time that it is asked for. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.lost) this.#abort.abort(this.#loss);
    return this.#abort.signal;
  }

  get lost(): boolean {
    this.#lookAtTheClock();
    return this.#loss !== undefined;
  }

  /** Loses the lease, because the store said that the record is no longer this holder's. */
  takenOver(): void {
    this.#lose('taken_over', refusal('IDEMPOTENCY_LEASE_LOST', 'taken_over'));
  }

  /** Loses the lease of a run that took longer than its policy allows: its handler is told to stop, and renewals end. */
  letGo(maxRunMs: number): void {
    const message = `The run took longer than its maxRunMs of ${maxRunMs} ms; its record is in doubt`;
    clearTimeout(this.#renewal);
    this.#isLetGo = true;
    this.#lose('max_run', refusalWith('IDEMPOTENCY_LEASE_LOST', { message, reason: 'max_run' }));
  }

  /**
   * Prepares the lease for the write of the run's end. A renewal that is under way may find that end in the record, or even
   * the next owner of a released key: neither is a loss. The lease is renewed until then, and can still expire.
   */
  settling(): void {
    this.#isSettling = true;
  }

  /** Stops automatic renewal, which would abort the open transaction. The lease can still run out. */
  hold(): void {
    clearTimeout(this.#renewal);
  }

  /** Ends the lease and forgets the run around it: work that a handler left behind may keep the lease for long. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#renewal);
    clearTimeout(this.#end);
    this.#renewal = undefined;
    this.#end = undefined;
    this.#onLost = undefined;
  }

  /** Renews the lease now. @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE */
  async renew(): Promise<WriteAnswer> {
    const sentAt = performance.now();
    const answer = await this.#store.renew(this.#held, this.#terms);
    if (this.#stopped) return answer;
    if (!answer.applied) {
      if (!this.#isSettling) this.takenOver();
      return answer;
    }
    this.#coveredUntil = Math.max(this.#coveredUntil, sentAt + this.#terms.leaseMs);
    clearTimeout(this.#end);
    this.#end = this.#armEnd();
    return answer;
  }

  #nextRenewal(delayMs: number): NodeJS.Timeout {
    return setTimeout(async () => {
      let nextMs = this.#terms.leaseMs / 3;
      try {
        if (!(await this.renew()).applied) return;
      } catch {
        nextMs /= 3; // the store did not answer: try sooner, while the lease still covers the run
      }
      if (!this.#stopped && !this.#isLetGo) this.#renewal = this.#nextRenewal(nextMs);
    }, delayMs).unref();
  }

  #armEnd(): NodeJS.Timeout {
    return setTimeout(() => this.lost, Math.max(0, this.#coveredUntil - performance.now())).unref();
  }

  /** A process that was frozen wakes with late timers: whatever was due before the end of the lease goes on first. */
  #lookAtTheClock(): void {
    if (performance.now() >= this.#coveredUntil)
      this.#lose('expired', refusal('IDEMPOTENCY_LEASE_LOST', 'expired'));
  }

  #lose(reason: LeaseLossReason, error: IdempotencyError): void {
    if (this.#loss || this.#stopped) return;
    this.#loss = error;
    this.#abort?.abort(error);
    this.#onLost?.(reason);
  }
}
