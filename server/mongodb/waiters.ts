import { setMaxListeners } from 'node:events';
import { idOf } from '../engine/address.ts';
import { refusal } from '../engine/errors.ts';
import type { Held, Snapshot } from '../engine/store.ts';
import type { Holding, Reader } from './reader.ts';

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 250;
const RECORDS_PER_READ = 500;

export type Watched = Pick<Held, 'scope' | 'key' | 'owner' | 'fence'>;

interface Waiter {
  readonly seen: Watched;
  resolve(snapshot: Snapshot): void;
  reject(error: unknown): void;
}

/**
 * Polls all records that this process waits for, so that a thousand waiting calls cost one read. It polls quickly at
 * first and after each new waiter, then slower, and stops when nobody waits.
 */
export class Waiters {
  readonly #reader: Reader;
  readonly #timeoutMs: number;
  readonly #waiters = new Set<Waiter>();
  #pauseMs = FIRST_PAUSE_MS;
  #next: { readonly dueAt: number; readonly timer: NodeJS.Timeout } | undefined;
  #isPolling = false;

  constructor(reader: Reader, timeoutMs: number) {
    this.#reader = reader;
    this.#timeoutMs = timeoutMs;
  }

  /** Resolves with what stands once `seen` no longer runs. @throws signal.reason, or IDEMPOTENCY_STORE_UNAVAILABLE */
  async watch(seen: Watched, signal: AbortSignal): Promise<Snapshot> {
    signal.throwIfAborted();
    setMaxListeners(0, signal); // one for each call that waits by it
    let waiter: Waiter | undefined;
    let onAbort = () => {};
    try {
      return await new Promise<Snapshot>((resolve, reject) => {
        waiter = { seen, resolve, reject };
        this.#waiters.add(waiter);
        onAbort = () => reject(signal.reason);
        signal.addEventListener('abort', onAbort, { once: true });
        this.#pauseMs = FIRST_PAUSE_MS;
        this.#schedule();
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
      if (waiter) this.#waiters.delete(waiter);
      if (this.#waiters.size === 0) this.#unschedule();
    }
  }

  stop(): void {
    for (const waiter of this.#waiters) waiter.reject(refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing'));
  }

  /** Plans the next read in at most `#pauseMs`. A new waiter makes that read earlier, never later. */
  #schedule(): void {
    if (this.#isPolling) return; // the next one follows it
    const pauseMs = this.#pauseMs * (0.75 + Math.random() / 2);
    const dueAt = performance.now() + pauseMs;
    if (this.#next && this.#next.dueAt <= dueAt) return;
    clearTimeout(this.#next?.timer);
    this.#next = { dueAt, timer: setTimeout(this.#poll, pauseMs).unref() };
  }

  #unschedule(): void {
    clearTimeout(this.#next?.timer);
    this.#next = undefined;
  }

  readonly #poll = async (): Promise<void> => {
    this.#next = undefined;
    this.#isPolling = true;
    this.#pauseMs = Math.min(this.#pauseMs * 1.5, LONGEST_PAUSE_MS);
    const waiters = [...this.#waiters];
    try {
      for (let from = 0; from < waiters.length; from += RECORDS_PER_READ) {
        await this.#check(waiters.slice(from, from + RECORDS_PER_READ));
      }
    } catch (error) {
      // The reader has tried for as long as the store may be silent.
      for (const { reject } of waiters) reject(error);
    }
    this.#isPolling = false;
    if (this.#waiters.size > 0) this.#schedule();
  };

  async #check(waiters: readonly Waiter[]): Promise<void> {
    const until = performance.now() + this.#timeoutMs;
    const addresses = new Map(waiters.map(({ seen }) => [idOf(seen), seen]));
    const holdings = await this.#reader.holdings([...addresses.values()], undefined, until);
    for (const waiter of waiters) {
      const { seen, resolve, reject } = waiter;
      if (runs(holdings.get(idOf(seen)), seen)) continue;
      // Its result may be large: the next look at the others does not wait for it.
      this.#waiters.delete(waiter);
      this.#reader.snapshot(seen, undefined, until).then(resolve, reject);
    }
  }
}

function runs(holding: Holding | undefined, seen: Watched): boolean {
  return (
    holding?.state === 'running' &&
    holding.owner === seen.owner &&
    holding.fence === seen.fence &&
    holding.leaseLeftMs > 0
  );
}
