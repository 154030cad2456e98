import { type Command, Option } from 'commander';
import { anIdempotency, internalsOf } from '../../adapter/internals.ts';
import type { Seen } from '../../admin/contract/contract.ts';
import { checkDashboardOptions, type DashboardOptions } from '../../admin/dashboard-options.ts';
import type { Rerunner } from '../../admin/rerunners/rerunner.ts';
import { loadModule } from './load-module.ts';

/** What the module of `--rerunners` exports: what `createDashboard` is given in the server. */
export type LoadedRerunners = Pick<DashboardOptions, 'idempotency' | 'probes' | 'redact'> & {
  readonly rerunners: readonly Rerunner[];
};

/** Adds the option that names a module with the rerunners of the server. */
export function withRerunners(command: Command): Command {
  return command.addOption(
    new Option(
      '--rerunners <module>',
      'a module that exports `rerunners` and `idempotency`, and may export `probes` and `redact`, as the dashboard of your server has them',
    ).env('LATCHKEY_RERUNNERS'),
  );
}

/** @throws Error that says what the module lacks, or why it could not be loaded */
export async function loadRerunners(name: string | undefined): Promise<LoadedRerunners | undefined> {
  if (name === undefined) return undefined;
  const exported: Partial<LoadedRerunners> = await loadModule('--rerunners', name);
  const { rerunners, idempotency, probes, redact } = exported;
  if (!Array.isArray(rerunners) || rerunners.length === 0)
    throw new Error(
      `Expected --rerunners ${name} to export \`rerunners\`, an array of what createGraphQLRerunner and its kin make`,
    );
  if (!idempotency || !anIdempotency.accepts(idempotency))
    throw new Error(
      `Expected --rerunners ${name} to export \`idempotency\`, the one that the rerunners' server has: a re-run goes by its keys`,
    );
  const loaded: LoadedRerunners = {
    ...{ rerunners, idempotency },
    ...(probes !== undefined && { probes }),
    ...(redact !== undefined && { redact }),
  };
  try {
    checkDashboardOptions({ ...loaded, authorize: () => null });
  } catch (error) {
    throw new Error(`--rerunners ${name}: ${(error as Error).message}`, { cause: error });
  }
  return loaded;
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
    import('../../admin/collections/require-mongo-store.ts'),
    import('../../admin/collections/records.ts'),
    import('../../admin/keys/read-stored.ts'),
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
