import type { Store } from '../engine/store.ts';
import type { EventListener } from '../events.ts';
import type { LocalRuns } from './local-runs.ts';

/** The host is what all calls of one `Idempotency` share. */
export interface Host {
  readonly store: Store;
  readonly locals: LocalRuns;
  readonly emit: EventListener;
  /** Aborts when `close()` begins: nothing new starts. */
  readonly closing: AbortSignal;
  /** Aborts when `close()` gives up on what is not recorded yet. */
  readonly stopped: AbortSignal;
  /** Keeps `close()` waiting for work that outlives its call. */
  track(work: Promise<void>): void;
}
