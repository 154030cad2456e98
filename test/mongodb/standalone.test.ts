import { execFile } from 'node:child_process';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { completed, freshClaim } from '../../server/testing/contract/requests.ts';
import { MongodProcess } from '../support/mongod/mongod-process.ts';
import { type RunningMongod, startMongod } from '../support/mongod/start-mongod.ts';
import { openStore } from './open-store.ts';

let standalone: RunningMongod;
beforeAll(async () => {
  standalone = await startMongod({ replSet: false });
});
afterAll(() => standalone.stop());

it('is refused by ready, which says why, how to make it a set of one member, and how to go without', async () => {
  await using client = new MongoClient(standalone.uri);
  const store = createMongoStore({ db: client.db('shop') });
  const { message } = await store.ready().catch((error) => error);
  expect(message).toMatch(
    /^shop\.idempotency_keys is on a standalone mongod: .*may lose writes that it has acknowledged/,
  );
  expect(message).toContain('mongod --replSet rs0');
  expect(message).toContain(
    `mongosh "mongodb://127.0.0.1:${standalone.port}/?directConnection=true" --eval 'rs.initiate({ _id: "rs0", members: [{ _id: 0, host: "127.0.0.1:${standalone.port}" }] })'`,
  );
  expect(message).toContain('createMongoStore({ db, allowStandalone: true })');
  await expect(store.ready({ transactions: true })).rejects.toThrow(/which has no transactions\. Fix: /);
});

it('works where it is allowed, and is warned of once', async () => {
  const warned: Error[] = [];
  const listen = (warning: Error) => warned.push(warning);
  await using opened = await openStore({ uri: standalone.uri, allowStandalone: true });
  await setImmediate(); // Node.js hands on the warning of the set-up's own store in the next turn
  process.on('warning', listen);
  await opened.store.ready();
  await opened.store.ready();
  const held = await opened.win();
  expect(await opened.store.claim(freshClaim({ key: held.key }))).toMatchObject({ won: false });
  expect(await opened.store.settle(held, completed)).toEqual({ applied: true });
  expect(await opened.store.settle({ ...held, fence: 1 }, completed)).toMatchObject({ applied: false });
  await setImmediate();
  process.off('warning', listen);
  expect(warned.map((warning) => (warning as NodeJS.ErrnoException).code)).toEqual(['LATCHKEY_STANDALONE']);
});

it('becomes a set by what the message says, with its data', async () => {
  await using mongod = await startMongod({ replSet: false });
  await using client = new MongoClient(mongod.uri);
  await client.db('shop').collection('orders').insertOne({ paid: true });
  const { message } = await createMongoStore({ db: client.db('shop') })
    .ready()
    .catch((error) => error);
  await mongod.kill('SIGTERM');
  await using member = await MongodProcess.start({ port: mongod.port, dbPath: mongod.dbPath }, 'rs0');
  await using direct = new MongoClient(`mongodb://127.0.0.1:${member.port}/?directConnection=true`);
  const store = createMongoStore({ db: direct.db('shop') });

  const uninitiated = await store.ready().catch((error) => error);
  const [, config] = /rs\.initiate\((.*?)\)'/.exec(message) ?? [];
  expect(uninitiated.message).toMatch(
    /whose replica set is not initiated\. Fix, once: mongosh .*rs\.initiate\(/,
  );
  const { stdout } = await promisify(execFile)(process.execPath, ['-p', `JSON.stringify(${config})`]);
  await direct.db('admin').command({ replSetInitiate: JSON.parse(stdout) });

  await using again = new MongoClient(`mongodb://127.0.0.1:${member.port}/?replicaSet=rs0`);
  await createMongoStore({ db: again.db('shop') }).ready({ transactions: true });
  expect(await again.db('shop').collection('orders').countDocuments()).toBe(1);
});

it.each([1, 'yes', null])('`allowStandalone: %s` is refused at construction', (allowStandalone) => {
  const db = new MongoClient(standalone.uri).db('shop');
  expect(() => createMongoStore({ db, allowStandalone: allowStandalone as never })).toThrow(
    /Expected `allowStandalone` to be a boolean/,
  );
});
