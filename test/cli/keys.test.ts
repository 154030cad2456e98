import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Admin, failed, REASON, startAdmin } from '../admin/support.ts';
import { callCli } from '../support/call-cli.ts';
import { runCli } from '../support/cli.ts';
import { mongoUri } from '../support/database.ts';

// Some calls are processes of their own.
vi.setConfig({ testTimeout: 120_000 });

const uri = mongoUri();

async function start() {
  const admin = await startAdmin();
  return {
    admin,
    /** `latchkey keys …` on the test's database. */
    keys: (...args: string[]) => callCli(['keys', ...args, '--db', admin.db.databaseName]),
    /** The same in a process of its own. */
    process: (...args: string[]) =>
      runCli(['keys', ...args, '--db', admin.db.databaseName], { env: { MONGODB_URI: uri } }),
    [Symbol.asyncDispose]: () => admin[Symbol.asyncDispose](),
  };
}

it('list and show: as JSON, or as text that no stored value can make a terminal obey', async () => {
  await using cli = await start();
  const id = await cli.admin.put({ key: 'evil\u001b[2J\u202etxt', ...failed() });
  await cli.admin.put({ scope: 'other' });
  const json = await cli.process('list', '--state', 'attention', '--json');
  expect(json).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(json.out).rows).toMatchObject([{ id, state: 'completed', outcome: 'error' }]);
  const text = await cli.keys('show', id);
  expect(text.out).toContain('evil\\u{1b}[2J\\u{202e}txt');
  expect(text.out).toContain('Actions: allow_retry, expire, purge_body');
  expect(await cli.keys('show', '000000000000000000000000')).toMatchObject({ code: 1 });
  expect(await cli.keys('show', 'nonsense')).toMatchObject({ code: 2 });
});

it('--fail exits with 1 when a key is listed, and with 0 when none is', async () => {
  await using cli = await start();
  await cli.admin.put({ scope: 'other' });
  const list = (...more: string[]) => cli.keys('list', '--state', 'attention', ...more);
  expect(await list('--fail')).toMatchObject({ code: 0, err: 'Nothing matches.\n' });
  await cli.admin.put({ key: 'odd', state: 'in_doubt' });
  expect(await list('--fail')).toMatchObject({ code: 1, out: expect.stringContaining('odd') });
  expect(await list()).toMatchObject({ code: 0 });
});

it('show says what a retry would get, and a response comes from a file or from standard input', async () => {
  await using cli = await start();
  await cli.admin.put({ scope: 'other' }); // says in which form the operation is answered
  const [one, two] = [await cli.admin.put({ state: 'in_doubt' }), await cli.admin.put({ state: 'in_doubt' })];
  const shown = await cli.keys('show', one);
  expect(shown.out).toContain('A retry: It would be refused: IDEMPOTENCY_IN_DOUBT.');
  expect(shown.out).toMatch(/^Attempts: 1 {2}Fence: \d+$/m);
  expect(shown.out).toMatch(/^Forgotten: \d{4}-/m);
  const complete = (id: string, response: string) =>
    callCli([
      'keys',
      'complete',
      id,
      '--response',
      response,
      '--reason',
      REASON,
      '--db',
      cli.admin.db.databaseName,
    ]);
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-cli-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'response.json');
  await writeFile(file, '{"pay":41}');
  expect(await complete(one, `@${file}`)).toMatchObject({ code: 0, err: '' });
  const piped = ['keys', 'complete', two, '--response', '-', '--reason', REASON];
  const input = '{"pay":42}';
  expect(
    await runCli([...piped, '--db', cli.admin.db.databaseName], { env: { MONGODB_URI: uri }, input }),
  ).toMatchObject({ code: 0, err: '' });
  expect((await cli.admin.find(one))?.response.body).toContain('"pay":41');
  expect((await cli.admin.find(two))?.response.body).toContain('"pay":42');
  expect(await complete(one, '@/nowhere')).toMatchObject({
    code: 2,
    err: expect.stringContaining('Expected --response @/nowhere to name a file that can be read: ENOENT'),
  });
  const uriless = await callCli(['keys', 'list', '--uri', 'localhost:27017']);
  expect(uriless).toMatchObject({ code: 2, err: expect.stringContaining('to begin with mongodb://') });
});

