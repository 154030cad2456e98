import { createIdempotency } from '../../server/create-idempotency.ts';
import { createMongoStore } from '../../server/mongodb/store.ts';

/** What is simulated: the core and the MongoDB store, as they are published. */
export const subject = { createIdempotency, createMongoStore };
