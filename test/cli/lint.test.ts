import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idempotencyDirectives, unprotectedMutations } from '../../plugin/graphql/index.ts';
import { bundled } from '../support/bundled.ts';
import { callCli } from '../support/call-cli.ts';
import { runCli } from '../support/cli.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-lint-'));
  process.chdir(folder);
});
const home = process.cwd();
afterAll(async () => {
  process.chdir(home);
  await rm(folder, { recursive: true });
});

/** Runs `latchkey lint` in a folder that holds these files. */
async function lint(files: Record<string, string>, args: readonly string[], input = '') {
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const { code, out, err } = await callCli(['lint', ...args], { input });
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
    // The command is a process here, for a pipeline looks at its exit code.
    const { code, out } = await runCli(['lint', '--schema', '-', '--json', '--allow', 'ship'], {
      input: sdl,
    });
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({
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

const modules = {
  options: bundled(new URL('./lint-modules/options.ts', import.meta.url)),
  router: bundled(new URL('./lint-modules/router.ts', import.meta.url)),
};

/** The cells of a table of Markdown, by the name of the operation and of the column. */
function tableOf(markdown: string) {
  const [head = [], , ...rows] = markdown
    .trim()
    .split('\n')
    .map((line) => line.split(/(?<!\\) ?\| ?/).slice(1, -1));
  return Object.fromEntries(
    rows.map(([name = '', ...cells]) => [
      name.slice(1, -1),
      Object.fromEntries(cells.map((cell, at) => [head[at + 1], cell])),
    ]),
  );
}

describe('latchkey lint --markdown', () => {
  it('tells what a key does for each mutation of a schema, by the options of useIdempotency', async () => {
    const args = ['--schema', 'a.graphql', '--options', modules.options, '--markdown'];
    const { exitCode, stdout, stderr } = await lint({ 'a.graphql': sdl }, args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(tableOf(stdout)).toEqual({
      pay: {
        key: 'required',
        'answer kept for': '7 days',
        'a duplicate meanwhile': 'waits, up to 30 seconds',
        'a retry afterwards gets': 'the same answer',
        'a retry has to repeat': 'all of the input',
        'if the server crashes half-way': 'in doubt until somebody decides (IDEMPOTENCY_IN_DOUBT)',
      },
      setTheme: {
        key: 'required of some callers',
        'answer kept for': '90 minutes',
        'a duplicate meanwhile': 'is refused at once (IDEMPOTENCY_IN_PROGRESS)',
        'a retry afterwards gets': 'the same answer',
        'a retry has to repeat': 'all of the input',
        'if the server crashes half-way': 'a retry goes on',
      },
      ship: {
        key: 'optional, a UUID',
        'answer kept for': '7 days',
        'a duplicate meanwhile': 'waits, up to 30 seconds',
        'a retry afterwards gets': 'only that it ran (IDEMPOTENCY_RESULT_NOT_RETAINED)',
        'a retry has to repeat': 'all of the input but `to`',
        'if the server crashes half-way': 'nothing is kept, and a retry runs',
      },
    });
  });

  it('shows the defaults without options, and says so', async () => {
    const { exitCode, stdout, stderr } = await lint({}, ['--schema', '-', '--markdown'], sdl);
    expect(exitCode).toBe(0);
    expect(stderr).toBe('No --options: the table shows the defaults of createIdempotency\n');
    expect(tableOf(stdout)).toMatchObject({
      pay: {
        key: 'required',
        'answer kept for': '24 hours',
        'a duplicate meanwhile': 'waits, up to 10 seconds',
      },
      ship: { key: 'optional' },
    });
  });

  it('tells the same of the mutations of a tRPC router', async () => {
    const { exitCode, stdout, stderr } = await lint({}, ['--router', modules.router, '--markdown']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(tableOf(stdout)).toMatchObject({
      pay: {
        key: 'required',
        'answer kept for': 'a time that depends on the result',
        'a retry afterwards gets':
          'the same answer, or only that it ran where the answer held a secret (IDEMPOTENCY_RESULT_NOT_RETAINED)',
        'a retry has to repeat': 'what the server compares',
        'if the server crashes half-way': 'a retry asks what happened',
      },
      'nested.a\\|b': { key: 'optional', 'answer kept for': '24 hours; may depend on the call' },
      setTheme: { key: 'has no effect', 'answer kept for': '' },
    });
    expect(stdout).not.toContain('read');
  });
});

describe('latchkey lint --router', () => {
  it('looks at a module of TypeScript where Node.js is given a loader', async () => {
    const module = fileURLToPath(new URL('./lint-modules/router.ts', import.meta.url));
    const env = { NODE_OPTIONS: `--import ${import.meta.resolve('tsx')}` };
    const { code, out } = await runCli(['lint', '--router', module], { env });
    expect([code, out]).toEqual([1, expect.stringMatching(/^setTheme\n1 of 3 /)]);
  });

  it('names the mutations without idempotent(), and exits with 1', async () => {
    expect(await lint({}, ['--router', modules.router])).toEqual({
      exitCode: 1,
      stdout: 'setTheme\n1 of 3 mutations without idempotent(); name those that need no key after --allow\n',
      stderr: '',
    });
  });

  it('exits with 0 when each one has it or is allowed not to', async () => {
    const { exitCode, stdout } = await lint({}, [
      '--router',
      modules.router,
      '--allow',
      'setTheme',
      '--json',
    ]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ mutations: 3, unprotected: [], allowed: ['setTheme'] });
  });
});

it('latchkey lint --help shows how each is called', async () => {
  const { exitCode, stdout } = await lint({}, ['--help']);
  expect(exitCode).toBe(0);
  for (const option of ['--allow setTheme', '--options ./dist/', '--router ./dist/router.js --markdown'])
    expect(stdout).toMatch(new RegExp(`^  \\$ latchkey lint .*${option}`, 'm'));
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
    ['nothing to look at', {}, [], 'error: expected --schema <file...>, or --router <module>\n'],
    [
      'options where no table shows them',
      { 'a.graphql': sdl },
      ['--schema', 'a.graphql', '--options', modules.options],
      'error: expected --markdown beside --options: only the table shows them, and without it @requiresIdempotencyKey alone counts\n',
    ],
    [
      'a module that is not there',
      {},
      ['--router', './none.js'],
      'error: --router ./none.js: no such module\n',
    ],
    [
      'a module that exports no router',
      { 'empty.mjs': 'export const x = 1' },
      ['--router', './empty.mjs'],
      'error: Expected --router ./empty.mjs to export a tRPC router, by default or as appRouter\n',
    ],
    [
      'a default export that is no router',
      { 'five.mjs': 'export default 5' },
      ['--router', './five.mjs', '--markdown'],
      'error: Expected a tRPC router, got 5\n',
    ],
    [
      'options without an idempotency',
      { 'a.graphql': sdl, 'options.mjs': 'export default { scope: () => "ada" }' },
      ['--schema', 'a.graphql', '--options', './options.mjs', '--markdown'],
      'error: Expected `idempotency` to be what createIdempotency(...) returns, or a function that gives it for a call, got undefined\n',
    ],
    [
      'options for a mutation that the schema does not have',
      { 'b.graphql': 'type Mutation { pay: Int }' },
      ['--schema', 'b.graphql', '--options', modules.options, '--markdown'],
      'error: Expected `fields.setTheme` to name a mutation of the schema, which has pay\n',
    ],
    [
      'a schema and a router at once',
      {},
      ['--schema', 'a.graphql', '--router', './router.js'],
      "error: option '--router <module>' cannot be used with option '--schema <file...>'\n",
    ],
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
