import type { PendingWrite } from './pending-write.ts';

/** `Deadlines` keeps the writes that have no answer yet, and says whose time is over. One timer serves all: their times come nearly in order. */
export class Deadlines {
  readonly #pending = new Set<PendingWrite>();
  readonly #onLate: (late: readonly PendingWrite[]) => void;
  #next: { readonly at: number; readonly timer: NodeJS.Timeout } | undefined;

  /** @param onLate gets the writes whose time is over; they are no longer kept */
  constructor(onLate: (late: readonly PendingWrite[]) => void) {
    this.#onLate = onLate;
  }

  add(pending: PendingWrite): void {
    this.#pending.add(pending);
    this.#wakeAt(pending.until);
  }

  delete(pending: PendingWrite): void {
    this.#pending.delete(pending);
    if (this.#pending.size === 0) this.#next?.timer.unref();
  }

  /** Resolves when nothing is left to be answered. */
  async drained(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled([...this.#pending].map(({ answer }) => answer));
  }

  /** Watches no longer. @returns the writes that have no answer */
  stop(): readonly PendingWrite[] {
    clearTimeout(this.#next?.timer);
    return [...this.#pending];
  }

  #wakeAt(at: number): void {
    if (this.#next && this.#next.at <= at) {
      if (this.#pending.size === 1) this.#next.timer.ref();
      return;
    }
    clearTimeout(this.#next?.timer);
    // A process that has nothing else to do need not wait for it: what was sent keeps its connection open.
    this.#next = { at, timer: setTimeout(this.#wake, at - performance.now()).unref() };
  }

  readonly #wake = (): void => {
    this.#next = undefined;
    const now = performance.now();
    const late: PendingWrite[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const pending of this.#pending) {
      if (pending.until <= now) late.push(pending);
      else next = Math.min(next, pending.until);
    }
    for (const pending of late) this.#pending.delete(pending);
    this.#onLate(late);
    if (next < Number.POSITIVE_INFINITY) this.#wakeAt(next);
  };
}
