import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { JobState } from '../../server/admin/contract/job.ts';
import { type Admin, type AdminClient, act, ago, failed, REASON, read, startAdmin } from './support.ts';

// One dashboard for all tests here; each has a key of its own.
let admin: Admin;
beforeAll(async () => {
  admin = await startAdmin();
  return () => admin[Symbol.asyncDispose]();
});

const entriesOf = async (filter: Parameters<AdminClient['audit']['list']['query']>[0]) =>
  (await admin.vic.audit.list.query(filter)).entries;
const entriesOfJob = async (id: string) =>
  (await entriesOf({}))
    .filter(({ jobId }) => jobId === id)
    .map(({ action, result }) => `${action} ${result}`);

async function plannedJob(state: JobState): Promise<{ id: string; total: number }> {
  const scope = randomUUID();
  await admin.put(failed({ scope }));
  const command = { reason: REASON, commandKey: randomUUID() };
  const job = await admin.olga.bulk.plan.mutate({ action: 'allow_retry', filter: { scope }, ...command });
  const jobs = admin.db.collection<{ _id: string }>('idempotency_keys_jobs');
  // Held by a process that is busy: nothing happens to it meanwhile.
  await jobs.updateOne({ _id: job.id }, { $set: { state, leaseUntil: new Date(Date.now() + 3_600_000) } });
  return job;
}

const COMMANDS = {
  start: ({ id, total }: { id: string; total: number }, commandKey = randomUUID()) =>
    admin.olga.bulk.start.mutate({ id, count: total, mayRepeat: true, commandKey }),
  cancel: ({ id }: { id: string }, commandKey = randomUUID()) =>
    admin.olga.bulk.cancel.mutate({ id, reason: REASON, commandKey }),
  resume: ({ id }: { id: string }, commandKey = randomUUID()) =>
    admin.olga.bulk.resume.mutate({ id, commandKey }),
};
type Name = keyof typeof COMMANDS;

const POSSIBLE: Record<Name, readonly JobState[]> = {
  start: ['planned'],
  cancel: ['planned', 'running', 'paused'],
  resume: ['paused'],
};
const STATES: readonly JobState[] = ['planned', 'running', 'paused', 'done', 'cancelled'];
const TABLE = (Object.keys(COMMANDS) as Name[]).flatMap((name) =>
  STATES.map((state) => [name, state] as const),
);

describe.each(TABLE)('%s of a job that is %s', (name, state) => {
  const isPossible = POSSIBLE[name].includes(state);

  it(isPossible ? 'is done, and recorded once' : 'is refused, and recorded as that', async () => {
    const job = await plannedJob(state);
    const commandKey = randomUUID();
    const twice = [COMMANDS[name](job, commandKey), COMMANDS[name](job, commandKey)];
    const answers = await Promise.allSettled([...twice, COMMANDS[name](job, commandKey)]);
    if (isPossible) expect(answers.map(({ status }) => status)).toEqual(Array(3).fill('fulfilled'));
    else
      for (const answer of answers)
        expect(answer).toMatchObject({
          reason: { data: { code: 'CONFLICT' }, message: expect.stringContaining(`The job is ${state}`) },
        });
    expect(await entriesOfJob(job.id)).toEqual([`bulk_${name} ${isPossible ? 'done' : 'refused'}`]);
    const { job: after } = await admin.olga.bulk.get.query({ id: job.id });
    if (!isPossible) expect(after.state).toBe(state);
  });
});

it('a command about a job that was cut off is concluded when it is sent again', async () => {
  const job = await plannedJob('planned');
  const commandKey = randomUUID();
  await COMMANDS.cancel(job, commandKey);
  const audit = admin.db.collection('idempotency_keys_audit');
  await audit.updateOne({ commandKey }, { $set: { result: 'intended' } });
  expect(await entriesOfJob(job.id)).toEqual(['bulk_cancel intended']);
  expect(await COMMANDS.cancel(job, commandKey)).toMatchObject({ state: 'cancelled' });
  expect(await entriesOfJob(job.id)).toEqual(['bulk_cancel done']);
});

