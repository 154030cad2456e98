import fc from 'fast-check';
import { BSON } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClaimRequest } from '../../server/engine/decide.ts';
import type { StoredRecord } from '../../server/engine/record.ts';
import { BSON_OPTIONS } from '../../server/mongodb/codec.ts';
import { createWrites, statementAt, type Write } from '../../server/mongodb/pipelines/statements.ts';
import { asRead, generatedCases, holderOf, isModelled, NOW } from '../mongodb/generated-records.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { type Doc, StatementFailed } from './evaluate.ts';
import { carriedOut } from './server-model.ts';

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
    const show = (value: unknown) => BSON.EJSON.stringify(value, undefined, 1, { relaxed: true });
    for (const [index, { key, before, statement }] of prepared.entries()) {
      const modelled = byModel(before, statement);
      const real = failed.has(index) ? 'an error' : (after.get(key) ?? null);
      expect(show({ before, after: modelled })).toBe(show({ before, after: real }));
    }
  });
});

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
