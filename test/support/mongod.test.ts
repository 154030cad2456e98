import { MongoClient } from 'mongodb';
import { expect, it } from 'vitest';
import { freshDatabase, mongoUri } from './database.ts';
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
