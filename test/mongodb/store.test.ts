import * as runner from 'vitest';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { storeContract } from '../../server/testing/index.ts';
import { freshDatabase } from '../support/database.ts';

storeContract(
  'the MongoDB store',
  async () => {
    const database = await freshDatabase();
    const store = createMongoStore({ db: database.db });
    return {
      store,
      async [Symbol.asyncDispose]() {
        await store.close(1_000);
        await database[Symbol.asyncDispose]();
      },
    };
  },
  runner,
);
