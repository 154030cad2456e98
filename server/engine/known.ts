import {
  type CompletedRecord,
  type KeyRecord,
  type RunningRecord,
  readRecord,
  type StoredRecord,
  unreadableReason,
} from './record.ts';

/** A `Known` says what a record tells of its key to somebody who only asks. */
export type Known =
  /** There is nothing, or nothing any more. */
  | { readonly is: 'unknown' }
  | { readonly is: 'running'; readonly record: RunningRecord }
  | { readonly is: 'completed'; readonly record: CompletedRecord }
  /** A lapsed lease counts as in doubt: nobody knows what became of its run, and the next claim decides. */
  | { readonly is: 'released' | 'in_doubt'; readonly record: KeyRecord }
  /** The record is damaged, or of another release. */
  | { readonly is: 'unreadable'; readonly reason: ReturnType<typeof unreadableReason> };

/**
 * Says what is known of a key. Unlike a claim, a question writes nothing, so an expired record is as good as none even where
 * it can not be read. `now` is the store's clock.
 */
export function knownOf(stored: StoredRecord | null, now: Date): Known {
  if (stored === null || isExpired(stored, now)) return { is: 'unknown' };
  const record = readRecord(stored);
  switch (record?.state) {
    case undefined:
      return { is: 'unreadable', reason: unreadableReason(stored) };
    case 'running':
      return record.leaseExpiresAt > now ? { is: 'running', record } : { is: 'in_doubt', record };
    case 'completed':
      return { is: 'completed', record };
    case 'released':
    case 'in_doubt':
      return { is: record.state, record };
    default:
      return record satisfies never;
  }
}

function isExpired({ expiresAt }: StoredRecord, now: Date): boolean {
  return expiresAt instanceof Date && expiresAt <= now;
}
