import { randomUUID } from 'node:crypto';
import { ObjectId } from 'mongodb';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AuditFilter } from '../../server/admin/contract/contract.ts';
import { type Admin, ago, startAdmin } from './support.ts';

const MINUTE = 60_000;
const JOB = randomUUID();

let admin: Admin;
beforeAll(async () => {
  admin = await startAdmin();
  const entries = [
    { by: 'ada', action: 'expire', reason: 'Customer asked for it', scope: 'acme', key: 'k-1', minutes: 30 },
    {
      by: 'bob',
      action: 'complete',
      reason: 'bank confirmed',
      note: 'Charge ch_1',
      scope: 'acme/ada',
      key: 'k-2',
      minutes: 20,
    },
    { by: 'ada', action: 'bulk_start', reason: 'tenant has left', jobId: JOB, minutes: 10 },
    {
      by: 'ada',
      action: 'expire',
      reason: 'tenant has left',
      scope: 'shop',
      key: 'k-3',
      jobId: JOB,
      minutes: 9,
    },
    {
      by: 'ada',
      action: 'expire',
      reason: 'tenant has left',
      scope: 'shop',
      key: 'k-4',
      jobId: JOB,
      minutes: 8,
    },
  ];
  await admin.db.collection('idempotency_keys_audit').insertMany(
    entries.map(({ minutes, ...entry }, index) => ({
      _id: ObjectId.createFromTime(Math.floor(ago(minutes * MINUTE).getTime() / 1_000)),
      at: ago(minutes * MINUTE),
      role: 'admin',
      commandKey: `c-${index}`,
      result: 'done',
      note: '',
      ...(entry.key !== undefined && { keyId: '65a000000000000000000000' }),
      ...entry,
    })),
  );
  return () => admin[Symbol.asyncDispose]();
});

const namesOf = async (filter: AuditFilter, client = admin.vic) =>
  (await client.audit.list.query(filter)).entries.map(({ action, key }) => key ?? action);

describe('the audit lists the entries', () => {
  it.each<[string, AuditFilter, string[]]>([
    ['of a person', { by: 'bob' }, ['k-2']],
    ['of an action', { action: 'bulk_start' }, ['bulk_start']],
    ['of a scope', { scope: 'acme/ada' }, ['k-2']],
    ['of a key', { key: 'k-4' }, ['k-4']],
    ['with a word in the reason, in any capitals', { words: 'CUSTOMER' }, ['k-1']],
    ['with several words, in the reason, the note or the names', { words: 'bank  ch_1 bob' }, ['k-2']],
    ['with a text that is no pattern', { words: '.*' }, []],
    ['of a bulk job, one by one', { jobId: JOB }, ['k-4', 'k-3', 'bulk_start']],
    ['with a bulk job as one', { folded: true }, ['bulk_start', 'k-2', 'k-1']],
    ['by several of these', { by: 'ada', scope: 'shop', words: 'left k-3' }, ['k-3']],
  ])('%s', async (_, filter, names) => {
    expect(await namesOf(filter)).toEqual(names);
  });

  it('of a span of time', async () => {
    const at = (minutes: number) => Date.now() - minutes * MINUTE;
    expect(await namesOf({ from: at(25), before: at(9.5) })).toEqual(['bulk_start', 'k-2']);
    expect(await namesOf({ before: at(25) })).toEqual(['k-1']);
    expect(await namesOf({ from: at(8.5) })).toEqual(['k-4']);
  });

  it('of an operator’s scopes only', async () => {
    expect(await namesOf({ words: 'a' }, admin.tess)).toEqual(['k-2', 'k-1']);
    expect(await namesOf({ scope: 'shop' }, admin.tess)).toEqual([]);
  });
});

it('an index finds the entries of a person, an action, a scope and a job', async () => {
  await admin.olga.audit.export.mutate({
    filter: { by: 'ada' },
    format: 'csv',
    reason: 'for the auditor',
    commandKey: 'x',
  });
  const audit = admin.db.collection('idempotency_keys_audit');
  for (const match of [{ by: 'ada' }, { action: 'expire' }, { scope: 'shop' }, { jobId: JOB }]) {
    const plan = JSON.stringify(await audit.find(match).sort({ _id: -1 }).explain('queryPlanner'));
    expect(plan).toContain('IXSCAN');
    expect(plan).not.toContain('"SORT"');
  }
});
