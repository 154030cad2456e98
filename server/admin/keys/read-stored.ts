import type { StoredRecord } from '../../engine/record.ts';
import type { Document } from '../../mongodb/database.ts';
import { elidedBodies, HOLDS_ENCRYPTED } from '../bodies/body-info.ts';
import { idIs, type Records } from '../collections/records.ts';
import type { Send } from '../collections/transactions.ts';

/** A stored record comes with what the rules of an action need besides. */
export interface StoredKey {
  /** Bodies stay in the database: the rules look only at whether there is one. */
  readonly record: StoredRecord;
  /** Tells whether one of the record's bodies is encrypted. */
  readonly isEncrypted: boolean;
  /** The time is that of the server's clock. */
  readonly now: Date;
}

/**
 * Reads a record for the rules; undefined when there is none.
 * @param send reads it in an action's transaction, say; by default the read is one of its own, of what a majority has
 */
export async function readStored(records: Records, id: string, send?: Send): Promise<StoredKey | undefined> {
  const pipeline = [
    { $match: idIs(id) },
    { $project: { now: '$$NOW', isEncrypted: HOLDS_ENCRYPTED, record: '$$ROOT' } },
    ...elidedBodies(),
  ];
  const [found] = await (send ? records.aggregateBy(send, pipeline) : records.aggregate(pipeline));
  if (!found) return undefined;
  const { record, isEncrypted, now } = found;
  return {
    record: plainRecord(record as Document),
    isEncrypted: isEncrypted === true,
    now: now as Date,
  };
}

/** Makes 64-bit numbers plain where they are exact: drivers write the same number in three ways. */
export function plainRecord(document: Document): StoredRecord {
  const { _id, ...record } = document;
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, plain(value)]));
}

function plain(value: unknown): unknown {
  if ((value as { _bsontype?: unknown } | null | undefined)?._bsontype !== 'Long') return value;
  const number = Number(String(value));
  return Number.isSafeInteger(number) ? number : value;
}
