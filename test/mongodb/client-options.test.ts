import { randomBytes } from 'node:crypto';
import { createTRPCClient, httpLink } from '@trpc/client';
import { type ClientSession, MongoClient, type MongoClientOptions } from 'mongodb';
import { MongoClient as MongoClient6 } from 'mongodb6';
import { MongoClient as OldestMongoClient } from 'mongodb6-oldest';
import { afterAll, describe, expect, it } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import type { AppRouter } from '../../server/admin/api/router.ts';
import { createDashboard } from '../../server/admin/index.ts';
import { createIdempotency, type Run } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { callOf } from '../support/calls.ts';
import { mongoUri } from '../support/database.ts';

const DRIVERS = {
  'driver 7': MongoClient,
  'driver 6': MongoClient6 as unknown as typeof MongoClient,
  'the oldest driver 6': OldestMongoClient as unknown as typeof MongoClient,
};

const OPTIONS: Record<string, MongoClientOptions> = {
  'no options': {},
  useBigInt64: { useBigInt64: true },
  'promoteLongs: false': { promoteLongs: false },
  'promoteValues: false': { promoteValues: false },
  promoteBuffers: { promoteBuffers: true },
  raw: { raw: true },
  bsonRegExp: { bsonRegExp: true },
  'ignoreUndefined: false': { ignoreUndefined: false },
  'serializeFunctions and checkKeys': { serializeFunctions: true, checkKeys: true },
  'a strict serverApi': { serverApi: { version: '1', strict: true, deprecationErrors: true } },
  'w: 0': { writeConcern: { w: 0 } },
  'w: 1, not journaled': { writeConcern: { w: 1, journal: false } },
  'reads of what may be rolled back': { readConcern: { level: 'available' } },
  'linearizable reads': { readConcern: { level: 'linearizable' } },
  'reads of secondaries': { readPreference: 'secondaryPreferred' },
  'no retries': { retryWrites: false, retryReads: false },
  'one connection, and 100 ms to wait for it': { maxPoolSize: 1, waitQueueTimeoutMS: 100 },
  compression: { compressors: ['zlib'] },
  'a direct connection': { directConnection: true },
};

const opened: MongoClient[] = [];
const name = `latchkey_test_${randomBytes(6).toString('hex')}`;
afterAll(async () => {
  const janitor = new MongoClient(mongoUri());
  await janitor.db(name).dropDatabase();
  await Promise.all([janitor, ...opened].map((client) => client.close()));
});

let collections = 0;

function host(Client: typeof MongoClient, options: MongoClientOptions) {
  const client = new Client(mongoUri(), options);
  opened.push(client);
  const db = client.db(name);
  const collection = `keys_${++collections}`;
  const idempotency = createIdempotency({ store: createMongoStore({ db, collection }) });
  return { db, collection, idempotency };
}

// The host's own reads, by a client without options.
const plain = new MongoClient(mongoUri());
opened.push(plain);

describe.each(Object.entries(DRIVERS))('%s with', (_, Client) => {
  // By that client the oldest driver can not read a server's greeting.
  const works = Object.entries(OPTIONS).filter(
    ([name]) => name !== 'raw' || Client !== DRIVERS['the oldest driver 6'],
  );
  it.each(works)(
    'case 47: %s: twenty duplicates are one run and one answer, in a transaction, too, and the dashboard shows it',
    async (_, options) => {
      const { db, collection, idempotency } = host(Client, options);
      await idempotency.ready();
      let runs = 0;
      const pay = async () => ({ data: { id: ++runs, at: '2026-01-01', nothing: null } });
      const call = (handler: (run: Run) => ReturnType<typeof pay>, key: string, transaction = false) =>
        internalsOf(idempotency).execute(callOf(idempotency, handler, { key, policy: { transaction } }));

      const answers = await Promise.all(Array.from({ length: 20 }, () => call(pay, 'plain')));
      expect(new Set(answers.map(({ value }) => JSON.stringify(value)))).toEqual(
        new Set(['{"data":{"id":1,"at":"2026-01-01","nothing":null}}']),
      );
      expect(await call(pay, 'plain')).toEqual({
        value: answers[0]?.value,
        replayed: true,
        expiresAt: expect.any(Date),
      });

      const order = async (run: Run) => {
        const session = run.session as ClientSession;
        await db.command({ insert: `${collection}_orders`, documents: [{ key: run.key }] }, { session });
        return pay();
      };
      const ordered = await call(order, 'order', true);
      expect(await call(order, 'order', true)).toEqual({
        ...ordered,
        replayed: true,
        expiresAt: expect.any(Date),
      });
      expect(runs).toBe(2);
      expect(await plain.db(name).collection(`${collection}_orders`).countDocuments()).toBe(1);

      const dashboard = createDashboard({
        idempotency,
        basePath: '/keys',
        authorize: () => ({ id: 'ada', role: 'admin' }),
      });
      const admin = createTRPCClient<AppRouter>({
        links: [
          httpLink({
            url: 'http://shop.example/keys/api/trpc',
            headers: { 'x-latchkey': '1', 'sec-fetch-site': 'same-origin' },
            fetch: (url, init) => dashboard(new Request(url as string, init as RequestInit)),
          }),
        ],
      });
      const { rows } = await admin.keys.list.query({ filter: {} });
      expect(rows.map(({ key, state }) => `${key} ${state}`).sort()).toEqual([
        'order completed',
        'plain completed',
      ]);
      await dashboard.close();
      await idempotency.close();
    },
  );
});

it('case 47: what a driver can not do with its own options is refused by ready, and is no outage', async () => {
  const { idempotency } = host(DRIVERS['the oldest driver 6'], { raw: true });
  await expect(idempotency.ready()).rejects.toThrow(
    /can not be used for keys: Server at .* reports maximum wire version 0/,
  );
  await expect(
    internalsOf(idempotency).execute(callOf(idempotency, async () => ({ data: 1 }))),
  ).rejects.toMatchObject({
    code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
    reason: 'misconfigured',
    retryable: false,
  });
  await idempotency.close();
});
