import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Job } from '../../server/admin/contract/job.ts';
import { failCommand } from '../support/fail-command.ts';
import { startMongod } from '../support/mongod/start-mongod.ts';
import { type AdminClient, ago, ahead, failed, REASON, startAdmin } from './support.ts';

const PLAN = { action: 'allow_retry', filter: { state: 'attention' }, reason: REASON } as const;

const plan = (
  client: AdminClient,
  more: Partial<Parameters<AdminClient['bulk']['plan']['mutate']>[0]> = {},
) => client.bulk.plan.mutate({ ...PLAN, commandKey: randomUUID(), ...more });

type Planned = Pick<Job, 'id' | 'total' | 'confirm' | 'mayRepeat'>;

/** As the page does: with whatever the plan asks for. */
const start = (client: AdminClient, { id, total, confirm, mayRepeat }: Planned) =>
  client.bulk.start.mutate({
    id,
    count: total,
    ...(confirm !== null && { confirm }),
    ...(mayRepeat > 0 && { mayRepeat: true }),
    commandKey: randomUUID(),
  });

/** The job once nobody runs it any more. */
async function ended(client: AdminClient, id: string) {
  for (;;) {
    const found = await client.bulk.get.query({ id });
    if (found.job.state !== 'running') return found;
  }
}

it('a job does to each key of its plan what it says, and audits each', async () => {
  await using admin = await startAdmin();
  const ids = [await admin.put(failed()), await admin.put({ state: 'in_doubt' })];
  await admin.put();
  const job = await plan(admin.olga);
  expect(job).toMatchObject({ state: 'planned', total: 2, left: null, by: 'olga' });
  expect(job.sample).toHaveLength(2);
  await expect(start(admin.olga, { ...job, total: 3 })).rejects.toMatchObject({
    data: { code: 'BAD_REQUEST' },
  });
  await start(admin.olga, job);
  const done = await ended(admin.olga, job.id);
  expect(done.job).toMatchObject({ state: 'done', done: 2, refused: 0 });
  expect(done.items.map(({ result }) => result)).toEqual(['done', 'done']);
  for (const id of ids) {
    expect(await admin.find(id)).toMatchObject({ state: 'released' });
    const { entries } = await admin.vic.audit.list.query({ keyId: id });
    expect(entries).toMatchObject([{ by: 'olga', action: 'allow_retry', jobId: job.id, reason: REASON }]);
  }
  const { entries } = await admin.vic.audit.list.query({ action: 'bulk_start' });
  expect(entries).toMatchObject([
    { by: 'olga', jobId: job.id, result: 'done' },
    { by: 'olga', jobId: job.id, result: 'refused', note: 'Expected the number of keys, 2, got 3' },
  ]);
});

it('a plan is frozen: keys that match later are not in it, and one that changed since is refused', async () => {
  await using admin = await startAdmin();
  const changed = await admin.put({ key: 'changed', ...failed() });
  await admin.put({ key: 'same', ...failed() });
  const job = await plan(admin.olga);
  const later = await admin.put({ key: 'later', ...failed() });
  await admin.db
    .collection('idempotency_keys')
    .updateOne(
      { key: 'changed' },
      { $set: { state: 'running', owner: 'retry', leaseExpiresAt: ahead(60_000) } },
    );
  await start(admin.olga, job);
  const { job: after, items } = await ended(admin.olga, job.id);
  expect(after).toMatchObject({ total: 2, done: 1, refused: 1 });
  expect(items.find(({ key }) => key === 'changed')).toMatchObject({ result: 'refused' });
  expect(await admin.find(changed)).toMatchObject({ state: 'running', owner: 'retry' });
  expect(await admin.find(later)).toMatchObject({ state: 'completed' });
});

it('the same command makes one plan', async () => {
  await using admin = await startAdmin();
  await admin.put(failed());
  const commandKey = randomUUID();
  const [one, two] = [await plan(admin.olga, { commandKey }), await plan(admin.olga, { commandKey })];
  expect(one.id).toBe(two.id);
  expect(await admin.olga.bulk.list.query()).toHaveLength(1);
  await expect(plan(admin.ada, { commandKey })).rejects.toMatchObject({ data: { code: 'CONFLICT' } });
});

it('goes on in another process when its own has gone, and acts on no key twice', async () => {
  await using admin = await startAdmin();
  for (let count = 0; count < 30; count++) await admin.put(failed());
  const job = await plan(admin.olga);
  // As a process leaves it that died between a key's action and the note of it.
  const jobs = admin.db.collection<{ _id: string }>('idempotency_keys_jobs');
  await start(admin.olga, job);
  await ended(admin.olga, job.id);
  await jobs.updateOne({ _id: job.id }, { $set: { state: 'paused', runner: 'gone', leaseUntil: ago(1) } });
  await jobs.updateMany({ _id: { $gt: `${job.id}:000009` } }, { $set: { result: 'waiting' } });
  await admin.olga.bulk.resume.mutate({ id: job.id, commandKey: randomUUID() });
  const { job: after } = await ended(admin.olga, job.id);
  expect(after).toMatchObject({ state: 'done', done: 30, refused: 0 });
  const audit = await admin.db.collection('idempotency_keys_audit').countDocuments({ action: 'allow_retry' });
  expect(audit).toBe(30);
});

