import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { type Admin, REASON, startAdmin } from './support.ts';

/** What a spreadsheet takes for the beginning of a formula, or leaves out before it looks. */
const BEGINNINGS = [
  ...['=', '+', '-', '@'],
  ...['＝', '＋', '－', '＠'],
  ...['﹦', '﹢', '﹣', '﹫', '⁺', '⁻', '₌', '\u2212'],
  ...[
    '\t',
    '\r',
    '\n',
    '\t=',
    '\r\n=',
    '\v=',
    ' =',
    '\u00a0=',
    '\u3000＝',
    '\ufeff=',
    '\u200b=',
    '\0=',
    '\u202e=',
  ],
];
const HARMLESS = ['a', '1', "'", '"', ',', 'é', '☃', '/', '(', 'a=', '1-'];

let admin: Admin;
let keyCells: string[];
beforeAll(async () => {
  admin = await startAdmin();
  for (const beginning of [...BEGINNINGS, ...HARMLESS]) {
    const text = `${beginning}1+1`;
    await admin.put({ scope: text, key: text, operation: text, owner: text });
  }
  const command = { filter: {}, format: 'csv', reason: REASON, commandKey: randomUUID() } as const;
  const { text } = await admin.olga.keys.export.mutate(command);
  const [head = [], ...rows] = parsed(text);
  const columns = ['scope', 'key', 'operation', 'owner'].map((name) => head.indexOf(name));
  for (const row of rows) expect(new Set(columns.map((column) => row[column])).size).toBe(1);
  keyCells = rows.map((row) => row[head.indexOf('key')] ?? '');
  return () => admin[Symbol.asyncDispose]();
});

it.each(BEGINNINGS)(
  'a cell that begins with %j is a text, in each column that a client can fill',
  (beginning) => {
    expect(keyCells).toContain(`'${beginning}1+1`);
  },
);

it.each(HARMLESS)('one that begins with %j stays as it is', (beginning) => {
  expect(keyCells).toContain(`${beginning}1+1`);
});

it('so are the reasons and notes of the audit', async () => {
  const reason = '=HYPERLINK("http://evil.example")';
  const command = { filter: {}, format: 'csv', reason, commandKey: randomUUID() } as const;
  await admin.olga.audit.export.mutate(command);
  const { text } = await admin.olga.audit.export.mutate({ ...command, commandKey: randomUUID() });
  const [head = [], first = []] = parsed(text);
  expect(first[head.indexOf('reason')]).toBe(`'${reason}`);
});

/** By RFC 4180. */
function parsed(text: string): string[][] {
  const cells = [...text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r\n)/g)];
  const rows: string[][] = [[]];
  for (const [, quoted, plain = '', end] of cells) {
    rows.at(-1)?.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === '\r\n') rows.push([]);
  }
  return rows.slice(0, -1);
}
