import {
  hashKey,
  infiniteQueryOptions,
  keepPreviousData,
  type QueryClient,
  queryOptions,
} from '@tanstack/react-query';
import type { AuditFilter, KeyDetail, KeyFilter } from '../server/admin/contract/contract.ts';
import { api } from './api.ts';
import { createClock } from './lib/clock.ts';
import { NO_LIFE } from './lib/key-path.ts';
import { givenFrom } from './lib/response-example.ts';

export const clock = createClock();

export const OVERVIEW_WINDOWS = [
  ['1h', 'Last hour'],
  ['24h', 'Last 24 hours'],
  ['7d', 'Last 7 days'],
] as const;
export type OverviewWindow = (typeof OVERVIEW_WINDOWS)[number][0];
export type BodyPart = 'request' | 'response';

/** A record, and which of its lives is meant. */
export interface RecordLife {
  readonly id: string;
  readonly life: string;
}

/** Makes the input by which the API finds a life: a damaged record does not say which life it is in. */
export function lifeInputOf({ id, life }: RecordLife): { id: string; life?: string } {
  return life === '' || life === NO_LIFE ? { id } : { id, life };
}

const keysKey = ['keys'] as const;
const keyKey = (id: string) => [...keysKey, 'one', id] as const;

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => timed(api.me.query(undefined, { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

export const attentionQuery = queryOptions({
  queryKey: ['overview', 'attention'],
  queryFn: ({ signal }) => timed(api.attention.query(undefined, { signal })),
});

export const duplicatesQuery = queryOptions({
  queryKey: ['duplicates'],
  queryFn: ({ signal }) => timed(api.duplicates.query(undefined, { signal })),
});

export const overviewQuery = (window: OverviewWindow) =>
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

/** Finds the record that a link from a log or an error names. */
export const keyAtQuery = (address: { recordId: string } | { scope: string; key: string }) =>
  queryOptions({
    queryKey: [...keysKey, 'at', address],
    queryFn: ({ signal }) => api.keys.by.query(address, { signal }),
    retry: false,
  });

export const keyQuery = ({ id, life }: RecordLife) =>
  queryOptions({
    queryKey: [...keyKey(id), 'detail', life],
    queryFn: ({ signal }): Promise<KeyDetail> =>
      timed(api.keys.get.query(lifeInputOf({ id, life }), { signal })),
  });

/** Reads a body of a record. `version` changes with the record: a body that was read belongs to one version. */
export const bodyQuery = ({ id, life }: RecordLife, part: BodyPart, whole: boolean, version: string) =>
  queryOptions({
    queryKey: [...keyKey(id), 'body', life, part, whole, version],
    queryFn: ({ signal }) => api.keys.body.query({ ...lifeInputOf({ id, life }), part, whole }, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** A response that may serve as a form for another of the same operation. */
export interface LikeKey {
  readonly key: string;
  /** The text is JSON, as an operator gives it. */
  readonly given: string;
}

/** Finds the response of the newest key of an operation that succeeded; null where none can be read whole. */
export const likeKeyQuery = (operation: string) =>
  queryOptions({
    queryKey: [...keysKey, 'like', operation],
    queryFn: async ({ signal }): Promise<LikeKey | null> => {
      const filter = { operation, state: 'completed', error: false } as const;
      const { rows } = await api.keys.list.query({ filter }, { signal });
      const row = rows[0];
      if (!row) return null;
      const body = await api.keys.body.query(
        { ...lifeInputOf(row), part: 'response', whole: false },
        { signal },
      );
      const given = body.text === null || body.cut ? undefined : givenFrom(body.format, body.text);
      return given === undefined ? null : { key: row.key, given };
    },
    staleTime: 60_000,
    retry: false,
  });

export const diffQuery = (id: string, version: string) =>
  queryOptions({
    queryKey: [...keyKey(id), 'diff', version],
    queryFn: ({ signal }) => api.keys.diff.query({ id }, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const previewQuery = ({ id, life }: RecordLife, version: string) =>
  queryOptions({
    queryKey: [...keyKey(id), 'preview', life, version],
    queryFn: ({ signal }) => api.keys.preview.query(lifeInputOf({ id, life }), { signal }),
  });

/** Asks the probe of the operation what became of the effect. It is another service: it is asked once, and again when that is wanted. */
export const evidenceQuery = ({ id, life, fence }: RecordLife & { readonly fence: string }) =>
  queryOptions({
    queryKey: [...keyKey(id), 'evidence', life, fence],
    queryFn: ({ signal }) => api.keys.evidence.query(lifeInputOf({ id, life }), { signal }),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });

export const dryRunQuery = ({ id, life, fence }: RecordLife & { readonly fence: string }) =>
  queryOptions({
    queryKey: [...keyKey(id), 'dry-run', life, fence],
    queryFn: ({ signal }) => api.keys.dryRun.query(lifeInputOf({ id, life }), { signal }),
    // The operator acts at once upon a dry run, so it is made again when the dialog opens.
    staleTime: 0,
    gcTime: 0,
  });

export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: ['audit', filter],
    queryFn: ({ signal, pageParam }) =>
      api.audit.list.query({ ...filter, ...(pageParam === null ? {} : { cursor: pageParam }) }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  });

export const operationQuery = (operation: string, window: OverviewWindow) =>
  queryOptions({
    queryKey: ['overview', 'operation', operation, window],
    queryFn: ({ signal }) => timed(api.operation.query({ operation, window }, { signal })),
    placeholderData: keepPreviousData,
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
