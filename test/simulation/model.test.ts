import fc from 'fast-check';
import { BSON } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClaimRequest } from '../../server/engine/decide.ts';
import type { StoredRecord } from '../../server/engine/record.ts';
import { BSON_OPTIONS } from '../../server/mongodb/codec.ts';
import { Collection, type Database } from '../../server/mongodb/database.ts';
import { LOCK_KEY } from '../../server/mongodb/indexes.ts';
import { createWrites, statementAt, type Write } from '../../server/mongodb/pipelines/statements.ts';
import { ServerClock } from '../../server/mongodb/server-clock.ts';
import { Inserts } from '../../server/mongodb/writes/inserts.ts';
import { PendingWrite } from '../../server/mongodb/writes/pending-write.ts';
import { asRead, generatedCases, holderOf, isModelled, NOW } from '../mongodb/generated-records.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { carriedOut } from './changes.ts';
import { type Doc, StatementFailed } from './evaluate.ts';
import { ServerModel } from './server-model.ts';
import { World } from './world.ts';

// The simulation is worth what its model of the server is worth: here a real one is asked.

const CASES = 400;
const writes = createWrites(NOW);
let database: FreshDatabase;
let serial = 0;
beforeAll(async () => {
  database = await freshDatabase();
  await database.db.collection('records').createIndex({ scope: 1, key: 1 }, { unique: true });
});
afterAll(() => database[Symbol.asyncDispose]());

const KINDS: Record<string, (request: ClaimRequest, record: StoredRecord | null) => Write> = {
  'a first claim': (request) => writes.fresh(request),
  'a claim': (request, record) =>
    record ? writes.claim(request, holderOf(request, record)) : writes.fresh(request),
  'a claim that is given up': (request) => writes.giveUp(request),
  'a takeover to run': (request, record) => writes.takeOver(request, holderOf(request, record), 'running'),
  'a takeover to doubt': (request, record) => writes.takeOver(request, holderOf(request, record), 'in_doubt'),
  'a takeover to ask': (request, record) => writes.takeOver(request, holderOf(request, record), 'asking'),
  'a renewal': (request, record) => writes.renew(holderOf(request, record), request),
  'a finished step': (request, record) =>
    writes.step(holderOf(request, record), {
      name: 'charge',
      value: { format: 'step/1', body: '$$ROOT', bytes: 6 },
    }),
  'a completion': (request, record) =>
    writes.settle(holderOf(request, record), {
      ...{ to: 'completed', outcome: 'success', retentionMs: 3_600_000 },
      response: { format: 'test/1', body: '$$NOW', bytes: 5 },
    }),
  'a completion at a known time': (request, record) => {
    const write = writes.settle(holderOf(request, record), {
      ...{ to: 'completed', outcome: 'error', retentionMs: 3_600_000 },
      response: { format: '$owner', body: '{"$set.a":"$$NOW"}', bytes: 18, encoding: 'deflate' },
    });
    const times = { earliest: NOW.getTime() - 7, latest: NOW.getTime() + 7 };
    return { ...write, statement: statementAt(write, times) };
  },
  'a late completion': (request, record) =>
    writes.late(holderOf(request, record), {
      ...{ to: 'completed', outcome: 'error', retentionMs: 3_600_000 },
      response: { format: 'test/1', body: '$$NOW', bytes: 5 },
    }),
  'a release': (request, record) =>
    writes.settle(holderOf(request, record), { to: 'released', reason: '$$ROOT', retentionMs: 3_600_000 }),
  'a doubt': (request, record) =>
    writes.settle(holderOf(request, record), {
      to: 'in_doubt',
      reason: '$owner',
      unresolvedRetentionMs: null,
    }),
};

