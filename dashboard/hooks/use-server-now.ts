import { useSyncExternalStore } from 'react';
import { clock } from '../queries.ts';

/** Tells the server's time, anew each second. */
export function useServerNow(): number {
  return useSyncExternalStore(clock.subscribe, clock.now);
}
