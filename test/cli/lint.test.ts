import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idempotencyDirectives, unprotectedMutations } from '../../plugin/graphql/index.ts';
import { runCli } from '../support/cli.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-lint-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs `latchkey lint` as a process of its own, in a folder that holds these files. */
async function lint(files: Record<string, string>, args: readonly string[], input = '') {
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const { code, out, err } = await runCli(['lint', ...args], { cwd: folder, input });
  return { exitCode: code, stdout: out, stderr: err };
}

const sdl = `type Query { ok: Boolean }
type Mutation {
  "Takes money."
  pay(amount: Int!): Int @requiresIdempotencyKey
  setTheme(name: String): Int
  """
  Sends a parcel.
  """
  ship(to: String): Int @deprecated
}
`;

describe('latchkey lint', () => {
  it('names the mutations without @requiresIdempotencyKey and their places, and exits with 1', async () => {
    expect(await lint({ 'a.graphql': sdl }, ['--schema', 'a.graphql'])).toEqual({
      exitCode: 1,
      stdout:
        'a.graphql:5:3 setTheme\na.graphql:9:3 ship\n' +
        '2 of 3 mutations without @requiresIdempotencyKey; name those that need no key after --allow\n',
      stderr: '',
    });
  });

  it('exits with 0 when each one has it or is allowed not to', async () => {
    const args = ['--schema', 'a.graphql', '--allow', 'ship', 'setTheme', 'pay'];
    expect(await lint({ 'a.graphql': sdl }, args)).toEqual({
      exitCode: 0,
      stdout: '0 of 3 mutations without @requiresIdempotencyKey (allowed: setTheme, ship)\n',
      stderr: '',
    });
    const protectedOnly = 'type Mutation { pay: Int @requiresIdempotencyKey }';
    expect(await lint({ 'b.graphql': protectedOnly }, ['--schema', 'b.graphql'])).toMatchObject({
      exitCode: 0,
      stdout: '0 of 1 mutations without @requiresIdempotencyKey\n',
    });
  });

  it('--json prints the same for programs', async () => {
    const { exitCode, stdout } = await lint({}, ['--schema', '-', '--json', '--allow', 'ship'], sdl);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      mutations: 3,
      unprotected: [{ name: 'setTheme', file: '<stdin>', line: 5, column: 3 }],
      allowed: ['ship'],
    });
  });

  it('reads several files as one schema, also when one only extends the other', async () => {
    const files = {
      'root.graphql': 'schema { query: Q mutation: M } type Q { a: Int } type Mutation { notThisOne: Int }',
      'orders.graphql': 'extend type M { order(at: DateTime): Order @requiresIdempotencyKey @auth }',
      'mail.graphql': 'extend type M { subscribe: Int }',
    };
    const names = Object.keys(files);
    expect((await lint(files, ['--schema', ...names, 'mail.graphql'])).stdout).toMatch(
      /^mail.graphql:1:17 subscribe\n1 of 2 /,
    );
  });

  it('agrees with unprotectedMutations on the schema that a server builds', async () => {
    const schema = buildSchema(`${idempotencyDirectives} ${sdl} extend type Mutation { log: Int }`);
    const { stdout } = await lint(
      {},
      ['--schema', '-', '--json'],
      `${sdl} extend type Mutation { log: Int }`,
    );
    expect(JSON.parse(stdout).unprotected.map(({ name }: { name: string }) => name)).toEqual(
      unprotectedMutations(schema),
    );
  });
});

describe('latchkey lint exits with 2, and says why, for', () => {
  it.each<[string, Record<string, string>, string[], string]>([
    ['a file that is not there', {}, ['--schema', 'none.graphql'], 'error: none.graphql: no such file\n'],
    ['a folder', {}, ['--schema', '.'], 'error: .: EISDIR: illegal operation on a directory, read\n'],
    [
      'a syntax error',
      { 'bad.graphql': 'type Mutation {\n  pay(: Int\n}' },
      ['--schema', 'bad.graphql'],
      'error: bad.graphql:2:7 Syntax Error: Expected Name, found ":".\n',
    ],
    [
      'an empty file',
      { 'empty.graphql': '\n' },
      ['--schema', 'empty.graphql'],
      'error: empty.graphql:2:1 Syntax Error: Unexpected <EOF>.\n',
    ],
    [
      'a schema without mutations',
      { 'read.graphql': 'type Query { ok: Int }' },
      ['--schema', 'read.graphql'],
      'error: read.graphql: no mutations\n',
    ],
    [
      'a schema that names no mutation type',
      { 'named.graphql': 'schema { query: Query } type Query { a: Int } type Mutation { pay: Int }' },
      ['--schema', 'named.graphql'],
      'error: named.graphql: no mutations\n',
    ],
    [
      'a name after --allow that is no mutation',
      { 'a.graphql': sdl },
      ['--schema', 'a.graphql', '--allow', 'setTheem'],
      'error: --allow setTheem: no such mutation; there are pay, setTheme, ship\n',
    ],
    ['no schema', {}, [], "error: required option '--schema <file...>' not specified\n"],
    [
      'an unknown option',
      {},
      ['--schema', 'a', '--scheme', 'a'],
      "error: unknown option '--scheme'\n(Did you mean --schema?)\n",
    ],
  ])('%s', async (_, files, args, stderr) => {
    expect(await lint(files, args)).toEqual({ exitCode: 2, stdout: '', stderr });
  });
});
