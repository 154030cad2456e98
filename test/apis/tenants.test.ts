import { randomBytes } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  createCipher,
  createIdempotency,
  type Idempotency,
  type IdempotencyEvent,
} from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { ASK_APIS } from '../ask/ask-apis.ts';
import { freshDatabase } from '../support/database.ts';
import { gate } from '../support/gate.ts';
import { startThreeApis } from '../support/three-apis.ts';
import { PAY } from './by-request.ts';

const [acme, globex] = [await freshDatabase(), await freshDatabase()];
afterAll(() => Promise.all([acme, globex].map((database) => database[Symbol.asyncDispose]())));

let collections = 0;

/** Starts a server of two tenants, each with a database of its own. */
async function startTenants(onRun: () => unknown = () => {}) {
  const collection = `keys_${++collections}`;
  const storeOf = ({ db }: typeof acme) => createMongoStore({ db, collection });
  const events: IdempotencyEvent[] = [];
  const ofAcme = createIdempotency({
    store: storeOf(acme),
    retentionMs: 5_000_000,
    onEvent: (event) => events.push(event),
  });
  const tenants: Record<string, Idempotency> = {
    acme: ofAcme,
    globex: ofAcme.with({ store: storeOf(globex) }),
  };
  let runs = 0;
  const apis = await startThreeApis({
    idempotency: async (header) => tenants[header('x-tenant') ?? ''] as Idempotency,
    typeDefs: 'type Mutation { pay: Paid } type Paid { run: Int }',
    input: z.object({}),
    mutations: {
      pay: async () => {
        const run = ++runs;
        await onRun();
        return { run };
      },
    },
  });
  const records = ({ db }: typeof acme) => db.collection(collection).find().toArray();
  return {
    url: apis.url,
    tenants,
    events,
    recordsOf: { acme: () => records(acme), globex: () => records(globex) },
    async [Symbol.asyncDispose]() {
      await apis[Symbol.asyncDispose]();
      await Promise.all(Object.values(tenants).map((each) => each.close()));
    },
  };
}

const of = (tenant: string) => ({ headers: { 'x-tenant': tenant } });

describe.each(Object.entries(PAY))('%s', (api, pay) => {
  test('the same scope and key in two tenants are two runs, with a record in each database', async () => {
    await using shop = await startTenants();
    const payIn = (tenant: string) => pay({ url: shop.url, key: 'k', ...of(tenant) });
    const [first, second] = [await payIn('acme'), await payIn('globex')];
    expect([first.receipt, second.receipt]).toEqual([{ run: 1 }, { run: 2 }]);
    expect(await payIn('acme')).toEqual({ ...first, replayed: true });
    expect(await payIn('globex')).toEqual({ ...second, replayed: true });
    for (const records of Object.values(shop.recordsOf))
      expect(await records()).toMatchObject([{ scope: 'alice', key: 'k', state: 'completed', attempts: 1 }]);
  });

  test('a duplicate in one tenant waits for no run of the other', async () => {
    const [entered, end] = [gate(), gate()];
    let isFirst = true;
    await using shop = await startTenants(() => {
      if (!isFirst) return;
      isFirst = false;
      entered.open();
      return end;
    });
    const slow = pay({ url: shop.url, key: 'k', ...of('acme') });
    await entered;
    expect(await pay({ url: shop.url, key: 'k', ...of('globex') })).toMatchObject({ receipt: { run: 2 } });
    end.open();
    expect(await slow).toMatchObject({ receipt: { run: 1 } });
  });

  test('a question about a key is asked of the tenant of who asks', async () => {
    await using shop = await startTenants();
    await pay({ url: shop.url, key: 'k', ...of('acme') });
    const ask = (tenant: string) =>
      ASK_APIS[api as keyof typeof ASK_APIS]({ url: shop.url, key: 'k', tenant });
    expect((await ask('acme')).known).toMatchObject({ state: 'completed' });
    expect((await ask('globex')).known).toMatchObject({ state: 'unknown' });
  });

  test('a call whose function gives no Idempotency runs nothing', async () => {
    await using shop = await startTenants();
    const failed = await pay({ url: shop.url, key: 'k', ...of('nobody') }).catch(() => 'failed');
    expect(failed).not.toMatchObject({ receipt: expect.anything() });
    expect(await pay({ url: shop.url, key: 'k', ...of('acme') })).toMatchObject({ receipt: { run: 1 } });
  });

  test('a call without a key needs no tenant', async () => {
    await using shop = await startTenants();
    expect(await pay({ url: shop.url, ...of('nobody') })).toMatchObject({ receipt: { run: 1 } });
  });
});