describe('the model of the server does what a mongod does', () => {
  it.each(Object.entries(KINDS))('with %s', async (_, write) => {
    const cases = fc.sample(generatedCases.filter(isModelled), { numRuns: CASES, seed: 2 });
    const prepared = cases.map(({ record, request }) => {
      const key = `key-${++serial}`;
      const before = record && { scope: request.scope, key, ...asRead(record) };
      return { key, before, statement: write({ ...request, key }, before).statement };
    });
    const collection = database.db.collection('records');
    await collection.insertMany(prepared.flatMap(({ before }) => (before ? [{ ...before }] : [])));
    const reply = await database.db.command({
      update: 'records',
      updates: prepared.map(({ statement }) => statement),
      ordered: false,
    });
    const failed = new Map<number, number>(
      (reply.writeErrors ?? []).map(({ index, code }: { index: number; code: number }) => [index, code]),
    );
    const keys = prepared.map(({ key }) => key);
    const found = await collection
      .find({ key: { $in: keys } }, { ...BSON_OPTIONS, projection: { _id: 0 } })
      .toArray();
    const after = new Map(found.map((document) => [document.key as string, document]));
    for (const [index, { key, before, statement }] of prepared.entries()) {
      const modelled = byModel(before, statement);
      const real = failed.has(index) ? 'an error' : (after.get(key) ?? null);
      expect(show({ before, after: modelled })).toBe(show({ before, after: real }));
    }
  });
});

describe.each([true, false])(
  'the model inserts as a mongod does, and looks through the lock (there: %s)',
  (hasLock) => {
    it('with first claims that come together', async () => {
      const { db } = database;
      const name = 'idempotency_keys';
      const world = new World(1);
      const model = new ServerModel(world, {
        ...{ replicationMs: 1, ttlMs: Number.MAX_SAFE_INTEGER, transactionMs: 60_000 },
      });
      const modelled: Database = {
        databaseName: db.databaseName,
        async command(command) {
          const reply = model.command(command as Doc);
          await world.run(Number.MAX_SAFE_INTEGER - 1);
          return reply;
        },
      };
      await db.createCollection(name);
      if (hasLock) await db.collection(name).createIndex(LOCK_KEY, { unique: true });
      model.hasLock = hasLock;

      const cases = fc.sample(generatedCases.filter(isModelled), { numRuns: 100, seed: 3 });
      const prepared = cases.map(({ record, request }) => {
        // Each claim has an owner of its own, whom no record names that was there before.
        const claim = { ...request, key: `key-${++serial}`, owner: `claimant-${serial}` };
        return { claim, before: record && { scope: claim.scope, key: claim.key, ...asRead(record) } };
      });
      const documents = prepared.flatMap(({ before }) => (before ? [{ ...before }] : []));
      await Promise.all([
        modelled.command({ insert: name, documents }),
        db.collection(name).insertMany(documents.map((document) => ({ ...document }))),
      ]);
      const answers = [];
      for (const server of [modelled, db as Database]) {
        const collection = new Collection(server, name);
        const clock = new ServerClock(() => new Promise(() => {}));
        const inserts = new Inserts({ collection, clock, lock: { hint: LOCK_KEY } });
        const group = prepared.map(({ claim }) => new PendingWrite(writes.fresh(claim), performance.now()));
        const times = { earliest: NOW.getTime() - 7, latest: NOW.getTime() + 7 };
        const terms = { times, limitMs: 30_000, signal: new AbortController().signal };
        const kinds = [];
        for (const answer of await inserts.send(group, terms)) {
          if (answer !== 'upsert' && 'undo' in answer) await answer.undo();
          kinds.push(answer !== 'upsert' && 'inserted' in answer ? { made: answer.inserted } : 'not made');
        }
        answers.push(kinds);
      }
      expect(answers[0]).toEqual(answers[1]);
      expect(answers[0]).toContainEqual(hasLock ? { made: true } : 'not made');
      const keys = prepared.map(({ claim }) => claim.key);
      const found = await db
        .collection(name)
        .find({ key: { $in: keys } }, { ...BSON_OPTIONS, projection: { _id: 0 } })
        .toArray();
      for (const { claim, before } of prepared) {
        const { _id, ...record } = model.record(claim.scope, claim.key) ?? {};
        const real = found.filter(({ key }) => key === claim.key);
        expect(show({ before, after: _id === undefined ? [] : [record] })).toBe(
          show({ before, after: real }),
        );
      }
      await db.dropCollection(name);
    });
  },
);

const show = (value: unknown) => BSON.EJSON.stringify(value, undefined, 1, { relaxed: true });

function byModel(before: StoredRecord | null, statement: Doc): Doc | 'an error' | null {
  try {
    const after = carriedOut(before && { _id: 'some id', ...before }, statement, NOW);
    if (!after) return before;
    const { _id, ...rest } = after;
    return rest;
  } catch (error) {
    if (error instanceof StatementFailed) return 'an error';
    throw error;
  }
}
