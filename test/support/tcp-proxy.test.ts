import { once } from 'node:events';
import { connect } from 'node:net';
import { MongoClient } from 'mongodb';
import { expect, it } from 'vitest';
import { freshDatabase, mongoPort } from './database.ts';
import { startProxy } from './tcp-proxy.ts';

const noRetries = { retryWrites: false, retryReads: false, serverSelectionTimeoutMS: 1_000 };

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
  await using client = new MongoClient(proxy.uri, { ...noRetries, socketTimeoutMS: 300 });

  void proxy.dropReply(['insert', 'orders'], { clientSees: 'silence' });
  await expect(client.db(database.name).collection('orders').insertOne({})).rejects.toThrow(/timed out/);

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

it('a refusing proxy closes what is open and what comes', async () => {
  await using database = await freshDatabase();
  await using proxy = await startProxy(mongoPort());
  await using client = await new MongoClient(proxy.uri, noRetries).connect();
  await client.db(database.name).command({ ping: 1 });
  expect(proxy.connections).toBeGreaterThan(0);

  proxy.mode = 'refuse';
  await expect(client.db(database.name).command({ ping: 1 })).rejects.toThrow();
  const socket = connect(proxy.port, '127.0.0.1').resume();
  await once(socket, 'close');
  expect(proxy.connections).toBe(0);

  proxy.mode = 'pass';
  expect(await client.db(database.name).command({ ping: 1 })).toMatchObject({ ok: 1 });
});