describe('siblings', () => {
  const call = { scope: 'alice', key: 'k', operation: 'pay' };

  test('have the options and the listener of the first one', async () => {
    await using shop = await startTenants();
    const { globex: sibling } = shop.tenants;
    expect(await sibling?.run(call, () => 1)).toBe(1);
    expect(shop.events.map(({ type }) => type)).toEqual(['started', 'completed']);
    const [record] = await shop.recordsOf.globex();
    expect(record?.expiresAt - record?.completedAt).toBe(5_000_000);
    expect(await shop.recordsOf.acme()).toEqual([]);
  });

  test('open what the others have encrypted by the cipher of one operation', async () => {
    await using shop = await startTenants();
    const cipher = createCipher({ current: 'k1', keys: { k1: randomBytes(32) } });
    await shop.tenants.globex?.run(call, () => 'secret', { cipher });
    const [record] = await shop.recordsOf.globex();
    expect(record?.response.body).not.toContain('secret');
    await using other = shop.tenants.acme?.with({ store: createMemoryStore() });
    expect(await other?.open(record as never, 'response')).toContain('secret');
  });

  test('are enabled where the first one is', async () => {
    const off = createIdempotency({ store: createMemoryStore(), enabled: false });
    const sibling = off.with({ store: createMemoryStore() });
    expect(sibling.enabled).toBe(false);
    expect([await sibling.run(call, () => 1), await sibling.run(call, () => 2)]).toEqual([1, 2]);
  });

  test('are closed one by one, each with its own store', async () => {
    await using shop = await startTenants();
    await shop.tenants.acme?.close();
    await expect(shop.tenants.acme?.run(call, () => 1)).rejects.toMatchObject({ reason: 'closing' });
    expect(await shop.tenants.globex?.run(call, () => 2)).toBe(2);
  });

  test('count in their own databases', async () => {
    const shop = await startTenants();
    await shop.tenants.acme?.run(call, () => 1);
    for (const key of ['a', 'b']) await shop.tenants.globex?.run({ ...call, key }, () => 1);
    await shop[Symbol.asyncDispose]();
    const counted = async ({ db }: typeof acme) => {
      const stats = await db.collection(`keys_${collections}_stats`).find({ widthMs: 60_000 }).toArray();
      return stats.reduce((sum, { success = 0 }) => sum + success, 0);
    };
    expect([await counted(acme), await counted(globex)]).toEqual([1, 2]);
  });

  test('close the store with the last of those that share it', async () => {
    const client = await new MongoClient(acme.uri).connect();
    try {
      const store = createMongoStore({ db: acme.db, collection: `keys_${++collections}` });
      const first = createIdempotency({ store });
      const second = first.with({ store });
      await first.run(call, () => 1);
      await first.close();
      expect(await second.run({ ...call, key: 'other' }, () => 2)).toBe(2);
      await second.close();
      await expect(second.run(call, () => 3)).rejects.toMatchObject({ reason: 'closing' });
    } finally {
      await client.close();
    }
  });

  test.each<[unknown, string]>([
    [{}, 'Expected `store` to be a Store, such as createMongoStore(...) returns, got undefined'],
    [{ store: {} }, 'Expected `store` to be a Store'],
    [
      { store: createMongoStore({ db: acme.db }), leaseMs: 5_000 },
      'Unknown option `leaseMs` of idempotency.with(...)',
    ],
    [undefined, 'Expected the options of idempotency.with(...) to be an object, got undefined'],
  ])('are not made with %j', (others, message) => {
    const idempotency = createIdempotency({ store: createMongoStore({ db: acme.db }) });
    expect(() => idempotency.with(others as never)).toThrow(message);
  });
});
