import { setMaxListeners } from 'node:events';
import { giveInternals, type Internals, internalsOf } from '../../adapter/internals.ts';
import type { Store } from '../../engine/store.ts';
import type { Idempotency } from '../../idempotency.ts';
import type { Backend } from './backend.ts';
import { ProcessStore } from './process-store.ts';

/** A `Process` holds what ends when the process dies. */
interface Process {
  readonly store: ProcessStore;
  readonly idempotency: Idempotency;
  readonly died: AbortController;
}

/**
 * A `RestartableIdempotency` is the `Idempotency` of a process that crashes and is started again: an application that was made once with it goes on
 * in the next process. Whoever waits for an answer of the process that died is told that there will be none.
 */
export class RestartableIdempotency implements Idempotency {
  readonly #backend: Backend;
  readonly #create: (store: Store) => Idempotency;
  readonly #policies: Parameters<Internals['policy']>[] = [];
  #process: Process;

  /** @param create makes the `Idempotency` of one process */
  constructor(backend: Backend, create: (store: Store) => Idempotency) {
    this.#backend = backend;
    this.#create = create;
    this.#process = this.#start();
    giveInternals(this, this.#internals());
  }

  /** Makes a sibling of what runs in the process now: it does not crash with that. */
  with(others: { readonly store: Store }): Idempotency {
    return this.#process.idempotency.with(others);
  }

  get enabled(): boolean {
    return this.#process.idempotency.enabled;
  }

  /** The store of the process that runs now. */
  get store(): ProcessStore {
    return this.#process.store;
  }

  /** Lets the process die, and starts the next one. */
  crash(): void {
    const { store, idempotency, died } = this.#process;
    store.die();
    this.#process = this.#start();
    died.abort(
      new Error(
        'kit.crash() ended this call: a process that has crashed gives no answer. Catch this error, or let kit.crash(work) make the call',
      ),
    );
    // It ends the timers of calls that wait. Nobody waits for it: under a fake clock its own timer never fires.
    void idempotency.close({ timeoutMs: 0 });
  }

  /** Takes no more calls. What runs may end. */
  stop(): void {
    void this.#process.idempotency.close({ timeoutMs: 0 });
  }

  ready(): Promise<void> {
    return this.#inProcess((idempotency) => idempotency.ready());
  }

  close(options?: { timeoutMs?: number | null }): Promise<void> {
    return this.#process.idempotency.close(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  open(...args: Parameters<Idempotency['open']>): Promise<string> {
    return this.#process.idempotency.open(...args);
  }

  readonly peek: Idempotency['peek'] = (question) =>
    this.#inProcess((idempotency) => idempotency.peek(question));

  readonly attach: Idempotency['attach'] = (question) =>
    this.#inProcess((idempotency) => idempotency.attach(question));

  readonly run: Idempotency['run'] = (call, fn, policy) =>
    this.#inProcess((idempotency) => idempotency.run(call, fn, policy));

  /** Gives adapters what they use of the process that runs now. */
  #internals(): Internals {
    const current = () => this.#process;
    const internals = () => internalsOf(this.#process.idempotency);
    return {
      get store() {
        return current().store;
      },
      policy: (...args) => {
        const policy = internals().policy(...args);
        this.#policies.push(args);
        return policy;
      },
      execute: (call) => this.#inProcess((idempotency) => internalsOf(idempotency).execute(call)),
      seal: (...args) => internals().seal(...args),
      open: (...args) => internals().open(...args),
      report: (event) => internals().report(event),
    };
  }

  #start(): Process {
    const store = new ProcessStore(this.#backend);
    const idempotency = this.#create(store);
    // An operation may need more of the store, or have a cipher of its own.
    for (const policy of this.#policies) internalsOf(idempotency).policy(...policy);
    const died = new AbortController();
    setMaxListeners(0, died.signal); // one for each call that is under way
    return { store, idempotency, died };
  }

  async #inProcess<T>(work: (idempotency: Idempotency) => Promise<T>): Promise<T> {
    const { idempotency, died } = this.#process;
    const { signal } = died;
    let onDeath: () => void = () => {};
    const death = new Promise<never>((_, reject) => {
      onDeath = () => reject(signal.reason);
      signal.addEventListener('abort', onDeath);
    });
    try {
      return await Promise.race([work(idempotency), death]);
    } finally {
      signal.removeEventListener('abort', onDeath);
    }
  }
}
