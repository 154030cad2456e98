import { afterAll } from 'vitest';
import {
  createIdempotencyHandler,
  type HttpCall,
  type HttpHandlerPolicy,
  type HttpIdempotencyOptions,
} from '../../plugin/http/index.ts';
import { createIdempotency, type IdempotencyOptions, type Store } from '../../server/index.ts';
import { emptyCollections, freshDatabase } from '../support/database.ts';
import { uncountedStore } from '../support/uncounted-store.ts';
import { type Handler, serve } from './server.ts';

// One for each file of tests, with an empty collection for each API in it.
const database = await freshDatabase();
const collections = emptyCollections(database);
afterAll(() => database[Symbol.asyncDispose]());

type Options = Partial<HttpIdempotencyOptions<[]>> & {
  store?: Store;
  engine?: Partial<IdempotencyOptions>;
  /** What the handler has of its own. */
  own?: HttpHandlerPolicy<[]>;
};

/** The store of one process; others may have the same keys. */
export function storeIn(collection: string): Store {
  return uncountedStore({ db: database.db, collection });
}

/** A handler with idempotency keys, behind a real HTTP server with MongoDB behind it. */
export async function startApi(handler: Handler, { store, engine, own, ...options }: Options = {}) {
  const collection = collections.take();
  const kept = store ?? storeIn(collection);
  let claims = 0;
  const counted = watched(kept, 'claim', () => {
    claims += 1;
  });
  const idempotency = createIdempotency({ store: counted, ...engine });
  let runs = 0;
  const counting: Handler = (request) => {
    runs += 1;
    return handler(request);
  };
  const scope = ({ request }: HttpCall<[]>) => request.headers.get('x-user');
  const wrapped = createIdempotencyHandler({ idempotency, scope, ...options })(counting, own);
  const server = await serve(wrapped);
  return {
    ...server,
    idempotency,
    wrapped,
    /** What is at rest, as MongoDB has it. */
    records: () => database.db.collection(collection).find().toArray(),
    /** How often the handler was called. */
    get runs() {
      return runs;
    },
    /** How often the store was asked for a key; what never asked left no record. */
    get claims() {
      return claims;
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await idempotency.close();
      await collections.giveBack(collection);
    },
  };
}

/** A store that tells of each call of one of its operations. */
function watched(store: Store, operation: keyof Store, onCall: () => void): Store {
  return new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]) => {
        if (name === operation) onCall();
        return method.apply(target, args);
      };
    },
  });
}