it('an action needs its reason and its words, is refused with 1, and leaves the audit that the dashboard shows', async () => {
  await using cli = await start();
  const id = await cli.admin.put({ scope: 'acme', key: 'k' });
  const args = ['expire', '--scope', 'acme', '--key', 'k', '--by', 'ops'];
  expect(await cli.keys(...args)).toMatchObject({ code: 2, err: expect.stringContaining('--reason') });
  expect(await cli.keys(...args, '--reason', 'short')).toMatchObject({ code: 2 });
  const unconfirmed = await cli.keys(...args, '--reason', REASON, '--json');
  expect(unconfirmed.code).toBe(1);
  expect(JSON.parse(unconfirmed.out)).toMatchObject({
    done: false,
    why: expect.stringContaining('--yes-expire'),
  });
  const words = ['--reason', REASON, '--yes-expire', '--yes-may-repeat'];
  expect(await cli.keys(...args, ...words)).toMatchObject({ code: 0 });
  const { entries } = await cli.admin.ada.audit.list.query({ keyId: id });
  expect(entries).toMatchObject([
    { by: 'ops', action: 'expire', reason: REASON, result: 'done' },
    { by: 'ops', action: 'expire', reason: REASON, result: 'refused' },
  ]);
});

it('a refusal names the option that confirms, and as JSON its code too', async () => {
  await using cli = await start();
  const expired = await cli.admin.put();
  const forced = await cli.admin.put({ state: 'running' });
  const purged = await cli.admin.put();
  const retried = await cli.admin.put(failed());
  const refusals = await Promise.all(
    [
      ['expire', expired],
      ['force-release', forced, '--yes-may-repeat'],
      ['purge-body', purged],
      ['allow-retry', retried],
    ].map(async (args) => {
      const { code, out } = await cli.keys(...(args as string[]), '--reason', REASON, '--json');
      return { exit: code, ...JSON.parse(out) };
    }),
  );
  const refused = (code: string, why: string) => ({ exit: 1, done: false, code, why });
  expect(refusals).toEqual([
    refused('confirm_word', 'Type the word expire to confirm (--yes-expire)'),
    refused('confirm_word', 'Type the word force to confirm (--yes-force)'),
    refused('confirm_word', 'Type the word purge to confirm (--yes-purge)'),
    refused('may_repeat', 'Confirm that the effect may happen twice (--yes-may-repeat)'),
  ]);
});

it('mark completed, mark failed, force release, purge and allow retry', async () => {
  await using cli = await start();
  await cli.admin.put({ scope: 'other' }); // says in which form the operation is answered
  const reason = ['--reason', REASON];
  const ids: Record<string, string> = {
    completed: await cli.admin.put({ state: 'in_doubt' }),
    failed: await cli.admin.put({ state: 'in_doubt' }),
    forced: await cli.admin.put({ state: 'running' }),
    purged: await cli.admin.put(),
    retried: await cli.admin.put(failed()),
  };
  const results = await Promise.all([
    cli.keys('complete', ids.completed as string, ...reason, '--response', '{"pay":1}'),
    cli.keys('fail', ids.failed as string, ...reason, '--response', 'declined'),
    cli.keys('force-release', ids.forced as string, ...reason, '--yes-force', '--yes-may-repeat'),
    cli.keys('purge-body', ids.purged as string, ...reason, '--yes-purge'),
    cli.keys('allow-retry', ids.retried as string, ...reason, '--yes-may-repeat'),
  ]);
  expect(results.map(({ code, err }) => [code, err])).toEqual(results.map(() => [0, '']));
  const after = Object.entries(ids).map(async ([name, id]) => [name, await cli.admin.find(id)] as const);
  expect(Object.fromEntries(await Promise.all(after))).toMatchObject({
    completed: { state: 'completed', outcome: 'success' },
    failed: { state: 'completed', outcome: 'error' },
    forced: { state: 'released' },
    purged: { response: { omitted: 'purged' } },
    retried: { state: 'released', fingerprint: 's1:aaaa' },
  });
});

describe('latchkey indexes', () => {
  let admin: Admin;
  beforeAll(async () => {
    admin = await startAdmin();
    return () => admin[Symbol.asyncDispose]();
  });

  it('says what is missing, with 1, and makes it', async () => {
    const run = (...args: string[]) =>
      runCli(['indexes', '--uri', uri, '--db', admin.db.databaseName, ...args]);
    expect(await run()).toMatchObject({ code: 0, out: 'All indexes are there.\n' });
    await admin.db.collection('idempotency_keys').dropIndex('state_1__id_-1');
    const missing = await run('--json');
    expect(missing.code).toBe(1);
    expect(JSON.parse(missing.out)).toMatchObject({ conflicts: [], missing: [{ name: 'state_1__id_-1' }] });
    expect(await run('--create')).toMatchObject({ code: 0 });
    const names = (await admin.db.collection('idempotency_keys').indexes()).map(({ name }) => name);
    expect(names).toContain('state_1__id_-1');
  });
});

it('without a server, or without a database, it says so in one line, with 2', async () => {
  const away = await callCli([
    'keys',
    'list',
    '--uri',
    'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100',
    '--db',
    'x',
  ]);
  expect(away).toMatchObject({ code: 2, err: expect.stringMatching(/^error: .*\n$/) });
  expect(await callCli(['keys', 'list', '--uri', uri.split('?')[0] as string])).toMatchObject({
    code: 2,
    err: 'error: Expected --db, for the URI names no database\n',
  });
});
