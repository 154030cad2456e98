import { describe, expect, test } from 'vitest';
import { scopeOf } from '../../server/index.ts';
import { emptyDatabase } from '../support/database.ts';
import { PAYMENT_APIS } from '../support/payment-client.ts';
import { startPaymentShop } from '../support/payment-shop.ts';

// The payment app takes its scope from the user that a request names.
describe.each(Object.entries(PAYMENT_APIS))('%s', (_, pay) => {
  test('a user of two organisations has two keys, and gets the answer of the one that was asked', async () => {
    await using database = await emptyDatabase();
    await using shop = await startPaymentShop(database.uri, database.name);
    const payIn = (org: string) => pay({ url: shop.url, key: 'k', user: scopeOf(org, 'ada') });
    const [acme, globex] = [await payIn('acme'), await payIn('globex')];
    expect(acme.receipt?.id).not.toBe(globex.receipt?.id);
    expect(await payIn('acme')).toEqual({ ...acme, replayed: true });
    expect(await payIn('globex')).toEqual({ ...globex, replayed: true });
    expect(shop.runs).toHaveLength(2);
  });

  test.each(['null/ada', 'acme/undefined', '[object Object]', 'undefined'])(
    'nothing runs in the scope %j, which others without an organisation would share',
    async (user) => {
      await using database = await emptyDatabase();
      await using shop = await startPaymentShop(database.uri, database.name);
      // What is no JSON is a host's own page for an error.
      const answer = await pay({ url: shop.url, key: 'k', user }).catch(() => undefined);
      expect(answer?.receipt).toBeUndefined();
      expect(shop.runs).toEqual([]);
      expect(await database.db.collection('idempotency_keys').countDocuments()).toBe(0);
    },
  );
});
