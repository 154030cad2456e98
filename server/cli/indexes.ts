import type { Command } from 'commander';
import { type ConnectionOptions, connect, orError, withConnection } from './connection.ts';

interface Options extends ConnectionOptions {
  readonly create?: boolean;
  readonly json?: boolean;
}

/** `latchkey indexes`: exit code 0 when all that is needed is there, 1 when something is missing or in the way, 2 on failure. */
export function indexes(program: Command): void {
  withConnection(program.command('indexes'))
    .summary('check the indexes of the keys, or make them')
    .description('Says which indexes are missing and which are in the way, with the command that mends it.')
    .option('--create', 'make those that are missing')
    .option('--json', 'print what was found as JSON')
    .action((options: Options, command: Command) => orError(command, () => run(options)));
}

async function run({ create = false, json = false, ...options }: Options): Promise<void> {
  const [{ Collection }, { createIndexesCommand, inspectIndexes, shell }] = await Promise.all([
    import('../mongodb/database.ts'),
    import('../mongodb/indexes.ts'),
  ]);
  await using connection = await connect(options);
  const { db, collection: name } = connection.store;
  const collection = new Collection(db, name);
  const before = await inspectIndexes(collection);
  const isMade = create && before.conflicts.length === 0 && before.missing.length > 0;
  if (isMade) await collection.run({ ...createIndexesCommand(collection, before.missing), ...MAJORITY });
  const { conflicts, missing } = isMade ? await inspectIndexes(collection) : before;
  const fix = missing.length > 0 ? shell(collection, createIndexesCommand(collection, missing)) : null;
  if (json) console.log(JSON.stringify({ conflicts, missing, fix }, null, 2));
  else console.log(asText(conflicts, missing, fix));
  if (conflicts.length > 0 || missing.length > 0) process.exitCode = 1;
}

const MAJORITY = { writeConcern: { w: 'majority' } };

function asText(
  conflicts: readonly string[],
  missing: readonly { name: string }[],
  fix: string | null,
): string {
  if (conflicts.length === 0 && fix === null) return 'All indexes are there.';
  const lines = missing.map(({ name }) => `Missing: ${name}`);
  return [...conflicts, ...lines, ...(fix === null ? [] : [`Fix: ${fix}, or --create`])].join('\n');
}
