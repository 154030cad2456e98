import { beforeAll, describe, expect, it } from 'vitest';
import { type Admin, ago, ahead, failed, startAdmin } from '../admin/support.ts';
import { type CallOptions, callCli } from '../support/call-cli.ts';

let admin: Admin;
beforeAll(async () => {
  admin = await startAdmin();
  const keys = admin.db.collection('idempotency_keys');
  for (let count = 0; count < 120; count++) await admin.put({ scope: 'many', key: `k${count}` });
  await admin.put({ scope: 'aged', key: 'long-'.repeat(20), startedAt: ago(3 * 3_600_000), ...failed() });
  await admin.put({ scope: 'aged', key: 'new', state: 'in_doubt', startedAt: ago(90_000) });
  await admin.put({ scope: 'aged', key: 'tab\there' });
  expect(await keys.countDocuments()).toBe(123);
  return () => admin[Symbol.asyncDispose]();
});

const list = (args: readonly string[], columns?: number) =>
  callCli(['keys', 'list', ...args, '--db', admin.db.databaseName], columns === undefined ? {} : { columns });
const keysIn = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((line) => line.split('\t')[4]);
const range = (from: number, to: number) =>
  Array.from({ length: from - to + 1 }, (_, index) => `k${from - index}`);

describe('on a terminal a list is a table:', () => {
  it('heads, aligned columns and ages; an error is told from a success', async () => {
    const { out } = await list(['--scope', 'aged'], 200);
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^ID {24}STATE {5,}SCOPE {2}KEY +OPERATION {2}ATTEMPTS {2}AGE$/);
    const place = lines[0]?.indexOf('KEY') as number;
    expect(lines.slice(1).map((line) => line.slice(place, place + 5))).toEqual(['tab\\u', 'new  ', 'long-']);
    expect(lines[1]).toMatch(/ completed +aged /);
    expect(lines[2]).toMatch(/ in_doubt +aged .* 1m$/);
    expect(lines[3]).toMatch(/ error +aged .* 3h$/);
  });

  it('no line is longer than the terminal, and no id is cut', async () => {
    const { out } = await list(['--scope', 'aged'], 100);
    const lines = out.trimEnd().split('\n');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
    expect(lines[3]).toMatch(/^[0-9a-f]{24} .*long-.*… /);
  });
});

it('a list whose reader has gone ends, and looks no further', async () => {
  const args = ['keys', 'list', '--scope', 'many', '--all', '--db', admin.db.databaseName];
  const { code, out } = await callCli(args, { reads: 3 });
  expect([code, keysIn(out)]).toEqual([0, range(119, 70)]);
});

describe('find takes what a customer or a log gives:', () => {
  const find = (text: string, options: CallOptions = {}) =>
    callCli(['keys', 'find', text, '--db', admin.db.databaseName], options);

  it('a quoted header, a line of a log on standard input, a record id', async () => {
    const id = await admin.put({ scope: 'found', key: '8e03978e-40d5-43dd-bc93-6894a57f9324' });
    const line = `${id}\tcompleted\tsuccess\tfound\t8e03978e-40d5-43dd-bc93-6894a57f9324\tpay\n`;
    const found = { code: 0, out: line, err: '' };
    expect(await find('Idempotency-Key: "8E03978E-40D5-43DD-BC93-6894A57F9324"')).toEqual(found);
    expect(await find('-', { input: `level=error recordId=${id} code=IN_DOUBT\n` })).toEqual(found);
    expect((await find(id, { columns: 120 })).out).toMatch(/^ID .*AGE\n.*2m\n$/);
  });

  it('nothing is refused, and what was looked for is said', async () => {
    const { code, out, err } = await find('nowhere');
    expect([code, out, err]).toEqual([1, '', 'Nothing was found. It was looked for by the key nowhere.\n']);
  });
});

