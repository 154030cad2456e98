import type { KeyFilter, Overview } from '../../server/admin/contract/contract.ts';
import { formatTick } from './format.ts';

export type Bucket = Overview['series'][number];

/**
 * The outcomes are in the order of a bar from its bottom to its top: what needs attention lies where the eye looks
 * last.
 */
export const OUTCOMES = [
  {
    name: 'success',
    label: 'Success',
    fill: 'fill-success',
    dot: 'bg-success',
    filter: { state: 'completed', error: false },
  },
  {
    name: 'released',
    label: 'Released',
    fill: 'fill-released',
    dot: 'bg-released',
    filter: { state: 'released' },
  },
  {
    name: 'error',
    label: 'Error',
    fill: 'fill-error',
    dot: 'bg-error',
    filter: { state: 'completed', error: true },
  },
  {
    name: 'inDoubt',
    label: 'In doubt',
    fill: 'fill-in-doubt',
    dot: 'bg-in-doubt',
    filter: { state: 'in_doubt' },
  },
] as const satisfies readonly {
  name: keyof Bucket;
  label: string;
  fill: string;
  dot: string;
  filter: KeyFilter;
}[];

/** Matches the keys that were begun in a bucket, whenever it is looked at. */
export function startedIn({ from, to }: Pick<Bucket, 'from' | 'to'>): KeyFilter {
  return { startedFrom: from, startedBefore: to };
}

export function bucketLabel({ from, to }: Pick<Bucket, 'from' | 'to'>, windowMs: number): string {
  const day = windowMs > 25 * 3_600_000 ? `${formatTick(from, windowMs)}, ` : '';
  return `${day}${formatTick(from, 0)}–${formatTick(to, 0)}`;
}

export function totalOf(bucket: Bucket): number {
  return OUTCOMES.reduce((sum, { name }) => sum + bucket[name], 0);
}

/** Tells how long the time is that a series is of, in ms. */
export function windowOf(series: readonly Bucket[]): number {
  return (series.at(-1)?.to ?? 0) - (series[0]?.from ?? 0);
}
