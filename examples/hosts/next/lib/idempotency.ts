import { createIdempotency, type Idempotency } from 'latchkey';
import { createMemoryStore } from 'latchkey/memory';

const shared = globalThis as { idempotency?: Idempotency };

/**
 * One for the process: Next.js makes a bundle of each route, and loads it again after an edit. Yours has `createMongoStore({ db })`, and
 * the `MongoClient` belongs here, too.
 */
export const idempotency = shared.idempotency ?? createIdempotency({ store: createMemoryStore() });
shared.idempotency = idempotency;
