import { type Command, Option } from 'commander';
import { anIdempotency, internalsOf } from '../adapter/internals.ts';
import type { Seen } from '../admin/contract/contract.ts';
import type { Rerunner } from '../admin/rerunners/rerunner.ts';
import type { Idempotency } from '../idempotency.ts';
import { loadModule } from './load-module.ts';

/** What the module of `--rerunners` exports: what `createDashboard` is given in the server. */
export interface LoadedRerunners {
  readonly idempotency: Idempotency;
  readonly rerunners: readonly Rerunner[];
}

/** Adds the option that names a module with the rerunners of the server. */
export function withRerunners(command: Command): Command {
  return command.addOption(
    new Option(
      '--rerunners <module>',
      'a module that exports `rerunners` and `idempotency`, as the dashboard of your server has them',
    ).env('LATCHKEY_RERUNNERS'),
  );
}

/** @throws Error that says what the module lacks, or why it could not be loaded */
export async function loadRerunners(name: string | undefined): Promise<LoadedRerunners | undefined> {
  if (name === undefined) return undefined;
  const { rerunners, idempotency } = await loadModule('--rerunners', name);
  if (!Array.isArray(rerunners) || rerunners.length === 0)
    throw new Error(
      `Expected --rerunners ${name} to export \`rerunners\`, an array of what createGraphQLRerunner and its kin make`,
    );
  if (!anIdempotency.accepts(idempotency))
    throw new Error(
      `Expected --rerunners ${name} to export \`idempotency\`, the one that the rerunners' server has: a re-run goes by its keys`,
    );
  return { rerunners, idempotency: idempotency as Idempotency };
}

/**
 * Makes sure that the rerunners' server has the key which the command is about. With another database it would run the request without
 * that key, and the released key would let it run once more.
 * @throws Error when its record is another one
 */
export async function requireSameKeys(name: string | undefined, seen: Seen): Promise<void> {
  const loaded = await loadRerunners(name);
  if (!loaded) return;
  const [{ requireMongoStore }, { Records }, { readStored }] = await Promise.all([
    import('../admin/collections/require-mongo-store.ts'),
    import('../admin/collections/records.ts'),
    import('../admin/keys/read-stored.ts'),
  ]);
  const { store } = internalsOf(loaded.idempotency);
  const { db, collection } = requireMongoStore(store);
  const found = await readStored(new Records(db, collection), seen.id);
  const { life, owner, fence } = found?.record ?? {};
  if (String(life) === seen.life && owner === seen.owner && String(fence) === seen.fence) return;
  throw new Error(
    `Expected \`idempotency\` of --rerunners ${name} to have the key that --uri and --db lead to, but ${db.databaseName}.${collection} of its server has another one or none`,
  );
}
