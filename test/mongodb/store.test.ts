import { createMongoStore } from '../../server/mongodb/index.ts';
import { storeContract } from '../contracts/store-contract.ts';
import { freshDatabase } from '../support/database.ts';

storeContract('the MongoDB store', async () => {
  const database = await freshDatabase();
  const store = createMongoStore({ db: database.db });
  await store.ready();
  // The broom of this server passes each second: an expired record must be there for as long as a test looks at it.
  await database.db.collection('idempotency_keys').dropIndex('expiresAt_1');
  return {
    store,
    async [Symbol.asyncDispose]() {
      await store.close(1_000);
      await database[Symbol.asyncDispose]();
    },
  };
});
