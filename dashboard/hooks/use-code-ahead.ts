import { useIsFetching, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { type CodeProps, codeQuery } from '../components/ui/lazy.tsx';

/**
 * Loads the code of parts before they are asked for, once the page has what it shows: on a slow network the browser would otherwise ask
 * for them first.
 */
export function useCodeAhead(...parts: readonly CodeProps<unknown>[]): void {
  const client = useQueryClient();
  const fetching = useIsFetching();
  useEffect(() => {
    // The page may have begun to ask since this was rendered.
    if (fetching > 0 || client.isFetching() > 0) return;
    for (const part of parts) void client.prefetchQuery(codeQuery(part));
  });
}