it('duplicates are the calls of a request that ran under several keys; --fail exits with 1', async () => {
  const duplicates = (args: readonly string[] = [], options: CallOptions = {}) =>
    callCli(['keys', 'duplicates', ...args, '--db', admin.db.databaseName], options);
  expect(await duplicates(['--fail'])).toEqual({ code: 0, out: '', err: 'Nothing is suspected.\n' });
  const id = await admin.put({ scope: 'twice', key: 'one' });
  const at = ago(90_000);
  await admin.db.collection('idempotency_keys_calls').insertOne({
    ...{ kind: 'alike', suspected: true, scope: 'twice', operation: 'pay', lastAt: at },
    ...{
      expiresAt: ahead(60_000),
      keys: [
        { key: 'one', at },
        { key: 'two', at },
      ],
    },
  });
  expect(await duplicates()).toEqual({
    code: 0,
    out: [
      `1\t${id}\tcompleted\ttwice\tone\tpay\t${at.toISOString()}`,
      `1\t-\tgone\ttwice\ttwo\tpay\t${at.toISOString()}\n`,
    ].join('\n'),
    err: '',
  });
  expect((await duplicates([], { columns: 120 })).out).toMatch(/^REQUEST {2}ID .*AGE\n1 .* 1m\n1 .* 1m\n$/);
  expect(await duplicates(['--fail', '--json'])).toMatchObject({ code: 1 });
});

describe('how much is listed:', () => {
  it.each([
    ['--limit 3', ['--limit', '3'], range(119, 117)],
    ['--limit 70, which takes two pages', ['--limit', '70'], range(119, 50)],
    ['--limit 120, which is all there is', ['--limit', '120'], range(119, 0)],
    ['--all', ['--all'], range(119, 0)],
  ])('%s', async (_, args, keys) => {
    const { code, out, err } = await list(['--scope', 'many', ...args]);
    expect(code).toBe(0);
    expect(keysIn(out)).toEqual(keys);
    const [, cursor] = /^More: --cursor ([0-9a-f]{24})\n$/.exec(err) ?? [];
    expect(cursor === undefined).toBe(keys.length === 120);
    if (cursor === undefined) return expect(err).toBe('');
    const rest = await list(['--scope', 'many', '--all', '--cursor', cursor]);
    expect([...keys, ...keysIn(rest.out)]).toEqual(range(119, 0));
  });

  it('as JSON it is one document, with the cursor and how far it looked', async () => {
    const { out } = await list(['--scope', 'many', '--limit', '70', '--json']);
    const { rows, next, searched } = JSON.parse(out);
    expect(rows).toHaveLength(70);
    expect(next).toBe(rows[69].id);
    expect(searched).toMatchObject({ complete: true });
  });

  it.each([
    [['--limit', '0'], 'Expected a whole number from 1 on'],
    [['--limit', 'many'], 'Expected a whole number from 1 on'],
    [['--limit', '3', '--all'], "'--all' cannot be used with option '--limit <number>'"],
    [['--state', 'odd'], 'Allowed choices are attention, running'],
    [['--older-than', '5'], 'Expected an age such as 90s'],
  ])('%j is wrong use', async (args, message) => {
    expect(await list(args)).toEqual({ code: 2, out: '', err: expect.stringContaining(message) });
  });
});

it('what an index does not find is looked for in stretches, and how far is said beside the list', async () => {
  const keys = admin.db.collection('idempotency_keys');
  const odd = await admin.put({ scope: 'odd', operation: 'rare' });
  const many = Array.from({ length: 4_001 }, (_, count) => ({ scope: 's', key: `f${count}`, v: 1 }));
  await keys.insertMany(many);
  const near = await list(['--operation', 'rare']);
  expect(near.out).toBe('');
  expect(near.err).toMatch(
    /^Looked at 4000 records, back to \d{4}-\d\d-\d\dT[\d:.]+Z\.\nMore: --cursor [0-9a-f]{24}\n$/,
  );
  const far = await list(['--operation', 'rare', '--all']);
  expect(far.out).toMatch(new RegExp(`^${odd}\t.*\n$`));
  expect(far.err).toBe('Looked at 4000 records so far …\n');
  await keys.deleteMany({ scope: { $in: ['odd', 's'] } });
});
