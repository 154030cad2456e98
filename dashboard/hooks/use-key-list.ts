import { useQuery } from '@tanstack/react-query';
import { useRef } from 'react';
import type { KeyFilter } from '../../server/admin/contract/contract.ts';
import { cursorFrom } from '../lib/cursor.ts';
import { keysQuery, newerQuery } from '../queries.ts';
import { useLiveQuery, usePollInterval } from './use-live-query.ts';
import { useOnRefresh } from './use-refresh.ts';

/**
 * Reads a page of the list, live: its rows keep up to date and stay where they are. New ones are counted, and come
 * when they are asked for.
 */
export function useKeyList(filter: KeyFilter, cursor: string | undefined) {
  // This is the first row of the first page, as it was when it was first shown.
  const newest = useRef<string | null>(null);
  const isFirst = cursor === undefined;
  const from = () => (isFirst && newest.current !== null ? cursorFrom(newest.current) : cursor);
  const list = useLiveQuery(keysQuery(filter, cursor, from));
  if (isFirst && list.data && newest.current === null) newest.current = list.data.newest;

  const newer = useQuery({
    ...newerQuery(filter, newest.current),
    enabled: isFirst && list.data !== undefined && newest.current !== null,
    refetchInterval: usePollInterval(),
  });

  function forget() {
    newest.current = null;
  }
  useOnRefresh(forget);

  return {
    list,
    newer: newer.data,
    showNewer() {
      forget();
      void list.refetch();
    },
  };
}
