import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ObjectId } from 'mongodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Admin, ago, failed, REASON, responseOf, startAdmin } from '../admin/support.ts';
import { callCli } from '../support/call-cli.ts';

const MINUTE = 60_000;
const JOB = randomUUID();

let admin: Admin;
beforeAll(async () => {
  admin = await startAdmin();
  return () => admin[Symbol.asyncDispose]();
});

const call = (args: readonly string[], columns?: number) =>
  callCli([...args, '--db', admin.db.databaseName], columns === undefined ? {} : { columns });
const why = ['--reason', REASON];
const entriesOf = async (filter: object) => (await admin.ada.audit.list.query(filter)).entries;

describe('reveal', () => {
  const secret = { response: responseOf('{"data":{"password":"hunter2","note":"a\\u001bb"}}') };

  it('prints the body with its secrets, which show hides; the audit has who asked, and why', async () => {
    const id = await admin.put(secret);
    expect((await call(['keys', 'show', id])).out).not.toContain('hunter2');
    const { code, out, err } = await call(['keys', 'reveal', id, ...why, '--by', 'ops']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toEqual({ data: { password: 'hunter2', note: 'a\u001bb' } });
    expect(await entriesOf({ keyId: id })).toMatchObject([
      { action: 'reveal', by: 'ops', reason: REASON, via: expect.stringMatching(/^command line, as /) },
    ]);
    const json = JSON.parse((await call(['keys', 'reveal', id, ...why, '--json'])).out);
    expect(json).toMatchObject({ redacted: false, text: expect.stringContaining('hunter2') });
  });

  it('writes nothing to a terminal that it would obey', async () => {
    const id = await admin.put({ response: responseOf('"\u001b[2J"', 'json/1') });
    expect((await call(['keys', 'reveal', id, ...why], 80)).out).toContain('\\u{1b}[2J');
  });

  it.each([
    ['a body that is not there', { request: undefined }, ['--part', 'request'], 'The key holds no request'],
    [
      'a body that is encrypted, without its cipher',
      { response: { ...responseOf('AAAA'), cipher: { keyId: 'k', iv: '', tag: '' } } },
      [],
      'The response has no text here: encrypted, and no --cipher here opens it',
    ],
  ])('%s is refused', async (_, record, args, message) => {
    const id = await admin.put(record);
    expect(await call(['keys', 'reveal', id, ...why, ...args])).toEqual({
      code: 1,
      out: '',
      err: `Refused: ${message}\n`,
    });
  });

  it('without a reason it is wrong use, and shows nothing', async () => {
    const id = await admin.put(secret);
    expect(await call(['keys', 'reveal', id])).toMatchObject({ code: 2, out: '' });
    expect(await call(['keys', 'reveal', id, '--reason', 'short'])).toMatchObject({ code: 2, out: '' });
  });
});

describe('diff', () => {
  it('compares what the last action found with what it left behind, or the versions that are named', async () => {
    const id = await admin.put(failed());
    await call(['keys', 'allow-retry', id, ...why, '--yes-may-repeat', '--by', 'ops']);
    const { code, out, err } = await call(['keys', 'diff', id]);
    expect(code).toBe(0);
    expect(out).toMatch(/^--- Before allow_retry by ops, .*Z\n\+\+\+ After allow_retry by ops, .*Z\n/);
    expect(out).toContain('\n-  "state": "completed",\n+  "state": "released",\n');
    const versions = err
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().replace(/,.*/, ''));
    expect(versions).toEqual([
      '0  Before allow_retry by ops',
      '1  After allow_retry by ops',
      '2  Record now',
    ]);
    expect((await call(['keys', 'diff', id, '--from', '1', '--to', '1'])).err).toMatch(
      /^There is no difference\./,
    );
    expect(await call(['keys', 'diff', id, '--to', '7'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('Expected --from and --to to be two of\n  0  Before'),
    });
    const json = JSON.parse((await call(['keys', 'diff', id, '--json'])).out);
    expect(json).toMatchObject({ lines: expect.arrayContaining(['-  "state": "completed",']) });
  });

  it('compares two keys', async () => {
    const [one, other] = [await admin.put({ operation: 'pay' }), await admin.put({ operation: 'refund' })];
    const { code, out } = await call(['keys', 'diff', one, '--with', other]);
    expect(code).toBe(0);
    expect(out).toContain('-  "operation": "pay",\n+  "operation": "refund",\n');
  });
});

describe('export', () => {
  const named = (out: string) => out.split('\r\n').map((line) => line.split(',')[4]);

  it("is the page's, for the same filter, on standard output or in a file, and in the audit", async () => {
    const scope = 'exported';
    for (const key of ['a', 'b', '=cmd()']) await admin.put({ scope, key });
    await admin.put({ scope, key: 'c', ...failed() });
    const page = await admin.ada.keys.export.mutate({
      filter: { scope },
      ...{ format: 'csv', reason: REASON, commandKey: randomUUID() },
    });
    const csv = await call(['keys', 'export', '--scope', scope, '--format', 'csv', ...why]);
    expect(csv).toEqual({ code: 0, out: page.text, err: '4 keys.\n' });
    expect(named(csv.out)).toEqual(['key', 'c', "'=cmd()", 'b', 'a', undefined]);
    const lines = await call(['keys', 'export', '--scope', scope, '--error', ...why]);
    expect(JSON.parse(lines.out)).toMatchObject({ key: 'c', outcome: 'error' });
    expect(lines.err).toBe('1 key.\n');
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-export-'));
    const file = join(folder, 'keys.csv');
    const args = ['--scope', scope, '--format', 'csv', '--out', file, ...why];
    expect(await call(['keys', 'export', ...args])).toEqual({ code: 0, out: '', err: '4 keys.\n' });
    expect(await readFile(file, 'utf8')).toBe(page.text);
    await rm(folder, { recursive: true });
    const notes = (await entriesOf({ action: 'export' })).map(({ note, via }) => [note, via !== null]);
    expect(notes).toEqual([
      ['csv of the keys with scope "exported". It has 4 keys.', true],
      ['ndjson of the keys with scope "exported", error true. It has 1 key.', true],
      ['csv of the keys with scope "exported". It has 4 keys.', true],
      ['csv of the keys with scope "exported". It has 4 keys.', false],
    ]);
  });

  it('of nothing is empty, and of no reason wrong use', async () => {
    const args = ['keys', 'export', '--scope', 'nobody'];
    expect(await call([...args, ...why])).toEqual({ code: 0, out: '', err: '0 keys.\n' });
    expect(await call(args)).toMatchObject({ code: 2, out: '' });
  });
});

describe('audit', () => {
  let beside: Admin;
  beforeAll(async () => {
    beside = await startAdmin({ ownDatabase: true });
    const written = [
      { by: 'ada', action: 'expire', reason: 'Customer asked', scope: 'acme', key: 'k-1', minutes: 90 },
      { by: 'bob', action: 'complete', reason: 'bank\tsaid so', scope: 'acme', key: 'k-2', minutes: 20 },
      { by: 'ada', action: 'bulk_start', reason: 'tenant left', jobId: JOB, minutes: 10 },
      {
        by: 'ada',
        action: 'expire',
        reason: 'tenant left',
        scope: 'shop',
        key: 'k-3',
        jobId: JOB,
        minutes: 9,
      },
    ];
    await beside.db.collection('idempotency_keys_audit').insertMany(
      written.map(({ minutes, ...entry }, index) => ({
        _id: ObjectId.createFromTime(Math.floor(ago(minutes * MINUTE).getTime() / 1_000)),
        at: ago(minutes * MINUTE),
        ...{ role: 'admin', commandKey: `c-${index}`, result: 'done', note: 'noted' },
        ...(entry.key !== undefined && { keyId: `${index}`.repeat(24) }),
        ...entry,
      })),
    );
    return () => beside[Symbol.asyncDispose]();
  });

  const audit = (args: readonly string[], columns?: number) =>
    callCli(['audit', ...args, '--db', beside.db.databaseName], columns === undefined ? {} : { columns });

  it.each<[string[], string[]]>([
    [[], ['bulk_start', 'k-2', 'k-1']],
    [['--unfold'], ['k-3', 'bulk_start', 'k-2', 'k-1']],
    [
      ['--job', JOB],
      ['k-3', 'bulk_start'],
    ],
    [['--by', 'bob'], ['k-2']],
    [['--action', 'bulk-start'], ['bulk_start']],
    [['--id', '0'.repeat(24)], ['k-1']],
    [['--scope', 'acme', '--key', 'k-2'], ['k-2']],
    [['--words', 'BANK said'], ['k-2']],
    [
      ['--since', '30m'],
      ['bulk_start', 'k-2'],
    ],
    [['--since', '2h', '--until', '30m'], ['k-1']],
    [['--until', new Date(Date.now() - 60 * MINUTE).toISOString()], ['k-1']],
    [
      ['--limit', '2'],
      ['bulk_start', 'k-2'],
    ],
    [['--by', 'nobody'], []],
  ])('%j', async (args, names) => {
    const { code, out } = await audit([...args, '--json']);
    expect(code).toBe(0);
    const { entries } = JSON.parse(out) as { entries: { key: string | null; action: string }[] };
    expect(entries.map(({ key, action }) => key ?? action)).toEqual(names);
  });

  it('in a pipe is an entry a line, and where it goes on stands beside it', async () => {
    const { out, err } = await audit(['--limit', '2']);
    const [job, second] = out.split('\n').map((line) => line.split('\t'));
    expect(job?.slice(1)).toEqual(['ada', 'bulk_start', 'done', '-', '-', '-', 'tenant left', 'noted']);
    expect(second?.slice(1, 8)).toEqual([
      'bob',
      'complete',
      'done',
      '1'.repeat(24),
      'acme',
      'k-2',
      'bank\\u{9}said so',
    ]);
    const [, cursor = ''] = /^More: --cursor ([0-9a-f]{24})\n$/.exec(err) ?? [];
    const rest = await audit(['--all', '--cursor', cursor]);
    expect(rest).toMatchObject({ out: expect.stringContaining('\tk-1\t'), err: '' });
    expect((await audit(['--by', 'nobody'])).err).toBe('Nothing matches.\n');
  });

  it('on a terminal is a table', async () => {
    const [heads, first] = (await audit([], 120)).out.split('\n');
    expect(heads).toMatch(/^TIME {22}BY {3}ACTION {6}RESULT {2}SCOPE {2}KEY {2}REASON$/);
    expect(first).toMatch(/^\d{4}-.*Z {2}ada {2}bulk_start {2}done {4}- {6}- {4}tenant left$/);
  });

  it.each([
    [['--since', 'noon'], 'Expected a time such as'],
    [['--job', 'odd'], 'Expected `jobId` to be the id of a job, got'],
    [['--id', 'odd'], 'Expected `keyId` to be the id of a record, got'],
  ])('%j is wrong use', async (args, message) => {
    expect(await audit(args)).toEqual({ code: 2, out: '', err: expect.stringContaining(message) });
  });
});
