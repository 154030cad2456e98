import { once } from 'node:events';
import { connect } from 'node:net';
import { MongoClient } from 'mongodb';
import { expect, it } from 'vitest';
import { freshDatabase, mongoPort } from './database.ts';
import { startProxy } from './tcp-proxy.ts';

const noRetries = { retryWrites: false, retryReads: false };

it('a dropped reply is an error for the client, and the write was applied', async () => {
  await using database = await freshDatabase();
  await using proxy = await startProxy(mongoPort());
  await using client = new MongoClient(proxy.uri, noRetries);
  const behindProxy = client.db(database.name).collection('orders');

  const dropped = proxy.dropReply(['insert', 'orders']);
  await expect(behindProxy.insertOne({ n: 1 })).rejects.toThrow(/connection \d+ .* closed/);
  await dropped;

  expect(await database.db.collection('orders').countDocuments()).toBe(1);
  await behindProxy.insertOne({ n: 2 });
  expect(await database.db.collection('orders').countDocuments()).toBe(2);
});

it('only the nth matching request loses its reply', async () => {
  await using database = await freshDatabase();
  await using proxy = await startProxy(mongoPort());
  await using client = new MongoClient(proxy.uri, noRetries);
  const behindProxy = client.db(database.name).collection('orders');

  void proxy.dropReply(['insert', 'orders'], { nth: 2 });
  await behindProxy.insertOne({ n: 1 });
  await client.db(database.name).collection('others').insertOne({ n: 1 });
  await expect(behindProxy.insertOne({ n: 2 })).rejects.toThrow();

  expect(await database.db.collection('orders').countDocuments()).toBe(2);
});

it('a silenced reply leaves the client waiting on an open connection', async () => {
  await using database = await freshDatabase();
  await using proxy = await startProxy(mongoPort());
  await using client = await new MongoClient(proxy.uri, noRetries).connect();
  const orders = client.db(database.name).collection('orders');

  const dropped = proxy.dropReply(['insert', 'orders'], { clientSees: 'silence' });
  let isWaiting = true;
  const inserted = orders.insertOne({}).finally(() => {
    isWaiting = false;
  });
  await dropped;
  expect(await database.db.collection('orders').countDocuments()).toBe(1);
  // Another connection of the same client was answered meanwhile.
  expect(await orders.countDocuments()).toBe(1);
  expect(isWaiting).toBe(true);
  await Promise.all([client.close(), expect(inserted).rejects.toThrow(/closed/)]);
});

it('open connections that swallow what comes stay open, and new ones work', async () => {
  await using database = await freshDatabase();
  await using proxy = await startProxy(mongoPort());
  await using client = await new MongoClient(proxy.uri, noRetries).connect();
  const orders = client.db(database.name).collection('orders');
  await orders.insertOne({ n: 1 });

  const swallowing = proxy.swallowOpen();
  expect(swallowing).toBeGreaterThan(0);
  let isWaiting = true;
  const second = orders.insertOne({ n: 2 }).finally(() => {
    isWaiting = false;
  });
  // The driver takes another connection, for that one is in use.
  await orders.insertOne({ n: 3 });
  expect(isWaiting).toBe(true);
  expect(proxy.connections).toBeGreaterThan(swallowing);
  expect(await database.db.collection('orders').distinct('n')).toEqual([1, 3]);
  await Promise.all([client.close(), expect(second).rejects.toThrow(/closed/)]);
});

it('a request that is held up arrives when it is delivered, though its client has gone', async () => {
  await using database = await freshDatabase();
  await using proxy = await startProxy(mongoPort());
  await using client = await new MongoClient(proxy.uri, noRetries).connect();

  const letter = proxy.holdUp(['insert', 'orders']);
  const inserted = client.db(database.name).collection('orders').insertOne({ n: 1 });
  await letter.held;
  await Promise.all([client.close(), expect(inserted).rejects.toThrow(/closed/)]);
  expect(await database.db.collection('orders').countDocuments()).toBe(0);
  await letter.deliver();
  expect(await database.db.collection('orders').countDocuments()).toBe(1);
});

it('a command that hung goes on when the proxy passes again', async () => {
  await using database = await freshDatabase();
  await using proxy = await startProxy(mongoPort());
  await using client = await new MongoClient(proxy.uri, noRetries).connect();
  const orders = client.db(database.name).collection('orders');
  await orders.insertOne({ n: 1 });

  proxy.mode = 'hang';
  const second = orders.insertOne({ n: 2 });
  expect(await database.db.collection('orders').countDocuments()).toBe(1);
  proxy.mode = 'pass';
  await second;
  expect(await database.db.collection('orders').countDocuments()).toBe(2);
});

it('a request that takes longer arrives after its delay, and in its order', async () => {
  await using database = await freshDatabase();
  await using proxy = await startProxy(mongoPort());
  await using client = await new MongoClient(proxy.uri, { ...noRetries, maxPoolSize: 1 }).connect();
  const orders = client.db(database.name).collection('orders');
  await orders.insertOne({ n: 0 });

  proxy.delayMs = 30;
  const sentAt = performance.now();
  await Promise.all([orders.insertOne({ n: 1 }), orders.insertOne({ n: 2 })]);
  expect(performance.now() - sentAt).toBeGreaterThanOrEqual(59);
  expect((await orders.find().toArray()).map(({ n }) => n)).toEqual([0, 1, 2]);
});

it('a refusing proxy closes what is open and what comes', async () => {
  await using database = await freshDatabase();
  await using proxy = await startProxy(mongoPort());
  const open = connect(proxy.port, '127.0.0.1').resume();
  await once(open, 'connect');

  proxy.mode = 'refuse';
  await once(open, 'close');
  const next = connect(proxy.port, '127.0.0.1').resume();
  await once(next, 'close');
  expect(proxy.connections).toBe(0);

  proxy.mode = 'pass';
  await using client = new MongoClient(proxy.uri, noRetries);
  expect(await client.db(database.name).command({ ping: 1 })).toMatchObject({ ok: 1 });
});
