/**
 * Tells the time of the MongoDB server. Ages and leases are told by it, and carried on by the browser's monotonic
 * clock: what the operator's own clock shows, or how it is set meanwhile, changes nothing.
 */
export interface Clock {
  /** Takes the time from an answer of the server. */
  set(serverNow: number): void;
  /** Tells the time in milliseconds of the server's clock, in whole seconds between two {@link set}s. */
  now(): number;
  subscribe(listener: () => void): () => void;
}

export function createClock(monotonic: () => number = () => performance.now()): Clock {
  const listeners = new Set<() => void>();
  let serverNow = 0;
  let takenAt = 0;
  let shown = 0;
  let timer: ReturnType<typeof setInterval> | undefined;

  function tick() {
    shown = serverNow + Math.floor((monotonic() - takenAt) / 1_000) * 1_000;
    for (const listener of listeners) listener();
  }

  return {
    set(now) {
      serverNow = now;
      takenAt = monotonic();
      tick();
    },
    now: () => shown,
    subscribe(listener) {
      listeners.add(listener);
      timer ??= setInterval(tick, 1_000);
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
  };
}
