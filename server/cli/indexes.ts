import type { Command } from 'commander';
import type { ShardingCommands } from '../mongodb/sharding.ts';
import { withExamples } from './examples.ts';
import { type ConnectionOptions, connect, orError, withConnection } from './session/connection.ts';

interface Options extends ConnectionOptions {
  readonly create?: boolean;
  readonly sharded?: boolean;
  readonly json?: boolean;
}

/** `latchkey indexes`: exit code 0 when all that is needed is there, 1 when something is missing or in the way, 2 on failure. */
export function indexes(program: Command): void {
  const command = withConnection(program.command('indexes'))
    .summary('check the indexes of the keys, or make them')
    .description('Says which indexes are missing and which are in the way, with the command that mends it.')
    .option('--create', 'make those that are missing')
    .option('--sharded', 'also print the commands that shard the collection')
    .option('--json', 'print what was found as JSON')
    .action((options: Options, command: Command) => orError(command, () => run(options)));
  withExamples(command, [
    'latchkey indexes || exit 1    # in a deployment, before the new release takes traffic',
    'latchkey indexes --create',
    'latchkey indexes --sharded --json | jq -r .sharding.shard',
  ]);
}

async function run({ create = false, sharded = false, json = false, ...options }: Options): Promise<void> {
  const [{ Collection }, { createIndexesCommand, inspectIndexes, shell }, { shardingCommands }] =
    await Promise.all([
      import('../mongodb/database.ts'),
      import('../mongodb/indexes.ts'),
      import('../mongodb/sharding.ts'),
    ]);
  await using connection = await connect(options);
  const { db, collection: name } = connection.store;
  const collection = new Collection(db, name);
  const before = await inspectIndexes(collection);
  const isMade = create && before.conflicts.length === 0 && before.missing.length > 0;
  if (isMade) await collection.run({ ...createIndexesCommand(collection, before.missing), ...MAJORITY });
  const { conflicts, missing } = isMade ? await inspectIndexes(collection) : before;
  const fix = missing.length > 0 ? shell(collection, createIndexesCommand(collection, missing)) : null;
  const sharding = sharded ? shardingCommands(collection) : undefined;
  if (json) console.log(JSON.stringify({ conflicts, missing, fix, sharding }, null, 2));
  else
    console.log(
      [asText(conflicts, missing, fix), ...(sharding ? [shardingText(sharding)] : [])].join('\n\n'),
    );
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

/** A text that mongosh takes as it is: what is only an example is a comment. */
function shardingText({ shard, zones }: ShardingCommands): string {
  return [
    '// To shard the collection, once all indexes are there: run this with mongosh, at a mongos.',
    shard,
    '// Zones, if you want the keys of some scopes on shards of their own; here those of the scope "eu" and of all below it:',
    ...zones.map((command) => `// ${command}`),
  ].join('\n');
}
