import { hostname } from 'node:os';
import type { Command } from 'commander';
import { internalsOf } from '../../adapter/internals.ts';
import type { AdminCaller, RefusedCall } from '../../admin/api/caller.ts';
import type { KeyDetail } from '../../admin/contract/contract.ts';
import type { Actor } from '../../admin/contract/operator.ts';
import type { AdminServices } from '../../admin/services/services.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { type Connection, type ConnectionOptions, connect, orError, peer } from './connection.ts';
import { osUser } from './os-user.ts';
import { loadRerunners } from './rerunners.ts';

export interface SessionOptions extends ConnectionOptions {
  /** The audit gets this name; who ran the command stands beside it. */
  readonly by?: string;
  readonly rerunners?: string;
  readonly json?: boolean;
}

export interface KeysSession extends AsyncDisposable {
  /** The API of the dashboard's page: the rules of a command are its rules. */
  readonly api: AdminCaller;
  readonly services: AdminServices;
  readonly operator: Actor;
}

/**
 * Runs a command's work on the keys of a collection. A refusal is said, with exit code 1; what else is thrown is one line, and exit code 2.
 */
export async function inSession(
  terminal: Terminal,
  command: Command,
  options: SessionOptions,
  work: (session: KeysSession) => Promise<void>,
): Promise<void> {
  await orError(command, async () => {
    const { refusalIn } = await peer('@trpc/server', () => import('../../admin/api/caller.ts'));
    try {
      await using session = await openSession(options);
      await work(session);
    } catch (error) {
      const refusal = refusalIn(error);
      if (!refusal) throw error;
      refuse(terminal, options.json, refusal);
    }
  });
  // A module that was loaded may have opened a connection.
  if (options.rerunners !== undefined) await terminal.end();
}

/** @throws Error when there is no such collection: what was meant is another one */
async function openSession({ by = osUser(), ...options }: SessionOptions): Promise<KeysSession> {
  const [{ openDashboard }, { callerOf }] = await Promise.all([
    import('../../admin/services/open-dashboard.ts'),
    import('../../admin/api/caller.ts'),
  ]);
  const loaded = await loadRerunners(options.rerunners);
  const connection: Connection = await connect(options);
  const { db, collection } = connection.store;
  try {
    await requireCollection(connection);
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
  // The server's own `Idempotency` knows its cipher and its policy, too.
  const bodyAccess = internalsOf(loaded?.idempotency ?? connection.idempotency);
  const services = openDashboard({
    db,
    collection,
    policy: bodyAccess.policy(),
    readOnly: false,
    rerunners: loaded?.rerunners ?? [],
    probes: loaded?.probes,
    redact: loaded?.redact,
    bodyAccess,
    // A command that starts a job runs it itself.
    wakeJobs() {},
  });
  const operator: Actor = { id: by, role: 'admin', via: `command line, as ${osUser()} on ${hostname()}` };
  return {
    services,
    operator,
    api: callerOf({ services, operator }),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

/** Refuses a collection that is not there: it is made with its indexes before the first key, so its name must be wrong. */
async function requireCollection({ store: { db, collection } }: Connection): Promise<void> {
  const list = async (filter: object) => {
    const command = { listCollections: 1, nameOnly: true, authorizedCollections: true, filter };
    const { cursor } = await db.command(command);
    return (cursor as { firstBatch: { name: string }[] }).firstBatch.map(({ name }) => name);
  };
  if ((await list({ name: collection })).length > 0) return;
  const names = await list({});
  const known = names.length === 0 ? 'it has none' : `it has ${names.sort().slice(0, 10).join(', ')}`;
  throw new Error(
    `Expected the database ${db.databaseName} to have the collection ${collection}, but ${known}: check --db and --collection`,
  );
}

export interface Target {
  readonly scope?: string;
  readonly key?: string;
}

/** Adds what names the key of a command. */
export function withTarget(command: Command): Command {
  return command
    .argument('[id]', "the id of the key's record, as `keys list` and errors (`recordId`) have it")
    .option('--scope <text>', 'names the key together with --key, instead of an id')
    .option('--key <text>', 'names the key together with --scope, as the client sent it')
    .option('--json', 'print JSON, a refusal too');
}

/** Finds the key that a command names. It is refused when there is none. */
export async function findKey(
  { api }: KeysSession,
  id: string | undefined,
  { scope, key }: Target,
): Promise<KeyDetail> {
  if ((id === undefined) === (scope === undefined || key === undefined))
    throw new Error('Expected an id, or --scope and --key');
  if (id !== undefined && !/^[0-9a-f]{24}$/.test(id))
    throw new Error(
      `Expected an id of 24 digits, got ${id}: \`latchkey keys find\` takes what a customer or a log gives`,
    );
  const found = id === undefined ? await api.keys.by({ scope: scope as string, key: key as string }) : { id };
  return api.keys.get({ id: found.id });
}

export function refuse(terminal: Terminal, json: boolean | undefined, { why, code }: RefusedCall): void {
  terminal.refuse();
  if (json) terminal.out(JSON.stringify({ done: false, why, code }));
  else terminal.note(`Refused: ${why}`);
}

/** Writes a result: as JSON, or as a text for people. */
export function print(
  terminal: Terminal,
  json: boolean | undefined,
  value: unknown,
  text: () => string,
): void {
  terminal.out(json ? JSON.stringify(value, null, 2) : text());
}
