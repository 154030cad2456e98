import { type DefaultError, type QueryKey, type UseQueryOptions, useQuery } from '@tanstack/react-query';
import { statusOf } from '../api.ts';
import { live } from '../lib/settings.ts';

const POLL_MS = 5_000;
const MOVING_POLL_MS = 1_000;

/**
 * Asks a query again every 5 s, unless the operator has paused that.
 * @param isMoving whether somebody who looks at the answer waits for the next: it comes after a second
 */
export function useLiveQuery<T, K extends QueryKey>(
  options: UseQueryOptions<T, DefaultError, T, K>,
  isMoving: (answer: T) => boolean = () => false,
) {
  const interval = usePollInterval();
  return useQuery({
    ...options,
    // A record that is gone does not come back under the same address.
    refetchInterval: ({ state: { data, error } }) => {
      if (statusOf(error) === 404) return false;
      return interval && data !== undefined && isMoving(data) ? MOVING_POLL_MS : interval;
    },
  });
}

export function usePollInterval(): number | false {
  return live.use() === 'on' ? POLL_MS : false;
}
