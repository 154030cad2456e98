import { IdempotencyError, refusal } from '../engine/errors.ts';
import type { Held, Store, WriteAnswer } from '../engine/store.ts';
import type { Lease as Terms } from '../engine/transitions.ts';

/**
 * Keeps a held key renewed while its handler runs, and tells the handler when that is no longer so. All times are
 * monotonic, and count from when a renewal was sent: an answer that took long does not stretch the lease.
 */
export class Lease {
  readonly #store: Store;
  readonly #held: Held;
  readonly #terms: Terms;
  readonly #abort = new AbortController();
  #onLost: ((reason: string) => void) | undefined;
  #coveredUntil: number;
  #renewal: NodeJS.Timeout | undefined;
  #end: NodeJS.Timeout | undefined;
  #isSettling = false;
  #isLetGo = false;
  #stopped = false;

  constructor(store: Store, held: Held, terms: Terms, sentAt: number, onLost: (reason: string) => void) {
    this.#store = store;
    this.#held = held;
    this.#terms = terms;
    this.#onLost = onLost;
    this.#coveredUntil = sentAt + terms.leaseMs;
    this.#renewal = this.#nextRenewal(Math.max(0, sentAt + terms.leaseMs / 3 - performance.now()));
    this.#end = this.#armEnd();
  }

  /** Aborts with LEASE_LOST. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Asked after a stalled event loop, whose timers are late. */
  get lost(): boolean {
    if (performance.now() >= this.#coveredUntil) this.#lose(refusal('LEASE_LOST', 'expired'));
    return this.#abort.signal.aborted;
  }

  /** The store said that the record is no longer this holder's. */
  takenOver(): void {
    this.#lose(refusal('LEASE_LOST', 'taken_over'));
  }

  /** The run took longer than its policy allows: the handler is told to stop, and nothing is renewed any more. */
  letGo(maxRunMs: number): void {
    const message = `The run took longer than its maxRunMs of ${maxRunMs} ms; its record is in doubt`;
    clearTimeout(this.#renewal);
    this.#isLetGo = true;
    this.#lose(new IdempotencyError('LEASE_LOST', message, { reason: 'max_run' }));
  }

  /**
   * The record is about to become what the run ended with. A renewal that is under way may find that, or even the next
   * owner of a released key: neither is a loss. The lease is renewed until then, and can still expire.
   */
  settling(): void {
    this.#isSettling = true;
  }

  /** No renewals by itself any more: an open transaction could not be committed after one. It still ends. */
  hold(): void {
    clearTimeout(this.#renewal);
  }

  /** Also lets go of all that it knows of the run around: what a handler left behind may have this run for long. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#renewal);
    clearTimeout(this.#end);
    this.#renewal = undefined;
    this.#end = undefined;
    this.#onLost = undefined;
  }

  /** @throws IdempotencyError STORE_UNAVAILABLE */
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
        nextMs /= 3; // the store did not answer: sooner, while the lease still covers the run
      }
      if (!this.#stopped && !this.#isLetGo) this.#renewal = this.#nextRenewal(nextMs);
    }, delayMs).unref();
  }

  #armEnd(): NodeJS.Timeout {
    return setTimeout(() => this.lost, Math.max(0, this.#coveredUntil - performance.now())).unref();
  }

  #lose(reason: IdempotencyError): void {
    if (this.#abort.signal.aborted || this.#stopped) return;
    this.#abort.abort(reason);
    this.#onLost?.(reason.reason ?? 'expired');
  }
}
