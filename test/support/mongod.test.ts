import { MongoClient } from 'mongodb';
import { expect, it, vi } from 'vitest';
import { freshDatabase, mongoPort, mongoUri } from './database.ts';
import { freePort } from './free-port.ts';
import { startMongod } from './mongod/start-mongod.ts';
import { startReplicaSet } from './mongod/start-replica-set.ts';

it('the shared server has transactions and failures on demand', async () => {
  await using database = await freshDatabase();
  const session = database.client.startSession();
  await session.withTransaction(() => database.db.collection('a').insertOne({}, { session }));
  await session.endSession();
  const admin = database.client.db('admin');

  expect(await database.db.collection('a').countDocuments()).toBe(1);
  expect(await admin.command({ configureFailPoint: 'failCommand', mode: 'off' })).toMatchObject({ ok: 1 });
});

it('two fresh databases are two databases, and are gone when they are disposed', async () => {
  const names: string[] = [];
  {
    await using one = await freshDatabase();
    await using other = await freshDatabase();
    for (const { db, name } of [one, other]) {
      await db.createCollection('a');
      names.push(name);
    }
    expect(one.name).not.toBe(other.name);
  }
  await using client = new MongoClient(mongoUri());
  const { databases } = await client.db().admin().listDatabases({ nameOnly: true });
  expect(databases.filter(({ name }) => names.includes(name))).toEqual([]);
});

it('a killed mongod comes back on the same port with what was acknowledged', async () => {
  await using mongod = await startMongod();
  const { port, pid } = mongod;
  {
    await using client = new MongoClient(mongod.uri);
    await client
      .db('test')
      .collection('a')
      .insertOne({ n: 1 }, { writeConcern: { w: 'majority' } });
  }
  await mongod.kill('SIGKILL');
  expect(mongod.pid).toBeUndefined();
  await mongod.restart();

  await using client = new MongoClient(mongod.uri);
  expect(await client.db('test').collection('a').countDocuments()).toBe(1);
  expect(mongod.port).toBe(port);
  expect(mongod.pid).not.toBe(pid);
});

it('a port that another server has taken meanwhile is no failure', async () => {
  const taken = [mongoPort(), mongoPort()];
  vi.doMock('./free-port.ts', () => ({ freePort: async () => taken.pop() ?? (await freePort()) }));
  vi.resetModules();
  const { startMongod: startOnNextFree } = await import('./mongod/start-mongod.ts');
  vi.doUnmock('./free-port.ts');
  await using mongod = await startOnNextFree();
  await using client = new MongoClient(mongod.uri);

  expect(taken).toEqual([]);
  expect(await client.db('admin').command({ hello: 1 })).toMatchObject({ me: `127.0.0.1:${mongod.port}` });
  expect(mongod.port).not.toBe(mongoPort());
});

it('no connection that goes out gets the port of a server that is stopped for a while', async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, freePort));
  expect(Math.max(...ports)).toBeLessThan(32_768);
});

it('a standalone has no replica set', async () => {
  await using mongod = await startMongod({ replSet: false });
  await using client = new MongoClient(mongod.uri);
  expect(await client.db('admin').command({ hello: 1 })).not.toHaveProperty('setName');
});

it('after a step-down another member is primary, and the data is there', async () => {
  await using set = await startReplicaSet();
  await using client = new MongoClient(set.uri);
  const before = await set.primary();
  await client
    .db('test')
    .collection('a')
    .insertOne({ n: 1 }, { writeConcern: { w: 'majority' } });
  await set.stepDown();

  expect(await set.primary()).not.toBe(before);
  expect(await client.db('test').collection('a').countDocuments()).toBe(1);
});
