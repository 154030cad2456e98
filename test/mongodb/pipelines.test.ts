import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { BSON, type Collection } from 'mongodb';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { decide } from '../../server/engine/decide.ts';
import { type RunningRecord, readRecord, type StoredRecord } from '../../server/engine/record.ts';
import type { Completion } from '../../server/engine/store.ts';
import {
  claimed,
  givenUp,
  lapsed,
  maySettle,
  mayTakeOver,
  renewed,
  type Settlement,
  settled,
  stepped,
  takenOver,
} from '../../server/engine/transitions.ts';
import { BSON_OPTIONS, recordOf } from '../../server/mongodb/codec.ts';
import { createWrites, statementAt, type Write } from '../../server/mongodb/pipelines/statements.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { type Case, generatedCases, NOW } from './generated-records.ts';

const BATCH = 250;

const writes = createWrites(NOW);
/** What stands after a write; `same` when not a byte may change, `any` when the rules say nothing. */
type Expected = StoredRecord | 'same' | 'any';

let database: FreshDatabase;
let collection: Collection;
let serial = 0;
beforeAll(async () => {
  database = await freshDatabase();
  collection = database.db.collection('records');
  // No other index: these records have long expired.
  await collection.createIndex({ scope: 1, key: 1 }, { unique: true });
});
afterAll(() => database[Symbol.asyncDispose]());

/** Runs one write on each case in one command, and compares what it leaves with what the rules say. */
async function compare(
  cases: readonly Case[],
  write: (request: Case['request'], record: StoredRecord | null) => Write,
  expected: (record: StoredRecord | null, request: Case['request']) => Expected,
): Promise<void> {
  const prepared = cases.map(({ record, request }) => {
    const key = `key-${++serial}`;
    return { record: record && { scope: request.scope, key, ...record }, request: { ...request, key } };
  });
  const records = prepared.flatMap(({ record }) => record ?? []);
  if (records.length > 0) await collection.insertMany(records);
  const before = await readAll(prepared);
  const reply = await database.db.command({
    update: 'records',
    updates: prepared.map(({ request }) => write(request, recordIn(before, request)).statement),
    ordered: false,
  });
  for (const { index, errmsg } of reply.writeErrors ?? []) {
    const failed = prepared[index] as (typeof prepared)[number];
    if (expected(recordIn(before, failed.request), failed.request) === 'any') continue;
    throw new Error(`${errmsg}: ${show(failed)}`);
  }
  const after = await readAll(prepared);

  for (const { record, request } of prepared) {
    const [was, is] = [before.get(request.key), after.get(request.key)];
    const wanted = expected(recordIn(before, request), request);
    const agrees =
      wanted === 'same'
        ? was === is || (was !== undefined && is !== undefined && was.bytes.equals(is.bytes))
        : wanted === 'any' ||
          isDeepStrictEqual(plain(normal(recordIn(after, request))), plain(normal(wanted)));
    if (!agrees) {
      throw new Error(
        `The pipeline and the rules disagree: ${show({ record, request, wanted, is: recordIn(after, request) })}`,
      );
    }
  }
}

/** As every reader sees it: a history that is none is an empty one. */
const normal = (record: StoredRecord | null) => record && (readRecord(record) ?? record);

/** Two invalid dates are not deeply equal otherwise. */
const plain = (value: unknown) => BSON.EJSON.serialize({ value }, { relaxed: false });
const show = (value: unknown) => BSON.EJSON.stringify(value, undefined, 2, { relaxed: false });

/** A record as it came, and as the store reads it. */
interface Found {
  readonly bytes: Buffer;
  readonly record: StoredRecord;
}

async function readAll(cases: readonly Pick<Case, 'request'>[]): Promise<Map<string, Found>> {
  const scope = { $in: cases.map(({ request }) => request.scope) };
  const key = { $in: cases.map(({ request }) => request.key) };
  const found = await collection.find({ scope, key }, { raw: true }).toArray();
  return new Map(
    (found as unknown as Buffer[]).map((raw) => {
      const bytes = Buffer.from(raw);
      const record = recordOf(BSON.deserialize(bytes, BSON_OPTIONS));
      return [record.key as string, { bytes, record }];
    }),
  );
}

const recordIn = (found: Map<string, Found>, { key }: Case['request']) => found.get(key)?.record ?? null;

const samples = new Map<number, readonly Case[]>();
/** The generated cases are the same for each write, so they are made once. */
function sampleOf(size: number): readonly Case[] {
  const cases = samples.get(size) ?? fc.sample(generatedCases, { numRuns: size, seed: 1 });
  samples.set(size, cases);
  return cases;
}

async function agrees(
  write: Parameters<typeof compare>[1],
  expected: Parameters<typeof compare>[2],
  batches = 8,
): Promise<void> {
  const cases = sampleOf(BATCH * batches);
  for (let from = 0; from < cases.length; from += BATCH) {
    await compare(cases.slice(from, from + BATCH), write, expected);
  }
}

