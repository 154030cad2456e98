import { hostname, userInfo } from 'node:os';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { type Admin, REASON, startAdmin } from '../admin/support.ts';
import { callCli } from '../support/call-cli.ts';
import { runCli } from '../support/cli.ts';

// One call is a process of its own.
vi.setConfig({ testTimeout: 120_000 });

// One database for all tests here.
let admin: Admin;
let newest: string;
beforeAll(async () => {
  admin = await startAdmin();
  for (let count = 0; count < 51; count++) newest = await admin.put({ scope: 'many', key: `k${count}` });
  return () => admin[Symbol.asyncDispose]();
});

const call = (...args: string[]) => callCli(['keys', ...args]);
const keys = (...args: string[]) => call(...args, '--db', admin.db.databaseName);

describe('a name that is not there is wrong use, and no empty answer:', () => {
  const COMMANDS: [string, string[]][] = [
    ['list', ['list']],
    ['list as JSON', ['list', '--json']],
    ['show', ['show', '0'.repeat(24)]],
    ['an action', ['expire', '0'.repeat(24), '--reason', REASON, '--yes-expire']],
  ];
  it.each(COMMANDS)('%s of a database without the collection', async (_, args) => {
    expect(await call(...args, '--db', `${admin.db.databaseName}x`)).toEqual({
      code: 2,
      out: '',
      err: `error: Expected the database ${admin.db.databaseName}x to have the collection idempotency_keys, but it has none: check --db and --collection\n`,
    });
  });

  it('a list of another collection, whose database has the right one', async () => {
    const { code, out, err } = await keys('list', '--collection', 'idempotency_key');
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/to have the collection idempotency_key, but it has .*\bidempotency_keys\b.*: check/);
  });
});

describe('a list on a pipe has keys and nothing else;', () => {
  it('where it goes on is said beside it', async () => {
    const { code, out, err } = await keys('list', '--scope', 'many');
    const lines = out.trim().split('\n');
    expect(code).toBe(0);
    expect(lines).toHaveLength(50);
    for (const line of lines) expect(line).toMatch(/^[0-9a-f]{24}\tcompleted\tsuccess\tmany\tk\d+\tpay$/);
    const [, cursor = ''] = /^More: --cursor ([0-9a-f]{24})\n$/.exec(err) ?? [];
    expect(cursor).toBe(lines.at(-1)?.split('\t')[0]);
    const rest = await keys('list', '--scope', 'many', '--cursor', cursor);
    expect(rest).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^[0-9a-f]{24}\t.*\tk0\tpay\n$/),
      err: '',
    });
  });

  it('so is that nothing matches', async () => {
    expect(await keys('list', '--scope', 'nobody')).toEqual({ code: 0, out: '', err: 'Nothing matches.\n' });
  });

  it('as JSON it is one document, with the cursor in it', async () => {
    const { out, err } = await keys('list', '--json');
    expect(err).toBe('');
    expect(JSON.parse(out)).toMatchObject({ next: expect.any(String), newest });
  });
});

it.each(['zzz', '', '0'.repeat(25), '{"$gt":""}'])(
  'the cursor %j is refused in words, before anything is asked',
  async (cursor) => {
    const { code, out, err } = await call('list', '--db', 'none', `--cursor=${cursor}`);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/--cursor.*Expected 24 digits from 0 to f/);
  },
);

it('--version is that of the package', async () => {
  expect(await runCli(['--version'])).toEqual({ code: 0, out: `${packageJson.version}\n`, err: '' });
});

describe('the audit keeps who ran a command, whatever name it gives:', () => {
  const via = `command line, as ${userInfo().username} on ${hostname()}`;

  it.each([
    ['its own', [], userInfo().username],
    ['another one', ['--by', 'somebody.else'], 'somebody.else'],
  ])('%s', async (_, args, by) => {
    const id = await admin.put({ scope: 'acted' });
    const words = ['--reason', REASON, '--yes-expire'];
    expect(await keys('expire', id, ...words, ...args)).toMatchObject({ code: 1 });
    expect(await keys('expire', id, ...words, ...args, '--yes-may-repeat')).toMatchObject({ code: 0 });
    const { entries } = await admin.ada.audit.list.query({ keyId: id });
    expect(entries).toMatchObject([
      { by, via, action: 'expire', result: 'done' },
      { by, via, action: 'expire', result: 'refused', note: expect.stringContaining('may happen twice') },
    ]);
    const command = { filter: { keyId: id }, format: 'csv', reason: REASON, commandKey: id } as const;
    expect((await admin.ada.audit.export.mutate(command)).text).toContain(`"${via}"`);
  });

  it('what the page does has no such remark', async () => {
    const command = { filter: {}, format: 'csv', reason: REASON, commandKey: 'page' } as const;
    await admin.ada.keys.export.mutate(command);
    expect((await admin.ada.audit.list.query({ action: 'export' })).entries).toMatchObject([{ via: null }]);
  });
});
