import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createCipher, type Policy } from '../../server/index.ts';
import { emptyDatabase } from '../support/database.ts';
import { PAYMENT_APIS } from '../support/payment-client.ts';
import { startPaymentShop } from '../support/payment-shop.ts';

const cipher = createCipher({ current: 'k1', keys: { k1: randomBytes(32) } });

async function open(policy: Policy = {}) {
  const database = await emptyDatabase();
  const shop = await startPaymentShop(database.uri, database.name, policy);
  return {
    ...shop,
    uri: database.uri,
    database: database.name,
    records: database.db.collection('idempotency_keys'),
    async [Symbol.asyncDispose]() {
      await shop[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

// Each kind of damage is in test/mongodb/damaged-records.test.ts: here, what an API makes of it.
describe.each(Object.entries(PAYMENT_APIS))('%s: a record that somebody damaged', (api, pay) => {
  const unavailable = api === 'tRPC' ? 409 : 410;

  /** The status of a retry, which runs and writes nothing. */
  async function retryAfter(damage: object, policy: Policy = {}) {
    await using shop = await open(policy);
    await pay({ url: shop.url, key: 'k' });
    expect(await shop.records.updateOne({}, damage)).toMatchObject({ modifiedCount: 1 });
    const before = await shop.records.findOne();
    const retry = await pay({ url: shop.url, key: 'k' });
    expect(shop.runs).toHaveLength(1);
    expect(await shop.records.findOne()).toEqual(before);
    return retry;
  }

  test.each<[string, object, string, Policy?]>([
    ['no response', { $unset: { response: 1 } }, 'damaged'],
    // What the API itself can not read.
    [
      'a body of the right length that is no JSON',
      [{ $set: { 'response.body': { $concat: ['!', { $substrCP: ['$response.body', 1, 9_999] }] } } }],
      'damaged',
    ],
    ['an encrypted body without its iv', { $unset: { 'response.cipher.iv': 1 } }, 'damaged', { cipher }],
  ])(
    'case 26: completed with %s: outcome known, result unavailable, no run and no reason to retry',
    async (_, damage, reason, policy) => {
      expect(await retryAfter(damage, policy)).toMatchObject({
        status: unavailable,
        code: 'IDEMPOTENCY_RESULT_NOT_RETAINED',
        reason,
        retryAfter: null,
      });
    },
  );

  test('case 25: a fingerprint rule of another release: nothing runs, nothing is written, and it is no 422', async () => {
    expect(await retryAfter({ $set: { fingerprint: 's9:abc' } })).toMatchObject({ status: 500 });
  });
});

test.each(Object.entries(PAYMENT_APIS))(
  '%s: replays are counted, and a record does not grow with them otherwise',
  async (_, pay) => {
    await using shop = await open();
    await pay({ url: shop.url, key: 'k' });
    const before = await shop.records.findOne();
    for (let i = 0; i < 4; i++) {
      await Promise.all(Array.from({ length: 25 }, () => pay({ url: shop.url, key: 'k' })));
    }
    const { replays, lastReplayedAt, ...record } = (await shop.records.findOne()) as Record<string, unknown>;
    expect(record).toEqual(before);
  },
);

describe.each(Object.entries(PAYMENT_APIS))(
  'case 18, %s: the host closes its client while a payment runs',
  (_, pay) => {
    test('the caller gets the true result, and the record ends in doubt, not released', async () => {
      await using shop = await open({ leaseMs: 1_000 });
      const running = pay({ url: shop.url, key: 'k', mode: 'hold' });
      await shop.started;
      const unrecorded = shop.happened('result_not_recorded');
      await shop.client.close();
      shop.release.open();
      expect(await running).toMatchObject({ status: 200 });
      expect(await unrecorded).toMatchObject({ key: 'k', scope: 'alice' });

      await using elsewhere = await startPaymentShop(shop.uri, shop.database, { leaseMs: 1_000 });
      expect(await pay({ url: elsewhere.url, key: 'k' })).toMatchObject({ status: 409, retryAfter: null });
      expect(await shop.records.findOne()).toMatchObject({ state: 'in_doubt' });
      expect(elsewhere.runs).toHaveLength(0);
    });
  },
);
