import { type Document, MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMongoStore, type MongoStoreOptions } from '../../server/mongodb/index.ts';
import { freshClaim } from '../../server/testing/contract/requests.ts';
import { callOf } from '../support/calls.ts';
import { type SecuredMongod, startSecuredMongod } from '../support/mongod/start-secured-mongod.ts';

let server: SecuredMongod;
beforeAll(async () => {
  server = await startSecuredMongod();
});
afterAll(() => server[Symbol.asyncDispose]());

const COLLECTION = 'idempotency_keys';
let databases = 0;

/** A store of its own database, whose user may do what `may` makes of that database's name. */
async function storeOf(
  may: (database: string) => { roles: Document[] } | { privileges: Document[] },
  { hasIndexes = true, ...options }: Partial<MongoStoreOptions> & { hasIndexes?: boolean } = {},
) {
  const name = `shop_${++databases}`;
  const root = new MongoClient(server.uri);
  if (hasIndexes) await createMongoStore({ db: root.db(name) }).ready();
  const uri = await server.userWho(may(name));
  const client = new MongoClient(uri);
  const store = createMongoStore({ db: client.db(name), ...options });
  return {
    name,
    user: new URL(uri).username,
    store,
    keys: root.db(name).collection(COLLECTION),
    async [Symbol.asyncDispose]() {
      await store.close(1_000);
      await Promise.all([client.close(), root.close()]);
    },
  };
}

const actions =
  (...names: string[]) =>
  (db: string) => ({ privileges: [{ resource: { db, collection: COLLECTION }, actions: names }] });

describe('ready, with a user who', () => {
  it.each<[string, Parameters<typeof storeOf>, RegExp]>([
    [
      'may only read',
      [(db) => ({ roles: [{ role: 'read', db }] })],
      /^The user "user-\d+" of "admin" lacks the right to insert, update, createIndex in shop_\d+\.idempotency_keys\. Fix: give it the role readWrite: db\.getSiblingDB\("admin"\)\.grantRolesToUser\("user-\d+", \[\{ role: "readWrite", db: "shop_\d+" \}\]\)\. A role of your own needs the actions find, insert, update, listIndexes, createIndex on the collection\. See latchkey\/docs\/troubleshooting\.md#ready$/,
    ],
    ['may only find', [actions('find')], /lacks the right to insert, update, listIndexes, createIndex in /],
    ['may not list indexes', [actions('find', 'insert', 'update')], /lacks the right to listIndexes/],
    [
      'may not list indexes, where they are only checked',
      [actions('find', 'insert', 'update'), { indexes: 'check' }],
      /lacks the right to listIndexes in .*needs the actions find, insert, update, listIndexes on/,
    ],
    [
      'may not make the indexes that are missing',
      [actions('find', 'insert', 'update', 'listIndexes'), { hasIndexes: false }],
      /lacks the right to createIndex in /,
    ],
    [
      'may not insert',
      [actions('find', 'update', 'listIndexes')],
      /lacks the right to insert, createIndex in /,
    ],
    [
      'may not update',
      [actions('find', 'insert', 'listIndexes')],
      /lacks the right to update, createIndex in /,
    ],
    [
      'may not find',
      [actions('insert', 'update', 'listIndexes')],
      /lacks the right to find, createIndex in /,
    ],
    [
      'may write to another database only',
      [() => ({ roles: [{ role: 'readWrite', db: 'elsewhere' }] })],
      /lacks the right to find, insert, update, listIndexes, createIndex in /,
    ],
  ])('%s: names what is missing and the role that has it', async (_, [may, options], message) => {
    await using opened = await storeOf(may, options);
    await expect(opened.store.ready()).rejects.toThrow(message);
  });

  it.each<[string, Parameters<typeof storeOf>]>([
    ['has the role readWrite', [(db) => ({ roles: [{ role: 'readWrite', db }] }), { hasIndexes: false }]],
    ['has all that is asked for', [actions('find', 'insert', 'update', 'listIndexes', 'createIndex')]],
    ['may not make the indexes, which are there', [actions('find', 'insert', 'update', 'listIndexes')]],
    ['may do everything', [() => ({ roles: [{ role: 'root', db: 'admin' }] })]],
  ])('%s: is content, and claims a key', async (_, [may, options]) => {
    await using opened = await storeOf(may, options);
    await opened.store.ready();
    expect(await opened.keys.countDocuments()).toBe(0);
    expect(await opened.store.claim(freshClaim())).toMatchObject({ won: true });
  });
});

