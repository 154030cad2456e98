import type { Locks } from './page.ts';

/** `unknown` where the browser refuses to say. */
export type Owner = 'this' | 'another' | 'unknown';

/** A page that is being replaced by its own reload may hold on to its lock for this time, in ms. */
const PATIENCE_MS = 1_000;

interface Hold {
  readonly key: string;
  readonly owner: Promise<Owner>;
  /** Lets go of the lock; set from when the lock is granted. */
  unlock?: () => void;
}

/** The lock in the name of the one key that a page is at. The browser ends it with the page, however that ends. */
export class TabLock {
  readonly #locks: Locks;
  #hold: Hold | undefined;

  constructor(locks: Locks) {
    this.#locks = locks;
  }

  /** Instead of the one it has. `another` when another page has it, and keeps it. */
  take(key: string): Promise<Owner> {
    if (this.#hold?.key === key) return this.#hold.owner;
    this.drop();
    const hold: Hold = {
      key,
      owner: this.#request(key, (unlock) => {
        if (this.#hold === hold) hold.unlock = unlock;
        else unlock(); // dropped before it was granted
      }),
    };
    this.#hold = hold;
    return hold.owner;
  }

  drop(): void {
    this.#hold?.unlock?.();
    this.#hold = undefined;
  }

  /**
   * Lets go of the lock when the page is left: it may wait in the browser's memory while its tab goes on elsewhere with the
   * key. A lock that is not granted yet will be when the page is back.
   */
  leave(): void {
    if (this.#hold?.unlock) this.drop();
  }

  #request(key: string, granted: (unlock: () => void) => void): Promise<Owner> {
    return new Promise((resolve) => {
      const patience = new AbortController();
      const timer = setTimeout(() => patience.abort(), PATIENCE_MS);
      const whileHeld = () => {
        clearTimeout(timer);
        resolve('this');
        return new Promise<void>(granted);
      };
      this.#locks.request(`latchkey:${key}`, { signal: patience.signal }, whileHeld).catch(() => {
        clearTimeout(timer);
        resolve(patience.signal.aborted ? 'another' : 'unknown');
      });
    });
  }
}