it('a job that is run elsewhere is left alone until its lease has lapsed', async () => {
  await using admin = await startAdmin();
  await admin.put(failed());
  const job = await plan(admin.olga);
  const jobs = admin.db.collection<{ _id: string }>('idempotency_keys_jobs');
  await jobs.updateOne(
    { _id: job.id },
    { $set: { state: 'paused', runner: 'busy', leaseUntil: ahead(60_000) } },
  );
  await admin.olga.bulk.resume.mutate({ id: job.id, commandKey: randomUUID() });
  expect((await admin.olga.bulk.get.query({ id: job.id })).job).toMatchObject({ state: 'running', done: 0 });
});

it('can be cancelled: what was done stays, the rest is left', async () => {
  await using admin = await startAdmin();
  for (let count = 0; count < 100; count++) await admin.put(failed());
  const job = await plan(admin.olga);
  await start(admin.olga, job);
  const commandKey = randomUUID();
  const cancelled = await admin.olga.bulk.cancel.mutate({ id: job.id, reason: REASON, commandKey });
  expect(cancelled.state).toBe('cancelled');
  await expect(start(admin.olga, job)).rejects.toMatchObject({ data: { code: 'CONFLICT' } });
  const { entries } = await admin.vic.audit.list.query({ action: 'bulk_cancel' });
  expect(entries).toMatchObject([{ by: 'olga', reason: REASON }]);
});

it('once it is said to be cancelled nothing more happens, not even to the key that it was at', async () => {
  await using mongod = await startMongod({ parameters: { enableTestCommands: 1 } });
  await using admin = await startAdmin({ uri: `${mongod.uri}&appName=jobs` });
  for (let count = 0; count < 3; count++) await admin.put(failed());
  const job = await plan(admin.olga);
  const committing = new Promise<void>((resolve) =>
    admin.client.on('commandStarted', ({ commandName }) => commandName === 'commitTransaction' && resolve()),
  );
  const slow = { failCommands: ['commitTransaction'], blockConnection: true, blockTimeMS: 1_000 };
  await using _ = await failCommand(admin.client, { ...slow, appName: 'jobs' }, { times: 1 });
  await start(admin.olga, job);
  await committing;
  await admin.olga.bulk.cancel.mutate({ id: job.id, reason: REASON, commandKey: randomUUID() });
  const audit = admin.db.collection('idempotency_keys_audit');
  expect(await audit.countDocuments({ action: 'allow_retry' })).toBe(1);
  // Jobs are run one at a time: when the next one is done, this one has come to rest.
  const next = await plan(admin.olga, { filter: { state: 'attention' } });
  await start(admin.olga, next);
  await ended(admin.olga, next.id);
  expect(await audit.countDocuments({ jobId: job.id, action: 'allow_retry' })).toBe(1);
  expect((await admin.olga.bulk.get.query({ id: job.id })).job).toMatchObject({
    state: 'cancelled',
    done: 1,
  });
});

it('holds only keys of the scopes that the operator may see, and is shown to nobody of other scopes', async () => {
  await using admin = await startAdmin();
  await admin.put(failed({ scope: 'other' }));
  await admin.put(failed({ scope: 'acme' }));
  const mine = await plan(admin.scott);
  expect(mine.total).toBe(1);
  const all = await plan(admin.olga);
  expect(all.total).toBe(2);
  expect((await admin.scott.bulk.list.query()).map(({ id }) => id)).toEqual([mine.id]);
  await expect(admin.scott.bulk.get.query({ id: all.id })).rejects.toMatchObject({
    data: { code: 'NOT_FOUND' },
  });
  // What was planned before its scopes were withdrawn is no longer its own.
  const jobs = admin.db.collection<{ _id: string }>('idempotency_keys_jobs');
  await jobs.updateOne({ _id: mine.id }, { $set: { scopes: ['acme', 'other'] } });
  await expect(start(admin.scott, mine)).rejects.toMatchObject({ data: { code: 'NOT_FOUND' } });
  await expect(start(admin.scott, all)).rejects.toMatchObject({ data: { code: 'NOT_FOUND' } });
});