it('ready, for an operator who only looks at keys, asks for no right to write', async () => {
  await using opened = await storeOf((db) => ({ roles: [{ role: 'read', db }] }), { indexes: 'check' });
  await opened.store.ready({ transactions: false, readOnly: true });
});

describe('ready, at a server that wants a login', () => {
  it('with a wrong password: says that, and where to look', async () => {
    const client = new MongoClient(server.uri.replace('open-sesame', 'open-barley'));
    const failure = await createMongoStore({ db: client.db('shop') })
      .ready()
      .catch((error) => error);
    expect(failure.message).toMatch(
      /^The server of shop\.idempotency_keys refuses the login of `db`'s client: Authentication failed\..* Fix: its user, password, authSource or authMechanism\. See latchkey\/docs\/troubleshooting\.md#ready$/,
    );
    expect(failure.cause).toMatchObject({ code: 18 });
    await client.close();
  });

  it('with no user at all: says that', async () => {
    const client = new MongoClient(server.anonymousUri);
    await expect(createMongoStore({ db: client.db('shop') }).ready()).rejects.toThrow(
      /wants its clients to log in, and this one has no user\. Fix: give the client of `db` a user and a password/,
    );
    await client.close();
  });
});

it('a call is told not to retry where rights are missing, its operator which, and it goes on once they are given', async () => {
  await using opened = await storeOf((db) => ({ roles: [{ role: 'read', db }] }));
  const events: unknown[] = [];
  const idempotency = createIdempotency({ store: opened.store, onEvent: (event) => events.push(event) });
  const call = () => internalsOf(idempotency).execute(callOf(idempotency, async () => ({ data: 'paid' })));
  const refused = await call().catch((error) => error);
  expect(refused).toMatchObject({
    code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
    reason: 'misconfigured',
    status: 503,
    retryable: false,
    retryAfterMs: undefined,
    message: 'The idempotency store is not set up as it has to be; nothing was run',
  });
  expect(events).toMatchObject([
    { type: 'refused', code: 'IDEMPOTENCY_STORE_UNAVAILABLE', reason: 'misconfigured', error: refused },
  ]);
  const [, command] =
    /Fix: give it the role readWrite: (db\.getSiblingDB.*?\]\))\./.exec(refused.cause.message) ?? [];
  const [, user, role] = /grantRolesToUser\("(.*?)", \[\{ (.*) \}\]\)/.exec(command ?? '') ?? [];
  expect(role).toBe(`role: "readWrite", db: "${opened.name}"`);
  const root = new MongoClient(server.uri);
  const roles = [{ role: 'readWrite', db: opened.name }];
  await root.db('admin').command({ grantRolesToUser: user, roles });
  await root.close();
  expect(await call()).toEqual({ value: { data: 'paid' }, replayed: false });
});

it('a right that is withdrawn while calls come is a set-up to mend, too', async () => {
  await using opened = await storeOf(actions('find', 'insert', 'update', 'listIndexes'));
  await opened.store.ready();
  const root = new MongoClient(server.uri);
  const { users } = await root.db('admin').command({ usersInfo: opened.user });
  await root.db('admin').command({ revokeRolesFromUser: opened.user, roles: users[0].roles });
  await root.close();
  await expect(opened.store.claim(freshClaim())).rejects.toMatchObject({
    code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
    reason: 'misconfigured',
    retryable: false,
  });
});
