import type { ClaimRequest } from '../../engine/decide.ts';
import { refusal } from '../../engine/errors.ts';
import type { Held } from '../../engine/store.ts';
import type { LeaseTerms } from '../../engine/transitions.ts';
import { MemoryStore } from '../../memory/store.ts';
import { TestClock } from './test-clock.ts';

interface LiveRun {
  readonly held: Held;
  readonly terms: LeaseTerms;
}

/** A `Backend` is what a database server is to real processes: it holds the records, and they find it well, slow or away. */
export class Backend {
  readonly clock = new TestClock();
  readonly memory = new MemoryStore(this.clock.now);
  slowMs = 0;
  #isDown = false;
  /** The runs of processes that live, by their owners: their leases are renewed. */
  readonly #live = new Map<string, LiveRun>();
  readonly #givenUp: ClaimRequest[] = [];

  /** @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE while the server is away */
  reach(): void {
    if (this.#isDown) {
      throw refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'unreachable', new Error('kit.storeDown() was called'));
    }
  }

  down(): void {
    this.#isDown = true;
  }

  up(): void {
    this.#isDown = false;
    for (const request of this.#givenUp.splice(0)) this.memory.giveUp(request);
  }

  /** Gives up a claim, at once or when the server is back. */
  giveUp(request: ClaimRequest): void {
    this.#live.delete(request.owner);
    if (this.#isDown) this.#givenUp.push(request);
    else this.memory.giveUp(request);
  }

  begun(held: Held, terms: LeaseTerms): void {
    this.#live.set(held.owner, { held, terms });
  }

  ended({ owner }: Pick<Held, 'owner'>): void {
    this.#live.delete(owner);
  }

  /** Moves the clock. A process that lives would have renewed its leases meanwhile, if it had found the server. */
  advance(ms: number): void {
    this.clock.advance(ms);
    if (!this.#isDown) for (const { held, terms } of this.#live.values()) void this.memory.renew(held, terms);
    this.memory.look();
  }
}
