import type { AuditFilter } from '../../server/admin/contract/contract.ts';
import { parseDuration } from './duration.ts';

const NAMES = ['words', 'by', 'action', 'last', 'key', 'keyId', 'jobId'] as const;

/** The terms of an audit's filter, as its address has them. */
export type AuditTerms = { readonly [name in (typeof NAMES)[number]]?: string };

/** The spans of time up to now that can be chosen. */
export const SPANS = [
  { name: '1h', label: 'Last hour' },
  { name: '24h', label: 'Last 24 hours' },
  { name: '7d', label: 'Last 7 days' },
  { name: '30d', label: 'Last 30 days' },
] as const;

export function auditTerms(search: string): AuditTerms {
  const params = new URLSearchParams(search);
  return Object.fromEntries(NAMES.flatMap((name) => (params.get(name) ? [[name, params.get(name)]] : [])));
}

/** Writes terms as the search of an address; empty without any. */
export function auditParams(terms: AuditTerms): string {
  const given = NAMES.flatMap((name) => {
    const value = terms[name]?.trim() ?? '';
    return value === '' ? [] : [[name, value]];
  });
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

const MINUTE_MS = 60_000;

/**
 * Makes the filter that the server takes. A span begins at a whole minute, so that the same one is asked for within it.
 * @param now the time of the server
 */
export function auditFilterOf({ last, ...terms }: AuditTerms, now: number): AuditFilter {
  const lengthMs = SPANS.some(({ name }) => name === last) ? parseDuration(last ?? '') : undefined;
  if (lengthMs === undefined) return terms;
  return { ...terms, from: Math.floor(now / MINUTE_MS) * MINUTE_MS - lengthMs };
}
