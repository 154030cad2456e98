import type { StoredRecord } from '../../engine/record.ts';
import type { Document } from '../../mongodb/database.ts';
import { elidedBodies } from '../bodies/bodies.ts';
import { idIs, type Records } from '../collections/records.ts';
import type { Send } from '../collections/transactions.ts';
import { plainRecord } from '../keys/detail.ts';

/** Bodies stay where they are: an action only looks at whether there is one. */
export async function readForAction(
  records: Records,
  id: string,
  send: Send,
): Promise<{ record: StoredRecord; now: Date } | undefined> {
  const reply = await send({
    aggregate: records.collection,
    pipeline: [
      { $match: idIs(id) },
      ...elidedBodies(),
      { $project: { _id: 0, now: '$$NOW', record: '$$ROOT' } },
    ],
    cursor: {},
  });
  const [found] = (reply.cursor as { firstBatch: Document[] }).firstBatch;
  return found && { record: plainRecord(found.record as Document), now: found.now as Date };
}

/** Compare-and-set of the fields that differ. @returns false when the record is no longer the one that was read */
export async function applyChange(
  records: Records,
  { before, after }: { readonly before: object; readonly after: StoredRecord },
  send: Send,
): Promise<boolean> {
  const old = before as StoredRecord;
  const { scope, key, state, owner, fence, life } = old;
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
