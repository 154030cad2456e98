import mongoose, { createConnection, mongo, Schema } from 'mongoose';
import { describe, expect, it } from 'vitest';
import { createIdempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { freshDatabase } from '../support/database.ts';
import { startPaymentApp } from '../support/payment-app.ts';
import { PAYMENT_APIS } from '../support/payment-client.ts';

const bson = Symbol.for('@@mdb.bson.version');

/** A payment app whose host keeps its orders by mongoose 8, and its keys next to them. */
async function openHost() {
  const database = await freshDatabase();
  const mongoose = await createConnection(database.uri, { dbName: database.name }).asPromise();
  const orders = mongoose.model('Order', new Schema({ amount: Number }));
  const idempotency = createIdempotency({ store: createMongoStore({ db: mongoose.db as mongo.Db }) });
  const app = await startPaymentApp(
    idempotency,
    async ({ amount }) => void (await orders.create({ amount })),
  );
  return {
    url: app.url,
    orders,
    records: database.db.collection('idempotency_keys'),
    async [Symbol.asyncDispose]() {
      await idempotency.close();
      await app[Symbol.asyncDispose]();
      await mongoose.close();
      await database[Symbol.asyncDispose]();
    },
  };
}

describe.each(Object.entries(PAYMENT_APIS))('case 14, %s next to mongoose 8', (_, pay) => {
  it('a payment that is sent twice is made once, and its answer is repeated to the byte', async () => {
    await using host = await openHost();
    const first = await pay({ url: host.url, key: 'k', amount: 5 });
    expect(first).toMatchObject({ status: 200, replayed: false, receipt: { amount: 5 } });
    expect(await pay({ url: host.url, key: 'k', amount: 5 })).toEqual({ ...first, replayed: true });
    expect(await host.orders.find().lean()).toMatchObject([{ amount: 5 }]);
    expect(await host.records.find().toArray()).toMatchObject([
      { key: 'k', state: 'completed', attempts: 1 },
    ]);
  });

  it('20 at once and one with another amount: one payment, nobody sees a 5xx', async () => {
    await using host = await openHost();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => pay({ url: host.url, key: 'k', amount: 5 })),
    );
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(200);
    expect(await pay({ url: host.url, key: 'k', amount: 6 })).toMatchObject({ status: 422 });
    expect(await host.orders.countDocuments()).toBe(1);
  });
});

it('mongoose has a driver and a bson of its own here, of another major than our peer', async () => {
  await using database = await freshDatabase();
  await database.db.collection('orders').insertOne({});
  const order = await database.db.collection('orders').findOne();
  expect(order?._id).toMatchObject({ [bson]: 7 });
  expect(new mongo.ObjectId()).toMatchObject({ [bson]: 6 });
});

describe('what is no Db is refused at construction, before any key is taken, with the way to get one (case 14, case 66)', () => {
  const connection = createConnection(); // not connected yet: it has no `db`
  const client = new mongo.MongoClient('mongodb://app:secret@db.example');
  it.each<[string, unknown, string]>([
    [
      'the `db` of a mongoose connection that is not open',
      connection.db,
      'got undefined. Fix: with mongoose, `connection.db` is there once the connection is open: `await mongoose.connect(uri)` first',
    ],
    ['null', null, 'got null. Fix: with mongoose, `connection.db` is there'],
    [
      'a mongoose connection',
      connection,
      'got an object of class NativeConnection. Fix: its `db`, once it is open: `(await connection.asPromise()).db`',
    ],
    ['mongoose itself', mongoose, 'Fix: `await mongoose.connect(uri)`, then `mongoose.connection.db`'],
    ['a client', client, "got an object of class MongoClient. Fix: a Db of this client: client.db('shop')"],
    ['the client of a mongoose connection', connection.getClient(), "client.db('shop')"],
    ['a promise', Promise.resolve(client.db('shop')), 'got a promise. Fix: await it'],
    ['a promise of a client', Promise.resolve(client), 'got a promise. Fix: await it'],
    [
      'a collection',
      client.db('shop').collection('keys'),
      'got an object of class Collection. Fix: its Db as `db`, and its name as `collection`',
    ],
    [
      'an address, whose password is not repeated',
      'mongodb://app:secret@db.example/shop',
      "got a string. Fix: new MongoClient(uri).db('shop')",
    ],
    ['a number', 5, 'got 5'],
  ])('%s', (_, db, message) => {
    const create = () => createMongoStore({ db: db as never });
    expect(create).toThrow(TypeError);
    expect(create).toThrow(
      /^Expected `db` to be a Db of the MongoDB driver, such as client\.db\('shop'\), or the `db` of a mongoose connection that is open, got /,
    );
    expect(create).toThrow(message);
    expect(create).not.toThrow(/secret/);
  });
});