const settlements: Settlement[] = [
  {
    to: 'completed',
    outcome: 'error',
    response: { format: 'test/1', body: '$$NOW', bytes: 5 },
    retentionMs: 3_600_000,
  },
  { to: 'released', reason: '$$ROOT', retentionMs: 3_600_000 },
  { to: 'in_doubt', reason: '$owner', unresolvedRetentionMs: 3_600_000 },
  { to: 'in_doubt', reason: 'kept', unresolvedRetentionMs: null },
];

/** Whoever the record says holds it. */
const holderOf = (request: Case['request'], record: StoredRecord | null) => {
  const { scope, key } = request;
  const { owner, fence } = record ?? {};
  const known = typeof owner === 'string' && typeof fence === 'number';
  return { scope, key, ...(known ? { owner, fence } : { owner: 'nobody', fence: 0 }), life: 1, attempts: 1 };
};

const claimOn = (record: StoredRecord | null, request: Case['request']): StoredRecord | undefined => {
  const decision = decide(record, request, NOW);
  if (decision.do === 'run') return renewed(decision.record, request, NOW);
  if (decision.do !== 'claim') return undefined;
  return claimed(record && (readRecord(record) ?? null), decision.life, request, NOW);
};

describe('on generated records, damaged ones too, MongoDB does what the rules say', () => {
  it('of a claim', { timeout: 120_000 }, () =>
    agrees(
      (request, record) =>
        record ? writes.claim(request, holderOf(request, record)) : writes.fresh(request),
      (record, request) => claimOn(record, request) ?? 'same',
      20,
    ),
  );

  it('of the first claim of a key', () =>
    agrees(
      (request) => writes.fresh(request),
      (record, request) => (record ? 'same' : claimed(null, 'new', request, NOW)),
    ));

  it('of a claim that is given up', () =>
    agrees(
      (request) => writes.giveUp(request),
      (record, request) => {
        const running = claimOn(record, request);
        const tombstoneMs = Math.max(request.leaseMs, 300_000);
        return running ? givenUp(running as unknown as RunningRecord, tombstoneMs, NOW) : 'same';
      },
    ));

  it.each(['running', 'in_doubt', 'asking'] as const)('of a takeover to %s', (to) =>
    agrees(
      (request, record) => writes.takeOver(request, holderOf(request, record), to),
      (record, request) => {
        const current = record && readRecord(record);
        if (!current || !mayTakeOver(current, to, NOW)) return 'same';
        return to === 'in_doubt'
          ? lapsed(current as RunningRecord, request, NOW)
          : takenOver(current, request, NOW);
      },
    ),
  );

  it('of a renewal', () =>
    agrees(
      (request, record) => writes.renew(holderOf(request, record), request),
      (record, request) => {
        const current = record && readRecord(record);
        if (record && !current) return 'any';
        return current?.state === 'running' ? renewed(current, request, NOW) : 'same';
      },
    ));

  it.each(['charge', '$$NOW'])('of a finished step named %s', (name) => {
    const step = { name, value: { format: 'step/1', body: '$$ROOT', bytes: 6 } };
    return agrees(
      (request, record) => writes.step(holderOf(request, record), step),
      (record) => {
        const current = record && readRecord(record);
        if (record && !current) return 'any';
        return current?.state === 'running' ? stepped(current, step, NOW) : 'same';
      },
    );
  });

  it.each<Pick<Completion, 'outcome' | 'response'>>([
    { outcome: 'success', response: { format: 'test/1', body: '{"$set":{"a.b":"$$NOW"}}', bytes: 24 } },
    { outcome: 'error', response: { format: '$owner', body: '$$ROOT', bytes: 6, encoding: 'deflate' } },
    {
      outcome: 'success',
      response: { format: 'a.b', body: '$unset', bytes: 6, cipher: { keyId: '$state', iv: '$', tag: '.' } },
    },
    { outcome: 'error', response: { format: 'test/1', bytes: 0, omitted: 'not_kept' } },
  ])('of a completion while the server’s clock is known: $response.format, $response.body', (result) => {
    const completion = { to: 'completed', ...result, retentionMs: 3_600_000 } as const;
    const later = new Date(NOW.getTime() + 250);
    return agrees(
      (request, record) => {
        const write = writes.settle(holderOf(request, record), completion);
        const statement = statementAt(write, { earliest: NOW.getTime(), latest: later.getTime() });
        if (Array.isArray(statement.u)) throw new Error('Expected a plain update');
        return { ...write, statement };
      },
      (record) => {
        const current = record && readRecord(record);
        if (record && !current) return 'any';
        return current?.state === 'running' ? settled(current, completion, later) : 'same';
      },
      4,
    );
  });

  it.each(settlements)('of a settlement: $to, $reason', (settlement) =>
    agrees(
      (request, record) =>
        settlement.to === 'completed' && record?.state === 'in_doubt'
          ? writes.late(holderOf(request, record), settlement)
          : writes.settle(holderOf(request, record), settlement),
      (record) => {
        const current = record && readRecord(record);
        if (record && !current) return 'any';
        return current && maySettle(current, settlement) ? settled(current, settlement, NOW) : 'same';
      },
    ),
  );
});
