import type { ClaimRequest } from '../engine/decide.ts';
import type { StartedCall } from '../engine/stats.ts';

/** So many different requests are kept of some seconds; a busy process runs many more. */
const MOST_REQUESTS = 50;
const MOST_KEYS = 10;

interface Alike extends Pick<StartedCall, 'scope' | 'operation' | 'fingerprint'> {
  /** The keys, and when the run of each began, by the clock of `performance`. */
  readonly keys: Map<string, number>;
}

/**
 * `StartedCalls` is a sample of the calls that began to run in the last seconds. Under load it keeps those with the lowest fingerprints, which
 * are hashes: so a request that is repeated under another key, in this process or in another one, is in the sample both times or not at all.
 */
export class StartedCalls {
  #calls = new Map<string, Alike>();
  /** A fingerprint above this one is not in the sample any more. */
  #highest: string | undefined;

  get size(): number {
    return this.#calls.size;
  }

  add({ scope, key, operation, fingerprints: [fingerprint] }: ClaimRequest): void {
    if (this.#highest !== undefined && fingerprint > this.#highest) return;
    const id = `${fingerprint} ${scope.length}:${scope}${operation}`;
    const known = this.#calls.get(id);
    if (!known) {
      this.#calls.set(id, { scope, operation, fingerprint, keys: new Map([[key, performance.now()]]) });
      if (this.#calls.size >= 2 * MOST_REQUESTS) this.#calls = this.#lowest();
    } else if (known.keys.size < MOST_KEYS) known.keys.set(key, performance.now());
  }

  /** Takes the sample out, and begins the next one. */
  take(): StartedCall[] {
    const calls = [...this.#lowest().values()];
    const now = performance.now();
    this.#calls = new Map();
    this.#highest = undefined;
    return calls.flatMap(({ keys, ...rest }) =>
      [...keys].map(([key, at]) => ({ ...rest, key, agoMs: now - at })),
    );
  }

  #lowest(): Map<string, Alike> {
    const all = [...this.#calls];
    if (all.length <= MOST_REQUESTS) return this.#calls;
    const kept = all.sort(([one], [other]) => (one < other ? -1 : 1)).slice(0, MOST_REQUESTS);
    this.#highest = kept.at(-1)?.[1].fingerprint;
    return new Map(kept);
  }
}
