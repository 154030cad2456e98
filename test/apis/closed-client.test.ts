import { expect, test } from 'vitest';
import { freshDatabase } from '../support/database.ts';
import { PAYMENT_APIS } from '../support/payment-client.ts';
import { startPaymentShop } from '../support/payment-shop.ts';

test.each(Object.entries(PAYMENT_APIS))(
  'case 66, %s: a host that closes its client gets 503, and goes on with its keys when it has opened it again',
  async (_, pay) => {
    await using database = await freshDatabase();
    await using shop = await startPaymentShop(database.uri, database.name);
    const first = await pay({ url: shop.url, key: 'before' });
    await shop.client.close();
    for (const key of ['before', 'while closed']) {
      expect(await pay({ url: shop.url, key })).toMatchObject({
        status: 503,
        retryAfter: '1',
        receipt: undefined,
      });
    }
    await shop.client.connect();
    expect(await pay({ url: shop.url, key: 'before' })).toEqual({ ...first, replayed: true });
    expect(await pay({ url: shop.url, key: 'while closed' })).toMatchObject({ status: 200, replayed: false });
    expect(shop.runs).toHaveLength(2);
  },
);
