import type { KeyRow, TimelineEntry } from '../contract/contract.ts';

/** Says the state of a key in one sentence, for somebody who does not read code. */
export function sentenceOf(row: KeyRow, timeline: readonly TimelineEntry[], now: number): string {
  const reason = timeline.find((entry) => entry.reason !== null)?.reason ?? null;
  const because = reason === null ? '' : ` (${reason})`;
  const times = row.attempts === '1' ? '' : `, attempt ${row.attempts}`;
  switch (row.state) {
    case 'running':
      return `Running for ${lasting(row.startedAt, now)}${times}; its lease has ${lasting(now, row.leaseExpiresAt)} left.`;
    case 'lapsed':
      return `Its lease lapsed ${lasting(row.leaseExpiresAt, now)} ago: whoever ran it is gone, and the effect is unknown.`;
    case 'in_doubt':
      return `In doubt${because}: it started ${lasting(row.startedAt, now)} ago, and the effect is unknown.`;
    case 'completed':
      return row.outcome === 'error'
        ? `Failed ${lasting(row.completedAt, now)} ago${times}: retries get the same error.`
        : `Succeeded ${lasting(row.completedAt, now)} ago${times}: retries get the same result.`;
    case 'released':
      return `Released${because}: the next request with this key runs.`;
    case 'expired':
      return `Expired ${lasting(row.expiresAt, now)} ago: the next request with this key starts anew.`;
    case 'unreadable':
      return 'Damaged, or written by another release: requests with this key are refused, and nothing runs.';
    default:
      return row.state satisfies never;
  }
}

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const;

/** Writes the time between two instants. It is never negative, even though clocks differ. */
function lasting(from: number | null, to: number | null): string {
  if (from === null || to === null) return 'an unknown time';
  const ms = Math.max(0, to - from);
  const [size, unit] = UNITS.find(([least]) => ms >= least) ?? [1_000, 's'];
  return `${Math.floor(ms / size)} ${unit}`;
}
