import type { ClaimRequest } from '../engine/decide.ts';
import type { Store } from '../engine/store.ts';
import type { EventListener } from '../events.ts';
import type { CallTrace } from '../telemetry.ts';
import type { LocalRuns } from './local-runs.ts';

/** The host of one call that is followed: its trace hears the events of the call, too. */
export function followedHost(host: Host, trace: CallTrace): Host {
  const emit: Host['emit'] = (event) => {
    host.emit(event);
    trace.onEvent(event);
  };
  return { ...host, emit };
}

/** The host is what all calls of one `Idempotency` share. */
export interface Host {
  readonly store: Store;
  readonly locals: LocalRuns;
  readonly emit: EventListener;
  /** Is told of a call that begins to run, as the first one of its key, where its policy watches for duplicates. */
  readonly began: (request: ClaimRequest) => void;
  /** Aborts when `close()` begins: nothing new starts. */
  readonly closing: AbortSignal;
  /** Aborts when `close()` gives up on what is not recorded yet. */
  readonly stopped: AbortSignal;
  /** Keeps `close()` waiting for work that outlives its call. */
  track(work: Promise<void>): void;
}
