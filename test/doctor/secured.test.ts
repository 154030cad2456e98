import { type Document, MongoClient } from 'mongodb';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FindingState, Topic } from '../../server/doctor/finding.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { examine } from '../support/doctor.ts';
import { type SecuredMongod, startSecuredMongod } from '../support/mongod/start-secured-mongod.ts';

const KEYS = 'idempotency_keys';
const MINUTE = 60_000;
const READ_WRITE = ['find', 'insert', 'update', 'remove', 'listIndexes', 'createIndex', 'createCollection'];

let server: SecuredMongod;
let root: MongoClient;
beforeAll(async () => {
  server = await startSecuredMongod();
  root = new MongoClient(server.uri);
  await createMongoStore({ db: root.db('shop') }).ready();
  return async () => {
    await root.close();
    await server[Symbol.asyncDispose]();
  };
});

const roles = (...all: Document[]) => ({ roles: all });
const actions = (collection: string, ...names: string[]) => ({
  privileges: [{ resource: { db: 'shop', collection }, actions: names }],
});

type Expected = [state: FindingState, topic: Topic, about: string | undefined, text: RegExp];

describe('a user who', () => {
  it.each<[string, Parameters<SecuredMongod['userWho']>[0], Expected[]]>([
    [
      'has the role readWrite has each right, and what it may not ask of the server is said',
      roles({ role: 'readWrite', db: 'shop' }),
      [
        ['ok', 'rights', KEYS, /^The user has each right\.$/],
        ['ok', 'rights', `${KEYS}_jobs`, /^The user has each right\.$/],
        ['ok', 'transaction', undefined, /one commit/],
        ['unknown', 'ttl-monitor', undefined, /this user may not do that \(not authorized on admin\)\.$/],
        ['unknown', 'write-concern', undefined, /this user may not do that \(not authorized on admin\)\.$/],
      ],
    ],
    [
      'has clusterMonitor, too, is told everything',
      roles({ role: 'readWrite', db: 'shop' }, { role: 'clusterMonitor', db: 'admin' }),
      [
        ['ok', 'ttl-monitor', undefined, /is on/],
        ['ok', 'write-concern', undefined, /^The default is "majority"/],
      ],
    ],
    [
      'may only read can not protect a call',
      roles({ role: 'read', db: 'shop' }),
      [
        [
          'fail',
          'rights',
          KEYS,
          /^The user lacks the right to insert, update, createIndex, remove: calls with a key are refused/,
        ],
        [
          'unknown',
          'scratch',
          undefined,
          /lacks the right to insert, update, createCollection, createIndex, dropCollection in/,
        ],
        ['unknown', 'claim', undefined, /no scratch collection could be made/],
        ['ok', 'indexes', KEYS, /^All indexes are there\.$/],
      ],
    ],
    [
      'has the smallest rights for calls can protect them, and the dashboard’s collections are not for it',
      actions(KEYS, 'find', 'insert', 'update', 'listIndexes'),
      [
        ['warn', 'rights', KEYS, /lacks the right to createIndex, remove: the indexes are there/],
        ['warn', 'rights', `${KEYS}_stats`, /calls work, and the dashboard shows no counts\.$/],
        ['warn', 'rights', `${KEYS}_audit`, /one without a dashboard does not need it\.$/],
        ['ok', 'records', KEYS, /takes the writes of a key/],
        ['unknown', 'scratch', undefined, /the protocol was not tried\.$/i],
      ],
    ],
    [
      'may not list indexes is refused by ready()',
      actions(KEYS, 'find', 'insert', 'update'),
      [
        ['fail', 'rights', KEYS, /lacks the right to .*listIndexes/],
        ['unknown', 'indexes', KEYS, /^The indexes could not be listed: this user may not do that/],
      ],
    ],
    [
      'may not drop a collection makes none',
      actions('', ...READ_WRITE),
      [['unknown', 'scratch', undefined, /lacks the right to dropCollection in/]],
    ],
  ])('%s', async (_, may, expected) => {
    const examined = await examine(await server.userWho(may));
    for (const [state, topic, about, text] of expected) {
      const { of } = examined;
      expect(of(topic, about)).toMatchObject({ state, text: expect.stringMatching(text) });
    }
    expect((await root.db('shop').listCollections().toArray()).map(({ name }) => name)).toEqual([KEYS]);
  });
});

it('the command that mends missing rights mends them', async () => {
  const uri = await server.userWho(roles({ role: 'read', db: 'shop' }));
  const { fix } = (await examine(uri)).of('rights', KEYS);
  const [, user, role, db] =
    /^db\.getSiblingDB\("admin"\)\.grantRolesToUser\("(.*?)", \[\{ role: "(\w+)", db: "(\w+)" \}\]\)$/.exec(
      fix ?? '',
    ) ?? [];
  await root.db('admin').command({ grantRolesToUser: user, roles: [{ role, db }] });
  const after = await examine(uri);
  expect(after.of('rights', KEYS).state).toBe('ok');
  expect(after.of('complete').state).toBe('ok');
});

it.each([
  [
    'nobody',
    () => server.anonymousUri,
    /^The server wants its clients to log in, and the URI names no user\. Fix: /,
  ],
  ['a wrong password', () => server.uri.replace('open-sesame', 'guess'), /Authentication failed/],
])('%s gets no findings, but is told why', async (_, uri, message) => {
  await expect(examine(uri())).rejects.toThrow(message);
});

it('a default write concern of 1, a TTL monitor that is off and what it left behind are found', async () => {
  const admin = root.db('admin');
  const old = [3, 5, 90].map((minutes) => ({
    scope: 's',
    key: `k${minutes}`,
    expiresAt: new Date(Date.now() - minutes * MINUTE),
  }));
  const young = { scope: 's', key: 'young', expiresAt: new Date(Date.now() - MINUTE) };
  await admin.command({ setParameter: 1, ttlMonitorEnabled: false });
  await admin.command({ setDefaultRWConcern: 1, defaultWriteConcern: { w: 1 } });
  await root
    .db('shop')
    .collection(KEYS)
    .insertMany([...old, young]);
  const { of } = await examine(server.uri);
  expect(of('ttl-monitor')).toMatchObject({ state: 'fail', fix: expect.stringContaining('setParameter') });
  expect(of('ttl-backlog')).toMatchObject({
    state: 'warn',
    text: expect.stringMatching(/^3 records .*the oldest for 90 min/),
  });
  expect(of('write-concern')).toMatchObject({
    state: 'warn',
    text: expect.stringMatching(/is w: 1\. Latchkey writes keys by majority/),
  });
  // What it writes itself does not go by the default.
  expect(of('complete').state).toBe('ok');
});
