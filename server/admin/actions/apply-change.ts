import type { KeyRecord, StoredRecord } from '../../engine/record.ts';
import type { Records } from '../collections/records.ts';
import type { Send } from '../collections/transactions.ts';

/**
 * Writes the fields that differ, by a compare-and-set.
 * @returns false when the record is no longer the one that was read
 */
export async function applyChange(
  records: Records,
  { before, after }: { readonly before: KeyRecord; readonly after: KeyRecord },
  send: Send,
): Promise<boolean> {
  const { scope, key, state, owner, fence, life } = before;
  const old: StoredRecord = before;
  const set = Object.entries(after).filter(([name, value]) => value !== old[name]);
  const unset = Object.keys(old).filter((name) => !(name in after));
  const reply = await send({
    update: records.collection,
    updates: [
      {
        q: Object.fromEntries(
          Object.entries({ scope, key, state, owner, fence, life }).map(([name, value]) => [
            name,
            { $eq: value },
          ]),
        ),
        u: {
          $set: Object.fromEntries(set),
          ...(unset.length > 0 && { $unset: Object.fromEntries(unset.map((name) => [name, ''])) }),
        },
        collation: { locale: 'simple' },
      },
    ],
  });
  const [error] = (reply.writeErrors ?? []) as { errmsg: string }[];
  if (error) throw new Error(error.errmsg);
  return reply.n === 1;
}
