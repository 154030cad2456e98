import { afterAll, describe, expect, test } from 'vitest';
import { emptyDatabase } from '../support/database.ts';
import { PAYMENT_APIS } from '../support/payment-client.ts';
import { startPaymentShop } from '../support/payment-shop.ts';

const database = await emptyDatabase();
const shop = await startPaymentShop(database.uri, database.name);
const records = database.db.collection('idempotency_keys');

afterAll(async () => {
  await shop[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

// The same object by each API: `send` takes it from where a client finds it.
describe.each(Object.entries(PAYMENT_APIS))('%s: a refusal', (api, pay) => {
  const send = (key: string, more: { amount?: number; user?: string } = {}) =>
    pay({ url: shop.url, key: `${api}-${key}`, ...more });
  const recordOf = (key: string) => records.findOne({ key: `${api}-${key}`, scope: 'alice' });

  async function inDoubt(key: string, damage: object = {}) {
    await send(key);
    const state = { state: 'in_doubt', ...damage };
    await records.updateOne({ key: `${api}-${key}` }, { $set: state });
  }

  test('of a key in doubt names its record, and no one else is told the name', async () => {
    await inDoubt('doubt');
    const record = await recordOf('doubt');
    expect(await send('doubt')).toMatchObject({
      status: 409,
      code: 'IDEMPOTENCY_IN_DOUBT',
      retryable: false,
      keyUse: 'reuse',
      recordId: record?._id.toHexString(),
    });
    const { _id } = record ?? {};
    const other = await send('doubt', { user: 'bob' });
    expect(other).toMatchObject({ status: 200, code: undefined });
    const nobody = await send('doubt', { user: '' });
    expect(nobody).toMatchObject({ status: 401, code: 'IDEMPOTENCY_SCOPE_MISSING', recordId: undefined });
    for (const { body } of [other, nobody]) expect(body).not.toContain(String(_id));
  });

  test('of a record that can not be read names it too, and says whether a newer process may read it', async () => {
    await inDoubt('new', { v: 2 });
    const recordId = (await recordOf('new'))?._id.toHexString();
    expect(await send('new')).toMatchObject({
      status: 500,
      code: 'IDEMPOTENCY_RECORD_UNREADABLE',
      reason: 'newer_version',
      retryable: true,
      recordId,
    });
  });

  test('of a run that took too long names its record, to the caller that began it', async () => {
    await using slow = await startPaymentShop(database.uri, database.name, { maxRunMs: 1_000 });
    const answer = await pay({ url: slow.url, key: `${api}-slow`, mode: 'hold' });
    expect(answer).toMatchObject({ status: 409, code: 'IDEMPOTENCY_IN_DOUBT', reason: 'max_run' });
    expect(answer.recordId).toBe((await recordOf('slow'))?._id.toHexString());
  });

  test('that a client can have at will names no record', async () => {
    await send('reused', { amount: 5 });
    expect(await send('reused', { amount: 6 })).toMatchObject({
      status: 422,
      code: 'IDEMPOTENCY_KEY_REUSED',
      reason: undefined,
      retryable: false,
      keyUse: 'rotate',
      recordId: undefined,
    });
  });

  test('of a run that a duplicate has waited for in vain names its record, in this process and in another', async () => {
    const impatient = { waitTimeoutMs: 50 };
    await using runs = await startPaymentShop(database.uri, database.name, impatient);
    await using waits = await startPaymentShop(database.uri, database.name, impatient);
    const first = pay({ url: runs.url, key: `${api}-busy`, mode: 'hold' });
    await runs.started;
    const recordId = (await recordOf('busy'))?._id.toHexString();
    for (const { url } of [runs, waits])
      expect(await pay({ url, key: `${api}-busy` })).toMatchObject({
        ...{ status: 409, code: 'IDEMPOTENCY_IN_PROGRESS', retryable: true, keyUse: 'reuse' },
        recordId,
      });
    runs.release.open();
    expect(await first).toMatchObject({ status: 200 });
  });

  test('of a run that a duplicate does not wait for names no record, for it can be had at will', async () => {
    await using busy = await startPaymentShop(database.uri, database.name, { concurrent: 'reject' });
    const first = pay({ url: busy.url, key: `${api}-rejected`, mode: 'hold' });
    await busy.started;
    expect(await pay({ url: busy.url, key: `${api}-rejected` })).toMatchObject({
      ...{ code: 'IDEMPOTENCY_IN_PROGRESS', retryable: true, keyUse: 'reuse', recordId: undefined },
    });
    busy.release.open();
    await first;
  });
});
