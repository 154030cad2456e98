import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { emptyDatabase } from '../support/database.ts';
import { PAYMENT_APIS } from '../support/payment-client.ts';
import { startPaymentShop } from '../support/payment-shop.ts';

const database = await emptyDatabase();
const records = database.db.collection('idempotency_keys');

/** What the answers tell, in the order in which they came. */
let told: (string | null)[] = [];
beforeEach(() => {
  told = [];
});
afterAll(() => database[Symbol.asyncDispose]());

describe.each(Object.entries(PAYMENT_APIS))('%s: until when an answer is replayed', (api, send) => {
  const pay = (call: Parameters<typeof send>[0]) =>
    send({ ...call, onHeaders: (headers) => told.push(headers['idempotency-expires']?.toString() ?? null) });
  const expiresAt = async (key: string) => (await records.findOne({ key }))?.expiresAt as Date;

  test('is told with a replay, as an HTTP date, and not with the first answer', async () => {
    await using shop = await startPaymentShop(database.uri, database.name, { retentionMs: 3_600_000 });
    const [one, declined] = [`${api}-one`, `${api}-declined`];
    for (const key of [one, one]) await pay({ url: shop.url, key });
    expect(told).toEqual([null, (await expiresAt(one)).toUTCString()]);
    expect(told[1]).toMatch(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
    await pay({ url: shop.url, key: one, amount: 6 });
    await pay({ url: shop.url, key: declined, headers: { 'x-user': '' } });
    expect(told.slice(2)).toEqual([null, null]);
  });

  test('is told by the process that ran it, too, whose duplicate took the answer from memory', async () => {
    await using shop = await startPaymentShop(database.uri, database.name);
    const joined = { url: shop.url, key: `${api}-joined`, mode: 'hold' };
    const first = pay(joined);
    await shop.started;
    const second = pay(joined);
    shop.release.open();
    const answers = await Promise.all([first, second]);
    expect(answers.map(({ replayed }) => replayed).sort()).toEqual([false, true]);
    const [time, ...others] = told.filter((each) => each !== null);
    expect(others).toEqual([]);
    const stored = (await expiresAt(joined.key)).getTime();
    expect(Date.parse(String(time))).toBeLessThanOrEqual(stored);
    expect(Date.parse(String(time))).toBeGreaterThan(stored - 60_000);
  });
});
