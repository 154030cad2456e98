import { type DefaultError, type QueryKey, type UseQueryOptions, useQuery } from '@tanstack/react-query';
import { statusOf } from '../api.ts';
import { live } from '../lib/settings.ts';

const POLL_MS = 5_000;

/** A query that is asked again every 5 s, unless the operator has paused that. */
export function useLiveQuery<T, K extends QueryKey>(options: UseQueryOptions<T, DefaultError, T, K>) {
  const interval = usePollInterval();
  return useQuery({
    ...options,
    // What is gone does not come back under the same address.
    refetchInterval: ({ state }) => (statusOf(state.error) === 404 ? false : interval),
  });
}

export function usePollInterval(): number | false {
  return live.use() === 'on' ? POLL_MS : false;
}
