import { randomUUID } from 'node:crypto';
import { type Document, ObjectId } from 'mongodb';
import { beforeAll, describe, expect, it } from 'vitest';
import type { KeyPage } from '../../server/admin/contract/contract.ts';
import { type Admin, type AdminClient, clientOf, failed, REASON, recordOf, startAdmin } from './support.ts';

const KEYS = 'idempotency_keys';
const OWN = 1_500;
/** More than a search without an index looks at. */
const OTHERS = 205_000;

// One collection for all tests here: the keys of `acme` are older than all the others.
let admin: Admin;
let oldest: string;
beforeAll(async () => {
  admin = await startAdmin();
  const keys = admin.db.collection(KEYS);
  const own = Array.from({ length: OWN }, (_, index) =>
    recordOf({
      _id: ObjectId.createFromTime(1_700_000_000 + index),
      key: `k${index}`,
      operation: 'refund',
      ...(index % 3 === 0 && failed()),
    }),
  );
  oldest = String((await keys.insertMany(own)).insertedIds[0]);
  // A tenant with its own scope, one user with many keys and many with one.
  const users = (index: number) => (index < 100 ? '' : index < 1_200 ? '/ada' : `/user-${index}`);
  const tenant = Array.from({ length: OWN }, (_, index) =>
    recordOf({
      _id: ObjectId.createFromTime(1_690_000_000 + index),
      scope: `shop${users(index)}`,
      key: `k${index}`,
      operation: 'refund',
      ...(index % 3 === 0 && failed()),
    }),
  );
  const lookAlikes = ['shop0', 'shop-2/ada', 'shop.'].map((scope, index) =>
    recordOf({ _id: ObjectId.createFromTime(1_680_000_000 + index), scope, operation: 'refund' }),
  );
  await keys.insertMany([...tenant, ...lookAlikes]);
  // Made by the server: they are only in the way.
  const bare = [
    { $documents: [{ n: { $range: [0, OTHERS] } }] },
    { $unwind: '$n' },
    { $project: { _id: 0, scope: 'other', key: { $toString: '$n' }, operation: 'pay' } },
    { $merge: { into: KEYS, whenMatched: 'fail' } },
  ];
  await admin.db.aggregate(bare).toArray();
  return () => admin[Symbol.asyncDispose]();
});

type Filter = Parameters<AdminClient['keys']['list']['query']>[0]['filter'];

const plan = (client: AdminClient, filter: Filter) =>
  client.bulk.plan.mutate({ action: 'expire', filter, reason: REASON, commandKey: randomUUID() });
const exported = (client: AdminClient, filter: Filter) =>
  client.keys.export.mutate({ filter, format: 'ndjson', reason: REASON, commandKey: randomUUID() });
const noteOf = async (action: string) =>
  (await admin.ada.audit.list.query({ action })).entries[0]?.note ?? '';

/** How many documents of the keys the server reads for each command since the one of this number. */
const examinedSince = (from: number) =>
  Promise.all(
    admin.sent
      .slice(from)
      .filter(({ aggregate }) => aggregate === KEYS)
      .map(examinedBy),
  );

describe('a scope is looked at to its end, however many keys of other scopes there are:', () => {
  const ways: [string, () => AdminClient, Filter][] = [
    ['by the filter', () => admin.olga, { scope: 'acme' }],
    ['by the filter, with another one', () => admin.olga, { scope: 'acme', operation: 'refund' }],
    ['by the scopes of the operator', () => admin.scott, {}],
    ['by the tenant of the operator', () => clientOf(admin.url, 'shea'), {}],
  ];

  it.each(ways)(
    'a list %s has full pages, newest first, and reads no other key',
    async (_, client, filter) => {
      const ids: string[] = [];
      const from = admin.sent.length;
      for (let page = 0, cursor: string | null = ''; cursor !== null; page += 1) {
        if (page === 1) expect(Math.max(...(await examinedSince(from)))).toBeLessThanOrEqual(OWN);
        const { rows, next, searched }: KeyPage = await client().keys.list.query({
          filter,
          ...(cursor && { cursor }),
        });
        expect({ rows: rows.length, complete: searched.complete }).toEqual({ rows: 50, complete: true });
        ids.push(...rows.map(({ id }) => id));
        cursor = next;
      }
      expect(ids).toHaveLength(OWN);
      expect(ids).toEqual([...new Set(ids)].sort().reverse());
    },
  );

  it.each(ways)('a plan %s has each of its keys', async (_, client, filter) => {
    const job = await plan(client(), filter);
    expect(job).toMatchObject({ total: OWN, left: null });
    expect(job.counts).toEqual([
      { state: 'completed', outcome: 'success', count: 1_000, mayRepeat: true },
      { state: 'completed', outcome: 'error', count: 500, mayRepeat: true },
    ]);
  });

  it.each(ways)('an export %s has each of its keys, newest first', async (_, client, filter) => {
    const { rows, left, text } = await exported(client(), filter);
    expect({ rows, left }).toEqual({ rows: OWN, left: null });
    const ids = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).id as string);
    expect(ids).toEqual([...ids].sort().reverse());
    expect(new Set(ids).size).toBe(OWN);
    expect(await noteOf('export')).toMatch(/It has 1500 keys\.$/);
  });
});