it('each time that secrets are shown has an entry, also by the same command; of another command it is refused', async () => {
  const id = await admin.put();
  const command = { id, part: 'response', reason: REASON, commandKey: randomUUID() } as const;
  for (let count = 0; count < 3; count++) await admin.olga.keys.reveal.mutate(command);
  const entry = { by: 'olga', action: 'reveal', reason: REASON, note: expect.stringContaining('response') };
  expect(await entriesOf({ keyId: id })).toMatchObject([entry, entry, entry]);
  const others = [{ part: 'request' }, { reason: 'another reason' }, { id: await admin.put() }] as const;
  for (const other of others)
    await expect(admin.olga.keys.reveal.mutate({ ...command, ...other })).rejects.toMatchObject({
      data: { code: 'CONFLICT' },
    });
  expect(await entriesOf({ keyId: id })).toHaveLength(3);
});

it('an export says of what it was, and how much it held', async () => {
  const scope = 'exported "scope"';
  await admin.put({ scope });
  const filter = { scope, state: 'completed' } as const;
  const command = { filter, format: 'csv', reason: REASON, commandKey: randomUUID() } as const;
  await admin.olga.keys.export.mutate(command);
  const [entry] = await entriesOf({ action: 'export' });
  expect(entry?.note).toBe(
    'csv of the keys with state "completed", scope "exported \\"scope\\"". It has 1 key.',
  );
});

describe('what is refused is in the audit, with who and why:', () => {
  const REFUSALS: [string, (id: string) => Promise<unknown>, { action: string; by: string; note: RegExp }][] =
    [
      [
        'a word that is missing',
        async (id) => act(admin.ada, await read(admin, id), 'expire', { confirm: '' }),
        { action: 'expire', by: 'ada', note: /Type the word expire/ },
      ],
      [
        'a tick that is missing',
        async (id) => act(admin.ada, await read(admin, id), 'expire', { mayRepeat: false }),
        { action: 'expire', by: 'ada', note: /may happen twice/ },
      ],
      [
        'a state that the action is not for',
        async (id) => act(admin.ada, await read(admin, id), 'force_release'),
        { action: 'force_release', by: 'ada', note: /It is completed/ },
      ],
      [
        'a record that changed since it was shown',
        async (id) => {
          const detail = await read(admin, id);
          await act(admin.ada, detail, 'purge_body');
          return act(admin.olga, detail, 'expire');
        },
        { action: 'expire', by: 'olga', note: /changed it meanwhile/ },
      ],
      [
        'a request that was not captured',
        async (id) => act(admin.ada, await read(admin, id), 'rerun'),
        { action: 'rerun', by: 'ada', note: /not captured/ },
      ],
      [
        'an action that needs another role',
        async (id) => act(admin.olga, await read(admin, id), 'purge_body').catch(() => {}),
        { action: 'purge_body', by: 'olga', note: /needs the role admin/ },
      ],
      [
        'an action of a viewer',
        async (id) => act(admin.vic, await read(admin, id), 'expire').catch(() => {}),
        { action: 'expire', by: 'vic', note: /needs the role operator/ },
      ],
      [
        'a reveal of a viewer',
        (id) =>
          admin.vic.keys.reveal
            .mutate({ id, part: 'response', reason: REASON, commandKey: randomUUID() })
            .catch(() => {}),
        { action: 'reveal', by: 'vic', note: /needs the role operator/ },
      ],
    ];

  it.each(REFUSALS)('%s', async (_, attempt, { note, ...expected }) => {
    const id = await admin.put();
    const before = await admin.find(id);
    await attempt(id);
    const refused = (await entriesOf({ keyId: id })).filter(({ result }) => result === 'refused');
    expect(refused).toMatchObject([
      {
        ...expected,
        keyId: id,
        reason: REASON,
        note: expect.stringMatching(note),
        before: null,
        after: null,
      },
    ]);
    if (expected.action !== 'expire' || expected.by !== 'olga') expect(await admin.find(id)).toEqual(before);
  });

  it('the same of the same person is written once a minute, and the command may still be carried out', async () => {
    const id = await admin.put(failed());
    const detail = await read(admin, id);
    const commandKey = randomUUID();
    const minute = () => Math.floor(Date.now() / 60_000);
    const from = minute();
    for (let count = 0; count < 5; count++)
      await act(admin.ada, detail, 'allow_retry', { commandKey, mayRepeat: false });
    const minutes = minute() - from + 1;
    expect((await entriesOf({ keyId: id })).length).toBeLessThanOrEqual(minutes);
    expect(await act(admin.ada, detail, 'allow_retry', { commandKey })).toMatchObject({ done: true });
  });

  it('a dashboard that is read-only writes nothing, not even that', async () => {
    await using readOnly = await startAdmin({ readOnly: true });
    const command = { filter: {}, format: 'csv', reason: REASON, commandKey: 'x' } as const;
    for (const client of [readOnly.vic, readOnly.ada])
      await expect(client.keys.export.mutate(command)).rejects.toMatchObject({ data: { code: 'FORBIDDEN' } });
    expect(await readOnly.db.listCollections({ name: 'idempotency_keys_audit' }).toArray()).toEqual([]);
  });
});

