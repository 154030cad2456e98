import type { Document } from 'mongodb';
import { createIdempotency, type IdempotencyOptions } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { createOperator } from '../../server/operator/index.ts';
import { recordOf } from '../admin/support.ts';
import { emptyDatabase } from '../support/database.ts';

export const REASON = 'the provider has told us';
export const COLLECTION = 'idempotency_keys';

/** Starts an operator by code on an empty database. */
export async function startOperator(policy: Partial<IdempotencyOptions> = {}) {
  const database = await emptyDatabase();
  const { db } = database;
  const idempotency = createIdempotency({ store: createMongoStore({ db }), ...policy });
  await idempotency.ready();
  const keys = db.collection(COLLECTION);
  return {
    db,
    idempotency,
    operator: createOperator({ idempotency, by: 'webhook' }),
    put: async (record: Document = {}) =>
      String((await keys.insertOne(recordOf(record), { ignoreUndefined: true })).insertedId),
    audit: () => db.collection(`${COLLECTION}_audit`).find().sort({ _id: 1 }).toArray(),
    async [Symbol.asyncDispose]() {
      await idempotency.close({ timeoutMs: 0 });
      await database[Symbol.asyncDispose]();
    },
  };
}
