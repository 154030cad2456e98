import { PendingWrite } from '../../server/mongodb/writes/pending-write.ts';

/** A write of a key, as a lane holds it. */
export function pendingWrite(id: string, { bytes = 4_000, until = 5_000 } = {}): PendingWrite {
  const pending = new PendingWrite({ id, owner: `owner of ${id}`, statement: {}, bytes }, until);
  pending.answer.catch(() => {}); // the test reads `isDone`
  return pending;
}

export const acknowledgement = { inserted: true, matched: true, sentAt: 0, operationTime: undefined };
