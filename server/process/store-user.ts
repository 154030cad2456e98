import { processWide } from '../engine/process-wide.ts';
import type { Store } from '../engine/store.ts';

/** Counts, for each store, the `Idempotency` objects that use it and are not closed: the last one closes the store. */
const users = processWide('store users', 1, () => new WeakMap<Store, number>());

/** A `StoreUser` stands for one `Idempotency` object that uses a store. */
export class StoreUser {
  readonly #store: Store;
  #hasLeft = false;

  constructor(store: Store) {
    this.#store = store;
    users.set(store, (users.get(store) ?? 0) + 1);
  }

  /** Leaves the store, and tells whether nobody else uses it. May be called again: a second signal to the process closes twice. */
  leave(): boolean {
    const others = (users.get(this.#store) ?? 1) - (this.#hasLeft ? 0 : 1);
    this.#hasLeft = true;
    users.set(this.#store, others);
    return others === 0;
  }
}
