import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef } from 'react';

const listeners = new Set<() => void>();

/** Asks again for all that the page shows. */
export function useRefresh(): () => void {
  const client = useQueryClient();
  return useCallback(() => {
    for (const listener of listeners) listener();
    void client.invalidateQueries();
  }, [client]);
}

/** Calls the listener before everything is asked for again. */
export function useOnRefresh(listener: () => void): void {
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => {
    const call = () => latest.current();
    listeners.add(call);
    return () => void listeners.delete(call);
  }, []);
}
