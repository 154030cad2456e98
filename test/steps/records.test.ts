import type { Document } from 'mongodb';
import { afterAll, describe, expect, test } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import { createIdempotency, currentRun } from '../../server/index.ts';
import { callOf } from '../support/calls.ts';
import { emptyCollections, freshDatabase } from '../support/database.ts';
import { uncountedStore } from '../support/uncounted-store.ts';
import { ORDER_APIS, startOrderApp } from './order-app.ts';
import { placeOrderIn } from './place-order.ts';

const database = await freshDatabase();
const collections = emptyCollections(database);
afterAll(() => database[Symbol.asyncDispose]());

/** One server on an empty collection, whose mode `release` gives the key back between the steps. */
async function open() {
  const { db } = database;
  const collection = collections.take();
  const key = crypto.randomUUID();
  const idempotency = createIdempotency({ store: uncountedStore({ db, collection }) });
  const app = await startOrderApp(
    idempotency,
    placeOrderIn(db, async (where, mode) => {
      if (where !== 'after:charge' || mode !== 'release') return;
      currentRun()?.release('out of stock');
      throw new Error('out of stock');
    }),
  );
  return {
    sent: { url: app.url, key },
    records: db.collection(collection),
    effects: async () =>
      (await db.collection('effects').find({ key }).sort({ _id: 1 }).toArray()).map(({ name }) => name),
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await idempotency.close();
      await collections.giveBack(collection);
    },
  };
}

// As a pipeline with a literal: what is stored may look like an expression.
const damageOf = (steps: unknown) => [{ $set: { steps: { $literal: steps } } }];
const charge = {
  name: 'charge',
  at: new Date(0),
  attempt: 1,
  value: { format: 'step/1', body: '"c"', bytes: 3 },
};
const withValue = (value: unknown) => damageOf([{ ...charge, value }]);

describe.each(Object.entries(ORDER_APIS))('%s: a record with steps', (_, order) => {
  test('that was released between them goes on from there, and replays the whole', async () => {
    await using app = await open();
    await order({ ...app.sent, mode: 'release' });
    expect(await app.records.findOne()).toMatchObject({ state: 'released', steps: [{ name: 'charge' }] });
    const answer = await order(app.sent);
    expect(answer).toMatchObject({ status: 200, replayed: false });
    expect(await order(app.sent)).toEqual({ ...answer, replayed: true });
    expect(await app.effects()).toEqual(['charge', 'ship']);
  });

  test.each<[string, Document[]]>([
    ['null', damageOf(null)],
    ['a text', damageOf('charge')],
    ['an object', damageOf({ charge })],
    ['a step without a name', damageOf([charge, { ...charge, name: undefined }])],
    ['a step whose name is a number', damageOf([{ ...charge, name: 7 }])],
    ['something that is no step', damageOf([charge, 'ship'])],
    ['a list in the list', damageOf([[charge]])],
  ])('case 26: that hold %s: nobody knows what was done, so nothing runs', async (_damage, damage) => {
    await using app = await open();
    await order({ ...app.sent, mode: 'release' });
    await app.records.updateOne({}, damage);
    const before = await app.records.findOne();
    expect(await order(app.sent)).toMatchObject({ status: 500 });
    expect(await app.records.findOne()).toEqual(before);
    expect(await app.effects()).toEqual(['charge']);
  });

  test.each<[string, Document[]]>([
    ['no value', withValue(undefined)],
    ['null for a value', withValue(null)],
    ['a text for a value', withValue('"c"')],
    ['half of a body', withValue({ ...charge.value, body: '"' })],
    ['a body that is no JSON', withValue({ ...charge.value, body: '"c!' })],
    ['a body that is no text', withValue({ ...charge.value, body: 7 })],
    ['a format of another release', withValue({ ...charge.value, format: 'step/9' })],
    ['a value that was purged', withValue({ format: 'step/1', bytes: 3, omitted: 'purged' })],
  ])(
    'case 26: one of which has %s: it is not done again, and the key is in doubt',
    async (_damage, damage) => {
      await using app = await open();
      await order({ ...app.sent, mode: 'release' });
      await app.records.updateOne({}, damage);
      expect(await order(app.sent)).toMatchObject({ receipt: undefined });
      expect(await app.records.findOne()).toMatchObject({
        state: 'in_doubt',
        history: [{ event: 'released' }, { reason: 'the value of step "charge" is not available' }],
      });
      expect(await app.effects()).toEqual(['charge']);
    },
  );

  test('that is completed is replayed, whatever became of its steps', async () => {
    await using app = await open();
    const answer = await order(app.sent);
    await app.records.updateOne({}, damageOf('charge'));
    expect(await order(app.sent)).toEqual({ ...answer, replayed: true });
  });
});

describe('case 27: steps and a result that are too large together', () => {
  const MEGABYTE = 1_048_576;
  test('the effects happen once, the first caller gets all, and the record is closed without the result', async () => {
    const collection = `keys_${crypto.randomUUID()}`;
    const idempotency = createIdempotency({
      store: uncountedStore({ db: database.db, collection, timeoutMs: 60_000 }),
      maxResultBytes: 15 * MEGABYTE,
      compressAboveBytes: null,
    });
    const large = 'x'.repeat(7 * MEGABYTE);
    let runs = 0;
    const call = () =>
      internalsOf(idempotency).execute(
        callOf(idempotency, async (run) => {
          runs++;
          const [first, second, third] = [
            await run.step('first', () => large),
            await run.step('second', () => large),
            await run.step('third', () => large),
          ];
          return { data: [first.length, second.length, third.length, large] };
        }),
      );
    const { length } = large;
    expect((await call()).value).toEqual({ data: [length, length, length, large] });
    await expect(call()).rejects.toMatchObject({
      code: 'IDEMPOTENCY_RESULT_NOT_RETAINED',
      reason: 'too_large',
    });
    expect(runs).toBe(1);
    expect(
      await database.db.collection(collection).findOne({}, { projection: { 'steps.value.body': 0 } }),
    ).toMatchObject({
      state: 'completed',
      steps: [
        { name: 'first', value: { bytes: length + 2 } },
        { name: 'second', value: { bytes: length + 2 } },
        { name: 'third', value: { bytes: length + 2, omitted: 'too_large' } },
      ],
      response: { omitted: 'too_large' },
    });
    await idempotency.close();
  });
});
