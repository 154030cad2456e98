import { refusal } from './engine/errors.ts';
import type { Held, Store, WriteAnswer } from './engine/store.ts';
import type { Lease as Terms } from './engine/transitions.ts';

/**
 * Keeps a held key renewed while its handler runs, and tells the handler when that is no longer so. All times are
 * monotonic, and count from when a renewal was sent: an answer that took long does not stretch the lease.
 */
export class Lease {
  readonly #store: Store;
  readonly #held: Held;
  readonly #terms: Terms;
  readonly #onLost: () => void;
  readonly #abort = new AbortController();
  #coveredUntil: number;
  #renewal: NodeJS.Timeout;
  #end: NodeJS.Timeout;
  #stopped = false;

  constructor(store: Store, held: Held, terms: Terms, sentAt: number, onLost: () => void) {
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
    if (performance.now() >= this.#coveredUntil) this.#lose('expired');
    return this.#abort.signal.aborted;
  }

  /** The store said that the record is no longer this holder's. */
  takenOver(): void {
    this.#lose('taken_over');
  }

  /** No renewals by itself any more: an open transaction could not be committed after one. It still ends. */
  hold(): void {
    clearTimeout(this.#renewal);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#renewal);
    clearTimeout(this.#end);
  }

  /** @throws IdempotencyError STORE_UNAVAILABLE */
  async renew(): Promise<WriteAnswer> {
    const sentAt = performance.now();
    const answer = await this.#store.renew(this.#held, this.#terms);
    if (this.#stopped) return answer;
    if (!answer.applied) {
      this.takenOver();
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
      if (!this.#stopped) this.#renewal = this.#nextRenewal(nextMs);
    }, delayMs).unref();
  }

  #armEnd(): NodeJS.Timeout {
    return setTimeout(() => this.lost, Math.max(0, this.#coveredUntil - performance.now())).unref();
  }

  #lose(reason: 'expired' | 'taken_over'): void {
    if (this.#abort.signal.aborted || this.#stopped) return;
    this.#abort.abort(refusal('LEASE_LOST', reason));
    this.#onLost();
  }
}
