import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { type CodeProps, codeQuery } from '../components/ui/lazy.tsx';

/**
 * Loads the code of parts before they are asked for, once the page has what it shows: on a slow network the browser would otherwise ask
 * for them first.
 */
export function useCodeAhead(...parts: readonly CodeProps<unknown>[]): void {
  const client = useQueryClient();
  const waiting = useRef(parts);
  useEffect(() => {
    const stop = client.getQueryCache().subscribe(loadWhenIdle);
    loadWhenIdle();
    return stop;

    function loadWhenIdle() {
      if (client.isFetching() > 0) return;
      const now = waiting.current;
      waiting.current = []; // their own queries are told to the cache, too
      for (const part of now) void client.prefetchQuery(codeQuery(part));
    }
  }, [client]);
}
