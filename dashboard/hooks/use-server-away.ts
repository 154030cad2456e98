import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useSyncExternalStore } from 'react';
import { mayPass } from '../api.ts';

/** Tells whether something that this page shows was asked for last without an answer, so that the page is not live. */
export function useServerAway(): boolean {
  const cache = useQueryClient().getQueryCache();
  const subscribe = useCallback((listener: () => void) => cache.subscribe(listener), [cache]);
  return useSyncExternalStore(subscribe, () =>
    cache
      .findAll({ type: 'active' })
      .some(({ state }) => mayPass(state.fetchFailureReason ?? state.error ?? undefined)),
  );
}
