import {
  hashKey,
  infiniteQueryOptions,
  keepPreviousData,
  type QueryClient,
  queryOptions,
} from '@tanstack/react-query';
import type { KeyDetail, KeyFilter } from '../server/admin/contract.ts';
import { api } from './api.ts';
import { createClock } from './lib/clock.ts';
import { NO_LIFE } from './lib/key-path.ts';

export const clock = createClock();

export type Window = '1h' | '24h' | '7d';
export type BodyPart = 'request' | 'response';

/** An address names a life of a record. */
export interface Address {
  readonly id: string;
  readonly life: string;
}

/** Writes an address as the API takes it: a damaged record does not say which life it is in. */
export function addressed({ id, life }: Address): { id: string; life?: string } {
  return life === '' || life === NO_LIFE ? { id } : { id, life };
}

const keysKey = ['keys'] as const;
const keyKey = (id: string) => [...keysKey, 'one', id] as const;

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => timed(api.me.query(undefined, { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

export const overviewQuery = (window: Window) =>
  queryOptions({
    queryKey: ['overview', window],
    queryFn: ({ signal }) => timed(api.overview.query({ window }, { signal })),
    placeholderData: keepPreviousData,
  });

/** Reads a page of keys. `from` says where the page begins by the time it is asked for: see `useKeyList`. */
export const keysQuery = (filter: KeyFilter, page: string | undefined, from: () => string | undefined) =>
  queryOptions({
    queryKey: [...keysKey, 'list', filter, page ?? null],
    queryFn: ({ signal }) => {
      const cursor = from();
      return timed(api.keys.list.query({ filter, ...(cursor === undefined ? {} : { cursor }) }, { signal }));
    },
  });

export const newerQuery = (filter: KeyFilter, newest: string | null) =>
  queryOptions({
    queryKey: [...keysKey, 'newer', filter, newest],
    queryFn: ({ signal }) => api.keys.newer.query({ filter, newest }, { signal }),
  });

export const keyQuery = ({ id, life }: Address) =>
  queryOptions({
    queryKey: [...keyKey(id), 'detail', life],
    queryFn: ({ signal }): Promise<KeyDetail> =>
      timed(api.keys.get.query(addressed({ id, life }), { signal })),
  });

/** Reads a body of a record. `version` changes with the record: a body that was read belongs to one version. */
export const bodyQuery = ({ id, life }: Address, part: BodyPart, whole: boolean, version: string) =>
  queryOptions({
    queryKey: [...keyKey(id), 'body', life, part, whole, version],
    queryFn: ({ signal }) => api.keys.body.query({ ...addressed({ id, life }), part, whole }, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const diffQuery = (id: string, version: string) =>
  queryOptions({
    queryKey: [...keyKey(id), 'diff', version],
    queryFn: ({ signal }) => api.keys.diff.query({ id }, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const previewQuery = ({ id, life }: Address, version: string) =>
  queryOptions({
    queryKey: [...keyKey(id), 'preview', life, version],
    queryFn: ({ signal }) => api.keys.preview.query(addressed({ id, life }), { signal }),
  });

export const dryRunQuery = ({ id, life }: Address) =>
  queryOptions({
    queryKey: [...keyKey(id), 'dry-run', life],
    queryFn: ({ signal }) => api.keys.dryRun.query(addressed({ id, life }), { signal }),
    // What it says is acted upon at once.
    staleTime: 0,
    gcTime: 0,
  });

export interface AuditFilter {
  readonly by?: string;
  readonly action?: string;
  readonly keyId?: string;
}

export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: ['audit', filter],
    queryFn: ({ signal, pageParam }) =>
      api.audit.list.query({ ...filter, ...(pageParam === null ? {} : { cursor: pageParam }) }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });

export const jobsQuery = queryOptions({
  queryKey: ['jobs'],
  queryFn: ({ signal }) => api.bulk.list.query(undefined, { signal }),
});

export const jobQuery = (id: string, cursor: string | undefined) =>
  queryOptions({
    queryKey: ['jobs', id, cursor ?? null],
    queryFn: ({ signal }) =>
      api.bulk.get.query({ id, ...(cursor === undefined ? {} : { cursor }) }, { signal }),
  });

/**
 * Puts the record into the page after an action, as the server answered it, and asks again for what else the action
 * may have changed.
 */
export function recordChanged(client: QueryClient, life: string, detail: KeyDetail | null): void {
  const shown = detail && keyQuery({ id: detail.id, life }).queryKey;
  if (shown) {
    clock.set(detail.now);
    client.setQueryData(shown, detail);
  }
  const changed = new Set<unknown>(['list', 'newer', 'detail', 'audit', 'overview']);
  void client.invalidateQueries({
    predicate: ({ queryKey }) =>
      queryKey.some((part) => changed.has(part)) && hashKey(queryKey) !== (shown && hashKey(shown)),
  });
}

export function jobsChanged(client: QueryClient): void {
  for (const queryKey of [['jobs'], ['audit']]) void client.invalidateQueries({ queryKey });
}

async function timed<T extends { readonly now: number }>(asked: Promise<T>): Promise<T> {
  const answer = await asked;
  clock.set(answer.now);
  return answer;
}