describe('the audit is exported', () => {
  const exported = (client: AdminClient, format: 'csv' | 'ndjson', filter = {}) =>
    client.audit.export.mutate({ filter, format, reason: REASON, commandKey: randomUUID() });

  it('as CSV and as NDJSON, with the notes, the results and how it was asked for; and that is an entry, too', async () => {
    const id = await admin.put({ key: '=1+1' });
    const detail = await read(admin, id);
    await act(admin.ada, detail, 'expire', { confirm: 'no' });
    await act(admin.ada, detail, 'expire');
    const { text, rows, full, filename } = await exported(admin.olga, 'csv', { keyId: id });
    expect({ rows, full, filename }).toEqual({ rows: 2, full: false, filename: 'audit.csv' });
    const [head, done, refused] = text.split('\r\n');
    expect(head).toBe('id,at,by,role,via,action,result,reason,note,keyId,scope,key,before,after,jobId');
    expect(done).toMatch(/,ada,admin,,expire,done,.*The key is forgotten.*,'=1\+1,/);
    expect(refused).toMatch(/,ada,admin,,expire,refused,.*Type the word expire/);
    const lines = (await exported(admin.olga, 'ndjson', { keyId: id })).text.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).result)).toEqual(['done', 'refused']);
    const entries = await entriesOf({ action: 'audit_export' });
    expect(entries.slice(0, 2).map(({ note }) => note)).toEqual([
      `ndjson of the entries with keyId "${id}".`,
      `csv of the entries with keyId "${id}".`,
    ]);
  });

  it('within the scopes of the operator', async () => {
    await act(admin.ada, await read(admin, await admin.put({ scope: 'acme', key: 'mine' })), 'expire');
    await act(admin.ada, await read(admin, await admin.put({ scope: 'foreign', key: 'theirs' })), 'expire');
    const { text } = await exported(admin.scott, 'csv');
    expect(text).toContain('mine');
    expect(text).not.toContain('theirs');
  });

  it('to the last entry, however many there are', async () => {
    const by = 'busy';
    const audit = admin.db.collection('idempotency_keys_audit');
    await audit.insertMany(
      Array.from({ length: 1_201 }, (_, index) => ({
        by,
        action: 'expire',
        commandKey: `busy ${index}`,
        at: ago(0),
        result: 'done',
        reason: REASON,
        note: '',
        role: 'admin',
      })),
    );
    expect(await exported(admin.olga, 'csv', { by })).toMatchObject({ rows: 1_201, full: false });
  });
});
