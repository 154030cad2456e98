import { useEffect, useRef } from 'react';
import { useHistoryState } from 'wouter/use-browser-location';
import type { BulkAction } from '../../server/admin/contract/job.ts';

/** Calls the listener once when the palette has led to a list in order to plan a job for its keys. */
export function useAskedPlan(listener: (action: BulkAction) => void): void {
  const state = useHistoryState<{ plan?: BulkAction } | null>();
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  const plan = state?.plan;
  useEffect(() => {
    if (plan === undefined) return;
    // Who comes back to this address by the browser's history does not ask again.
    history.replaceState(null, '');
    latest.current(plan);
  }, [plan]);
}
