/** A `Wait` is the time for which one call, or one question, waits. */
export interface Wait {
  /** Aborts when there is no more time, when the caller no longer waits, or when the host closes. */
  readonly signal: AbortSignal;
  /** Stops the timer and listens no longer. */
  end(): void;
}

const OVER = Symbol('the wait is over');

/** Tells whether a wait ended for its time, and for nothing else. */
export const isWaitOver = (reason: unknown): boolean => reason === OVER;

/** Begins a wait. Its listeners do not outlive it: a host's signal lives as long as the process. */
export function startWait(timeoutMs: number, others: readonly AbortSignal[]): Wait {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(OVER), timeoutMs);
  const listeners = others.map((other) => {
    const onAbort = () => controller.abort(other.reason);
    other.addEventListener('abort', onAbort);
    if (other.aborted) onAbort();
    return () => other.removeEventListener('abort', onAbort);
  });
  return {
    signal: controller.signal,
    end() {
      clearTimeout(timer);
      for (const stop of listeners) stop();
    },
  };
}