it('of a tenant holds its keys only, and is shown to its planner for as long as that sees the tenant', async () => {
  await using admin = await startAdmin();
  for (const scope of ['acme', 'acme/ada', 'acme0', 'acme-2', 'acm']) await admin.put(failed({ scope }));
  const job = await plan(admin.tess);
  expect(job.total).toBe(2);
  expect((await admin.tess.bulk.list.query()).map(({ id }) => id)).toEqual([job.id]);
  expect(await admin.scott.bulk.list.query()).toEqual([]);
  const jobs = admin.db.collection<{ _id: string }>('idempotency_keys_jobs');
  const PLANNED: [scopes: unknown, isShown: boolean][] = [
    [{ under: 'acme' }, true],
    [{ under: 'acme/team' }, true],
    [['acme', 'acme/ada'], true],
    [[], true],
    [{ under: 'acme0' }, false],
    [{ under: 'acm' }, false],
    [['acme', 'acme0'], false],
    [undefined, false],
  ];
  for (const [scopes, isShown] of PLANNED) {
    await jobs.updateOne(
      { _id: job.id },
      scopes === undefined ? { $unset: { scopes: '' } } : { $set: { scopes } },
    );
    expect([scopes, (await admin.tess.bulk.list.query()).length]).toEqual([scopes, isShown ? 1 : 0]);
  }
  // A tenant is no list: who sees some scopes of it now does not see what was planned for all.
  await jobs.updateOne({ _id: job.id }, { $set: { scopes: { under: 'acme' }, by: 'scott' } });
  expect(await admin.scott.bulk.list.query()).toEqual([]);
});

it('is planned from selected keys: those that are there, that the action is for, and that the operator may see', async () => {
  await using admin = await startAdmin();
  const [one, two] = [await admin.put(failed({ scope: 'acme' })), await admin.put({ state: 'in_doubt' })];
  const succeeded = await admin.put();
  const foreign = await admin.put(failed({ scope: 'other' }));
  const unselected = await admin.put(failed({ scope: 'acme' }));
  const ids = [one, two, one, succeeded, foreign, '0'.repeat(24)];
  const { filter: _, ...request } = { ...PLAN, commandKey: randomUUID(), ids };
  const job = await admin.scott.bulk.plan.mutate(request);
  expect(job).toMatchObject({ total: 2, selected: 5, filter: null, left: null });
  await start(admin.scott, job);
  const { items } = await ended(admin.scott, job.id);
  expect(items.map(({ keyId, result }) => [keyId, result]).sort()).toEqual(
    [one, two].sort().map((id) => [id, 'done']),
  );
  for (const id of [foreign, unselected]) expect(await admin.find(id)).toMatchObject({ state: 'completed' });
});

it('500 selected keys are looked up by their ids, whatever else there is', async () => {
  await using admin = await startAdmin();
  const own = await admin.put(failed());
  for (let count = 0; count < 20; count++) await admin.put(failed());
  const ids = [own, ...Array.from({ length: 499 }, (_, index) => index.toString(16).padStart(24, '0'))];
  const { filter: _filter, ...rest } = PLAN;
  const job = await admin.olga.bulk.plan.mutate({ ...rest, ids, commandKey: randomUUID() });
  expect(job).toMatchObject({ total: 1, selected: 500 });
  const { aggregate, pipeline, hint } =
    admin.sent.findLast(({ aggregate }) => aggregate === 'idempotency_keys') ?? {};
  const explained = await admin.db.command({
    explain: { aggregate, pipeline, ...(hint && { hint }), cursor: {} },
    verbosity: 'executionStats',
  });
  const [, examined] = /"totalDocsExamined":(\d+)/.exec(JSON.stringify(explained)) ?? [];
  expect(Number(examined)).toBe(1);
});

it.each([
  ['a filter and ids', { filter: {}, ids: ['0'.repeat(24)] }],
  ['neither', {}],
  ['no ids', { ids: [] }],
  ['more than 500 ids', { ids: Array.from({ length: 501 }, () => '0'.repeat(24)) }],
  ['an operator of MongoDB among the ids', { ids: [{ $gt: '' }] }],
  ['an operator of MongoDB for the ids', { ids: { $ne: null } }],
  ['an id that is none', { ids: ['$$ROOT'] }],
])('a plan of %s is refused before anything is looked at', async (_, keys) => {
  await using admin = await startAdmin();
  const { filter: _filter, ...rest } = PLAN;
  const request = { ...rest, commandKey: randomUUID(), ...keys } as unknown as typeof PLAN & {
    commandKey: string;
  };
  const from = admin.sent.length;
  await expect(admin.olga.bulk.plan.mutate(request)).rejects.toMatchObject({ data: { code: 'BAD_REQUEST' } });
  expect(admin.sent.slice(from).filter(({ aggregate, insert }) => aggregate || insert)).toEqual([]);
});

it('mark failed gives all the same error, and asks for it first', async () => {
  await using admin = await startAdmin();
  await admin.put(); // says in which form the operation is answered
  const id = await admin.put({ state: 'in_doubt' });
  await expect(plan(admin.olga, { action: 'fail' })).rejects.toMatchObject({
    data: { code: 'BAD_REQUEST' },
  });
  const job = await plan(admin.olga, { action: 'fail', error: 'the bank was away' });
  await start(admin.olga, job);
  await ended(admin.olga, job.id);
  expect(await admin.find(id)).toMatchObject({ outcome: 'error', response: { format: 'graphql/1' } });
  const body = await admin.vic.keys.body.query({ id, part: 'response' });
  expect(body.text).toContain('the bank was away');
});
