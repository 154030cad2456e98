import { hostname } from 'node:os';
import { internalsOf } from '../adapter/internals.ts';
import type { BodyText, KeyDetail, Preview } from '../admin/contract/contract.ts';
import type { Actor } from '../admin/contract/operator.ts';
import type { RefusalCode } from '../admin/contract/refusal.ts';
import type { AdminServices } from '../admin/services/services.ts';
import { type Connection, type ConnectionOptions, connect, peer } from './connection.ts';
import { osUser } from './os-user.ts';

export interface Target {
  readonly scope?: string;
  readonly key?: string;
  readonly json?: boolean;
}

export interface KeysSession extends AsyncDisposable {
  readonly services: AdminServices;
  readonly operator: Actor;
}

/**
 * @param by the name that the audit gets; who ran the command stands beside it
 * @throws Error when there is no such collection: what was meant is another one
 */
export async function openSession(options: ConnectionOptions, by = osUser()): Promise<KeysSession> {
  const { openDashboard } = await peer('@trpc/server', () => import('../admin/services/open-dashboard.ts'));
  const connection: Connection = await connect(options);
  const { db, collection } = connection.store;
  try {
    await requireCollection(connection);
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
  const bodyAccess = internalsOf(connection.idempotency);
  const policy = bodyAccess.policy();
  return {
    services: openDashboard({
      db,
      collection,
      policy,
      readOnly: false,
      rerunners: [],
      bodyAccess,
      // A command runs no jobs.
      wakeJobs() {},
    }),
    operator: { id: by, role: 'admin', via: `command line, as ${osUser()} on ${hostname()}` },
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

/** Finds a key; undefined, and exit code 1, when there is none. */
export async function findKey(
  { services, operator }: KeysSession,
  id: string | undefined,
  { scope, key, json }: Target,
): Promise<KeyDetail | undefined> {
  const [{ listKeys }, { findDetail }, { isObjectId }] = await Promise.all([
    import('../admin/keys/list.ts'),
    import('../admin/commands/find-detail.ts'),
    import('../admin/collections/records.ts'),
  ]);
  if ((id === undefined) === (scope === undefined || key === undefined))
    throw new Error('Expected an id, or --scope and --key');
  if (id !== undefined && !isObjectId(id)) throw new Error(`Expected an id of 24 digits, got ${id}`);
  const { rows } =
    id === undefined
      ? await listKeys(services.records, { filter: { scope: scope as string, key: key as string } })
      : { rows: [{ id }] };
  const found = rows[0]?.id;
  const detail = found === undefined ? undefined : await findDetail(services, operator, found);
  if (!detail) refuse(json, { why: 'There is no such key' });
  return detail;
}

export interface ShownKey extends KeyDetail {
  readonly request: BodyText | null;
  readonly response: BodyText | null;
  /** Says what a retry would get now. */
  readonly preview: Preview;
}

/** Adds a key's bodies as the dashboard shows them: secrets are hidden, and long texts are cut. */
export async function withTexts({ services }: KeysSession, detail: KeyDetail): Promise<ShownKey> {
  const { readBody } = await import('../admin/bodies/read-body.ts');
  const { records, secrets, open, policy } = services;
  const { readPreview } = await import('../admin/keys/preview.ts');
  const preview = await readPreview(records, detail.id, { scopes: undefined, life: undefined, policy });
  if (!preview) throw new Error('The key has gone meanwhile');
  const read = async (part: 'request' | 'response') =>
    (detail[part] && (await readBody(records, detail.id, { part, extent: 'beginning', secrets, open }))) ??
    null;
  return { ...detail, preview, request: await read('request'), response: await read('response') };
}

interface Refusal {
  readonly why: string;
  /** The code is that of an action's refusal. */
  readonly code?: RefusalCode;
}

export function refuse(json: boolean | undefined, { why, code }: Refusal): void {
  process.exitCode = 1;
  if (json) console.log(JSON.stringify({ done: false, why, code }));
  else console.error(`Refused: ${why}`);
}

export function print(json: boolean | undefined, value: unknown, text: () => string): void {
  console.log(json ? JSON.stringify(value, null, 2) : text());
}
