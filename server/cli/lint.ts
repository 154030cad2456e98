import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { DeclaredMutation, SchemaFile } from '../../plugin/graphql/schema/declared-mutations.ts';
import type { DescribedOperation } from '../engine/described-operation.ts';
import { withExamples } from './examples.ts';
import { operationsTable } from './operations-table.ts';
import { loadModule } from './session/load-module.ts';
import type { Terminal } from './terminal/terminal.ts';

interface Options {
  readonly schema?: readonly string[];
  readonly options?: string;
  readonly router?: string;
  readonly allow?: readonly string[];
  readonly json?: boolean;
  readonly markdown?: boolean;
}

/** A mutation may have a place in a file, where the API is one of files. */
type Mutation = Pick<DeclaredMutation, 'name'> & Partial<DeclaredMutation>;

/** An API as it was found. */
interface Api {
  /** What a mutation lacks that lets calls without a key pass. */
  readonly lacks: string;
  readonly mutations: readonly Mutation[];
  readonly open: readonly Mutation[];
  describe(): Promise<readonly DescribedOperation[]>;
}

const EXAMPLES = [
  'latchkey lint --schema schema.graphql --allow setTheme',
  'latchkey lint --router ./dist/router.js',
  'latchkey lint --schema schema.graphql --options ./dist/idempotency-options.js --markdown',
  'latchkey lint --router ./dist/router.js --markdown > docs/operations.md',
];
const MORE = `The module of --options exports what useIdempotency gets, as its default or as options:
  export const options = { idempotency, scope: ({ context }) => context.user?.id, fields: { chargeCard: { require: true } } }
The module of --router exports the router, as its default or as appRouter. Modules of TypeScript want a loader:
  NODE_OPTIONS="--import tsx" latchkey lint --router ./router.ts --markdown`;

/**
 * `latchkey lint`: exit code 0 when each mutation requires a key or is allowed not to, 1 when one does not, 2 on bad input. With
 * `--markdown` it judges nothing.
 */
export function lint(program: Command, terminal: Terminal): void {
  const command = program
    .command('lint')
    .summary(
      'list the mutations of an API that do not require an idempotency key, or tell its callers of keys',
    )
    .description(
      'Lists the mutations of a GraphQL schema that do not carry @requiresIdempotencyKey, or those of a tRPC router without idempotent(). ' +
        'Exits with 1 when there are any, 2 on bad input. With --markdown it prints a table for the people who call the API instead, and exits with 0.',
    )
    .option('--schema <file...>', 'SDL, of one schema in one file or several; - is standard input')
    .addOption(new Option('--router <module>', 'a module that exports a tRPC router').conflicts('schema'))
    .addOption(
      new Option(
        '--options <module>',
        'a module that exports the options of useIdempotency, for --markdown',
      ).conflicts('router'),
    )
    .option('--allow <name...>', 'mutations that need no key')
    .option('--json', 'print what was found as JSON')
    .addOption(
      new Option('--markdown', 'print what a key does for each operation, as a table of Markdown').conflicts([
        'json',
        'allow',
      ]),
    )
    .action(async (options: Options, command: Command) => {
      try {
        await run(options, terminal);
      } catch (error) {
        command.error(`error: ${error instanceof Error ? error.message : String(error)}`);
      }
    });
  withExamples(command, EXAMPLES, MORE);
}

async function run(options: Options, terminal: Terminal): Promise<void> {
  if (options.options && !options.markdown) {
    throw new Error(
      'expected --markdown beside --options: only the table shows them, and without it @requiresIdempotencyKey alone counts',
    );
  }
  const api = await find(options, terminal);
  const { allow = [] } = options;
  if (options.markdown) terminal.out(operationsTable(await api.describe()));
  else {
    const findings = look(api, allow);
    terminal.out(options.json ? asJson(findings) : asText(findings));
    if (findings.unprotected.length > 0) terminal.refuse();
  }
  // A module that was loaded may have opened a connection.
  if (options.router || options.options) await terminal.end();
}

