import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FindingState, Topic } from '../../server/doctor/finding.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { examine, examineCollections } from '../support/doctor.ts';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const KEYS = 'idempotency_keys';
const AUDIT = `${KEYS}_audit`;
const JOBS = `${KEYS}_jobs`;
const STATS = `${KEYS}_stats`;

interface Row {
  readonly what: string;
  readonly spoil: (db: FreshDatabase['db']) => Promise<unknown>;
  readonly finds: [state: FindingState, topic: Topic, about: string, text: RegExp];
}

const ROWS: Row[] = [
  {
    what: 'no unique index',
    spoil: (db) => db.collection(KEYS).dropIndex('scope_1_key_1'),
    finds: [
      'fail',
      'indexes',
      KEYS,
      /^Missing: scope_1_key_1: without the unique index no call with a key runs\.$/,
    ],
  },
  {
    what: 'a TTL index that waits an hour',
    spoil: (db) => db.command({ collMod: KEYS, index: { name: 'expiresAt_1', expireAfterSeconds: 3_600 } }),
    finds: ['fail', 'indexes', KEYS, /expireAfterSeconds is 3600, expected 0\.$/],
  },
  {
    what: 'an expiresAt index without TTL',
    spoil: async (db) => {
      await db.collection(KEYS).dropIndex('expiresAt_1');
      await db.collection(KEYS).createIndex({ expiresAt: 1 });
    },
    finds: ['fail', 'indexes', KEYS, /expireAfterSeconds is not set, expected 0\.$/],
  },
  {
    what: 'a hidden unique index',
    spoil: (db) => db.command({ collMod: KEYS, index: { name: 'scope_1_key_1', hidden: true } }),
    finds: ['fail', 'indexes', KEYS, /hidden is true, expected false\.$/],
  },
  {
    what: 'another unique index of the keys',
    spoil: (db) => db.collection(KEYS).createIndex({ key: 1 }, { unique: true }),
    finds: ['fail', 'indexes', KEYS, /would refuse records of different keys\.$/],
  },
  {
    what: 'no index of the dashboard',
    spoil: (db) => db.collection(KEYS).dropIndex('state_1__id_-1'),
    finds: ['warn', 'indexes', KEYS, /^Missing: state_1__id_-1: .*the dashboard does not find/],
  },
  {
    what: 'an audit without its indexes',
    spoil: (db) => db.createCollection(AUDIT),
    finds: [
      'fail',
      'indexes',
      AUDIT,
      /^Missing: commandKey_1, keyId_1__id_-1, by_1__id_-1, action_1__id_-1, scope_1__id_-1, jobId_1__id_-1: .*may act twice\.$/,
    ],
  },
  {
    what: 'jobs whose TTL index waits an hour',
    spoil: (db) => db.collection(JOBS).createIndex({ expiresAt: 1 }, { expireAfterSeconds: 3_600 }),
    finds: ['fail', 'indexes', JOBS, /expireAfterSeconds is 3600, expected 0\.$/],
  },
  {
    what: 'counts without their indexes',
    spoil: (db) => db.createCollection(STATS),
    finds: ['warn', 'indexes', STATS, /^Missing: expiresAt_1, widthMs_1_from_1: /],
  },
  {
    what: 'a validator',
    spoil: (db) => db.command({ collMod: KEYS, validator: { shop: { $exists: true } } }),
    finds: ['fail', 'records', KEYS, /^It refuses the record of a key \(Document failed validation\)/],
  },
];

/** Lists the commands that a fix is made of, as a shell would run them. */
const commandsOf = ({ fix }: { readonly fix: string | null }) =>
  Array.from((fix ?? '').matchAll(/runCommand\((\{.*?\})\)(?=[;,]|$)/g), ([, command = '']) =>
    JSON.parse(command),
  );

const MOST_FIXES = 3;

describe('the doctor finds', () => {
  it.each(ROWS.map((row): [string, Row] => [row.what, row]))('%s', async (_, { spoil, finds }) => {
    const { db } = database;
    await db.dropDatabase();
    await createMongoStore({ db }).ready();
    await spoil(db);
    const [state, topic, about, text] = finds;
    const look = async () => (await examineCollections(db)).of(topic, about);
    let found = await look();
    expect(found).toMatchObject({ state, text: expect.stringMatching(text), fix: expect.any(String) });
    // An index that is in the way has to be dropped, and is missing then: its fix is the next one.
    for (let count = 0; count < MOST_FIXES && found.state !== 'ok'; count++) {
      for (const command of commandsOf(found)) await db.command(command);
      found = await look();
    }
    expect(found.state).toBe('ok');
  });
});

it('a capped collection of keys, which can hold none', async () => {
  await using own = await freshDatabase();
  await own.db.createCollection(KEYS, { capped: true, size: 10_000 });
  expect((await examineCollections(own.db)).of('collection')).toMatchObject({
    state: 'fail',
    text: expect.stringMatching(
      /is a capped collection, which can not hold keys: calls with a key are refused\.$/,
    ),
    fix: 'let `collection` name another one',
  });
});

it('collections that killed doctors have left, but not one that may be in use', async () => {
  await using own = await freshDatabase();
  const left = `latchkey_doctor_${Date.now() - 3_600_000}_0123456789ab`;
  const inUse = `latchkey_doctor_${Date.now()}_0123456789ab`;
  await Promise.all([left, inUse, 'latchkey_doctor_notes'].map((name) => own.db.createCollection(name)));
  expect((await examine(own.uri, { database: own.name })).of('scratch')).toMatchObject({
    state: 'warn',
    fix: `db.getSiblingDB("${own.name}").getCollection("${left}").drop()`,
  });
});

it('nothing of its own is left in the database, and no record in the keys', async () => {
  await using own = await freshDatabase();
  await createMongoStore({ db: own.db }).ready();
  const { facts } = await examine(own.uri, { database: own.name });
  expect(facts.scratch.made).toEqual({ known: true });
  expect((await own.db.listCollections().toArray()).map(({ name }) => name)).toEqual([KEYS]);
  expect(await own.db.collection(KEYS).countDocuments()).toBe(0);
});
