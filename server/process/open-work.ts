import { setMaxListeners } from 'node:events';
import { refusal } from '../engine/errors.ts';

/** A timer for a longer time would fire at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** `OpenWork` knows the calls that are under way and the runs that outlive theirs, and waits for them when everything closes. */
export class OpenWork {
  readonly #work = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  readonly #stopped = new AbortController();

  constructor() {
    setMaxListeners(0, this.closing, this.stopped); // one for each call that waits
  }

  /** Aborts when `close()` begins: nothing new starts. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Aborts when `close()` waits no longer for what is not recorded yet. */
  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  /** Keeps `close()` waiting until this work has ended, in whatever way. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#work.add(work);
    const done = () => this.#work.delete(work);
    work.then(done, done);
    return work;
  }

  /** Lets nothing new start, and waits for the work, also for what begins meanwhile. Returns how many ms of the time are left. */
  async close(timeoutMs: number): Promise<number> {
    this.#closing.abort(refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing'));
    const until = performance.now() + timeoutMs;
    const timer = setTimeout(() => this.#stopped.abort(), timeoutMs);
    const stopped = new Promise((resolve) => {
      this.stopped.addEventListener('abort', resolve);
      if (this.stopped.aborted) resolve(undefined);
    });
    while (this.#work.size > 0 && !this.stopped.aborted) {
      await Promise.race([stopped, Promise.allSettled(this.#work)]);
    }
    clearTimeout(timer);
    this.#stopped.abort();
    return Math.max(0, until - performance.now());
  }
}