describe('what no index finds is looked for among the newest records, and the rest is said to be left out:', () => {
  const filter = { operation: 'refund' };

  it('in the plan, in the job and in the audit', async () => {
    const planned = await plan(admin.olga, filter);
    expect(planned).toMatchObject({ total: 0, left: { why: 'unsearched', before: expect.any(Number) } });
    const { job } = await admin.olga.bulk.get.query({ id: planned.id });
    expect(job.left).toEqual(planned.left);
    const command = { id: job.id, count: 0, confirm: 'expire', commandKey: randomUUID() };
    await admin.olga.bulk.start.mutate(command);
    expect(await noteOf('bulk_start')).toMatch(/made before \d{4}-.*Z were not looked at/);
  });

  it('in an export, and in its entry of the audit', async () => {
    expect(await exported(admin.olga, filter)).toMatchObject({
      rows: 0,
      left: { why: 'unsearched', before: expect.any(Number) },
    });
    expect(await noteOf('export')).toMatch(/It has 0 keys\. Keys made before .* were not looked at/);
  });
});

it('an export that is full says that more may match', async () => {
  expect(await exported(admin.olga, {})).toMatchObject({ rows: 10_000, left: { why: 'full' } });
  expect(await exported(admin.olga, { scope: 'other', state: 'unreadable' })).toMatchObject({
    rows: 10_000,
    left: { why: 'full' },
  });
  expect(await noteOf('export')).toMatch(/It is full: more keys may match/);
});

describe('new rows are counted among no more records than a page looks at:', () => {
  it.each<[string, Filter]>([
    ['an operation that nobody called', { operation: 'none' }],
    ['a state that none has', { state: 'released' }],
    ['an age', { newerThanMs: 1 }],
    ['a scope without keys, and an operation', { scope: 'nobody', operation: 'none' }],
    ['a large scope, and an operation', { scope: 'other', operation: 'none' }],
    ['what needs attention', { state: 'attention', operation: 'none' }],
    ['a key', { key: 'none' }],
  ])('%s', async (_, filter) => {
    const from = admin.sent.length;
    const newer = await admin.vic.keys.newer.query({ filter, newest: oldest });
    expect(newer.count).toBe(0);
    const examined = await examinedSince(from);
    expect(examined.length).toBeGreaterThan(0);
    expect(Math.max(...examined)).toBeLessThanOrEqual(4_000);
  });

  it('where more are newer than that, it says so', async () => {
    expect(await admin.vic.keys.newer.query({ filter: {}, newest: oldest })).toEqual({
      count: 100,
      capped: true,
    });
    expect(await admin.vic.keys.newer.query({ filter: { operation: 'none' }, newest: oldest })).toEqual({
      count: 0,
      capped: true,
    });
  });
});

/** How many documents the server reads for a command. */
async function examinedBy({ aggregate, pipeline, hint }: Document): Promise<number> {
  const explained = await admin.db.command({
    explain: { aggregate, pipeline, ...(hint && { hint }), cursor: {}, collation: { locale: 'simple' } },
    verbosity: 'executionStats',
  });
  return Number(/"totalDocsExamined":(\d+)/.exec(JSON.stringify(explained))?.[1]);
}
