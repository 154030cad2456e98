import {
  createIdempotency,
  type IdempotencyErrorCode,
  type IdempotencyEvent,
  type IdempotencyOptions,
  type Store,
} from 'latchkey';
import { createMemoryStore } from 'latchkey/memory';
import { createMongoStore } from 'latchkey/mongodb';
import { type Db, MongoClient } from 'mongodb';
import { MongoClient as MongoClient6 } from 'mongodb6';
import { connection, type mongo } from 'mongoose';
import { expectTypeOf } from 'vitest';

// The Db of whichever driver the host has.
createMongoStore({ db: new MongoClient('mongodb://x').db('shop') });
createMongoStore({ db: new MongoClient6('mongodb://x').db('shop') });
createMongoStore({
  db: connection.db as mongo.Db,
  collection: 'keys',
  indexes: 'check',
  timeoutMs: 1_000,
});
// @ts-expect-error a connection that is not open has no Db yet
createMongoStore({ db: connection.db });
// @ts-expect-error a client is not a Db
createMongoStore({ db: new MongoClient('mongodb://x') });
// @ts-expect-error no such option
createMongoStore({ db: {} as Db, timeout: 5 });
// @ts-expect-error no such way
createMongoStore({ db: {} as Db, indexes: 'drop' });

expectTypeOf(createMemoryStore()).toExtend<Store>();
const idempotency = createIdempotency({
  store: createMemoryStore(),
  leaseMs: 5_000,
  onEvent: (event) => expectTypeOf(event).toEqualTypeOf<IdempotencyEvent>(),
});
// What adapters and the dashboard use of it is not for users.
for (const member of ['policy', 'execute', 'seal', 'store', 'report'] as const) {
  // @ts-expect-error no such member
  idempotency[member];
}
// An event has what its type says.
export function listen(event: IdempotencyEvent): string {
  switch (event.type) {
    case 'started':
      return `${event.operation} ${event.fence.toFixed()} ${event.attempt.toFixed()}`;
    case 'completed':
      expectTypeOf(event.outcome).toEqualTypeOf<'success' | 'error'>();
      // @ts-expect-error a completed run has no reason
      return event.reason;
    case 'refused':
      expectTypeOf(event.code).toEqualTypeOf<IdempotencyErrorCode>();
      // @ts-expect-error what was refused has not run
      return event.fence.toFixed();
    case 'unprotected':
      expectTypeOf(event.reason).toEqualTypeOf<'refused' | 'ran'>();
      return event.reason;
    case 'in_doubt':
    case 'released':
    case 'lease_lost':
      return event.reason;
    default:
      return event.operation;
  }
}
expectTypeOf(idempotency.ready()).resolves.toBeVoid();
expectTypeOf(idempotency.close).toBeCallableWith({ timeoutMs: 5 });
expectTypeOf<IdempotencyOptions>().not.toBeAny();
// @ts-expect-error without a store there is nothing to keep keys in
createIdempotency({ leaseMs: 5_000 });
// @ts-expect-error no such option
createIdempotency({ store: createMemoryStore(), lease: 5_000 });
