import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { DeclaredMutation, SchemaFile } from '../../plugin/graphql/schema/declared-mutations.ts';

interface Options {
  readonly schema: readonly string[];
  readonly allow?: readonly string[];
  readonly json?: boolean;
}

interface Findings {
  readonly mutations: readonly DeclaredMutation[];
  readonly unprotected: readonly DeclaredMutation[];
  readonly allowed: readonly string[];
}

/** `latchkey lint`: exit code 0 when each mutation requires a key or is allowed not to, 1 when one does not, 2 on bad input. */
export function lint(program: Command): void {
  program
    .command('lint')
    .summary('list the mutations of a GraphQL schema that do not require an idempotency key')
    .description(
      'Lists the mutations of a GraphQL schema that do not carry @requiresIdempotencyKey. Exits with 1 when there are any, 2 on bad input.',
    )
    .requiredOption('--schema <file...>', 'SDL, of one schema in one file or several; - is standard input')
    .option('--allow <name...>', 'mutations that need no key')
    .option('--json', 'print what was found as JSON')
    .action(async (options: Options, command: Command) => {
      try {
        const findings = await look(options);
        console.log(options.json ? asJson(findings) : asText(findings));
        if (findings.unprotected.length > 0) process.exitCode = 1;
      } catch (error) {
        command.error(`error: ${error instanceof Error ? error.message : String(error)}`);
      }
    });
}

async function look({ schema, allow = [] }: Options): Promise<Findings> {
  const files: SchemaFile[] = [];
  for (const name of new Set(schema)) files.push(await read(name));
  // Only now: whoever has no GraphQL server need not have its package.
  const { declaredMutations } = await import('../../plugin/graphql/schema/declared-mutations.ts');
  const mutations = declaredMutations(files);
  if (mutations.length === 0) throw new Error(`${files.map(({ name }) => name).join(', ')}: no mutations`);
  for (const name of allow) {
    if (mutations.some((mutation) => mutation.name === name)) continue;
    throw new Error(`--allow ${name}: no such mutation; there are ${mutations.map(nameOf).join(', ')}`);
  }
  const open = mutations.filter(({ requiresKey }) => !requiresKey);
  return {
    mutations,
    unprotected: open.filter(({ name }) => !allow.includes(name)),
    allowed: open.map(nameOf).filter((name) => allow.includes(name)),
  };
}

async function read(name: string): Promise<SchemaFile> {
  if (name === '-') return { name: '<stdin>', text: await text(process.stdin) };
  try {
    return { name, text: await readFile(name, 'utf8') };
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new Error(`${name}: ${code === 'ENOENT' ? 'no such file' : message}`, { cause });
  }
}

function asText({ mutations, unprotected, allowed }: Findings): string {
  const places = unprotected.map(({ name, file, line, column }) => `${file}:${line}:${column} ${name}`);
  const count = `${unprotected.length} of ${mutations.length} mutations without @requiresIdempotencyKey`;
  const hint = unprotected.length > 0 ? '; name those that need no key after --allow' : '';
  const but = allowed.length > 0 ? ` (allowed: ${allowed.join(', ')})` : '';
  return [...places, count + but + hint].join('\n');
}

function asJson({ mutations, unprotected, allowed }: Findings): string {
  const found = unprotected.map(({ name, file, line, column }) => ({ name, file, line, column }));
  return JSON.stringify({ mutations: mutations.length, unprotected: found, allowed }, null, 2);
}

const nameOf = ({ name }: DeclaredMutation) => name;