function find({ router, schema, options }: Options, terminal: Terminal): Promise<Api> {
  if (router) return ofRouter(router);
  if (schema) return ofSchema(schema, options, terminal);
  throw new Error('expected --schema <file...>, or --router <module>');
}

async function ofSchema(
  names: readonly string[],
  options: string | undefined,
  terminal: Terminal,
): Promise<Api> {
  const files: SchemaFile[] = [];
  for (const name of new Set(names)) files.push(await read(name, terminal));
  // Only now: whoever has no GraphQL server need not have its package.
  const { declaredMutations } = await import('../../plugin/graphql/schema/declared-mutations.ts');
  const mutations = declaredMutations(files);
  if (mutations.length === 0) throw new Error(`${files.map(({ name }) => name).join(', ')}: no mutations`);
  return {
    lacks: '@requiresIdempotencyKey',
    mutations,
    open: mutations.filter(({ requiresKey }) => !requiresKey),
    async describe() {
      const { describedMutations } = await import('../../plugin/graphql/described-mutations.ts');
      if (options === undefined) {
        terminal.note('No --options: the table shows the defaults of createIdempotency');
        return describedMutations(mutations, undefined);
      }
      const { default: byDefault, options: given = byDefault } = await loadModule('--options', options);
      if (given === undefined) {
        throw new Error(
          `Expected --options ${options} to export the options of useIdempotency, by default or as options`,
        );
      }
      return describedMutations(mutations, given);
    },
  };
}

async function ofRouter(name: string): Promise<Api> {
  const { default: byDefault, appRouter = byDefault } = await loadModule('--router', name);
  if (appRouter === undefined) {
    throw new Error(`Expected --router ${name} to export a tRPC router, by default or as appRouter`);
  }
  const { describedProcedures } = await import('../../plugin/trpc/described-procedures.ts');
  const operations = await describedProcedures(appRouter);
  if (operations.length === 0) throw new Error(`${name}: no mutations`);
  return {
    lacks: 'idempotent()',
    mutations: operations,
    open: operations.filter(({ key }) => key === 'none'),
    describe: async () => operations,
  };
}

interface Findings extends Pick<Api, 'lacks' | 'mutations'> {
  readonly unprotected: readonly Mutation[];
  readonly allowed: readonly string[];
}

function look({ lacks, mutations, open }: Api, allow: readonly string[]): Findings {
  for (const name of allow) {
    if (mutations.some((mutation) => mutation.name === name)) continue;
    throw new Error(`--allow ${name}: no such mutation; there are ${mutations.map(nameOf).join(', ')}`);
  }
  return {
    lacks,
    mutations,
    unprotected: open.filter(({ name }) => !allow.includes(name)),
    allowed: open.map(nameOf).filter((name) => allow.includes(name)),
  };
}

async function read(name: string, terminal: Terminal): Promise<SchemaFile> {
  if (name === '-') return { name: '<stdin>', text: await terminal.input() };
  try {
    return { name, text: await readFile(name, 'utf8') };
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new Error(`${name}: ${code === 'ENOENT' ? 'no such file' : message}`, { cause });
  }
}

function asText({ lacks, mutations, unprotected, allowed }: Findings): string {
  const places = unprotected.map(({ name, file, line, column }) =>
    file === undefined ? name : `${file}:${line}:${column} ${name}`,
  );
  const count = `${unprotected.length} of ${mutations.length} mutations without ${lacks}`;
  const hint = unprotected.length > 0 ? '; name those that need no key after --allow' : '';
  const but = allowed.length > 0 ? ` (allowed: ${allowed.join(', ')})` : '';
  return [...places, count + but + hint].join('\n');
}

function asJson({ mutations, unprotected, allowed }: Findings): string {
  const found = unprotected.map(({ name, file, line, column }) => ({ name, file, line, column }));
  return JSON.stringify({ mutations: mutations.length, unprotected: found, allowed }, null, 2);
}

const nameOf = ({ name }: Mutation) => name;
