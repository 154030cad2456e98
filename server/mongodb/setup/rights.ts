import type { Collection } from '../database.ts';

const UNAUTHORIZED = 13;

/** Lists the actions that the store needs to be allowed on the collection, by MongoDB's names. */
export function actionsFor({
  indexes,
  readOnly = false,
}: {
  readonly indexes: 'create' | 'check';
  readonly readOnly?: boolean;
}): readonly string[] {
  const writes = readOnly ? [] : ['insert', 'update'];
  return ['find', ...writes, 'listIndexes', ...(indexes === 'create' ? ['createIndex'] : [])];
}

export interface Privilege {
  readonly resource: { readonly anyResource?: boolean; readonly db?: string; readonly collection?: string };
  readonly actions: readonly string[];
}

/** A `Login` says who the client is to the server. Every user may ask that of itself. */
export interface Login {
  /** Null when the client has not logged in. */
  readonly user: { readonly user: string; readonly db: string } | null;
  readonly privileges: readonly Privilege[];
}

export async function loginOf(collection: Collection): Promise<Login> {
  const { authInfo = {} } = await collection.run({ connectionStatus: 1, showPrivileges: true });
  const { authenticatedUsers, authenticatedUserPrivileges } = authInfo as {
    readonly authenticatedUsers?: readonly { readonly user: string; readonly db: string }[];
    readonly authenticatedUserPrivileges?: readonly Privilege[];
  };
  return { user: authenticatedUsers?.[0] ?? null, privileges: authenticatedUserPrivileges ?? [] };
}

/** Names the actions that these privileges do not allow on the collection. */
export function missingActions(
  privileges: readonly Privilege[],
  needed: readonly string[],
  collection: Pick<Collection, 'database' | 'name'>,
): readonly string[] {
  return needed.filter((action) => !privileges.some((privilege) => allows(privilege, action, collection)));
}

/** Writes the command that gives a user all that Latchkey needs in a database. */
export function grantReadWrite({ user, db }: NonNullable<Login['user']>, database: string): string {
  return (
    `db.getSiblingDB(${shown(db)}).grantRolesToUser(${shown(user)}, ` +
    `[{ role: "readWrite", db: ${shown(database)} }])`
  );
}

export const isUnauthorized = (error: unknown) => (error as { code?: unknown })?.code === UNAUTHORIZED;

/** Says which rights the client's user lacks, and how to give it to them. */
export async function refusalOfRights(
  collection: Collection,
  needed: readonly string[],
  error: unknown,
): Promise<string> {
  const { user, privileges } = await loginOf(collection);
  if (!user) {
    return `The server of ${collection.namespace} wants its clients to log in, and this one has no user. Fix: give the client of \`db\` a user and a password. (${messageOf(error)})`;
  }
  const missing = missingActions(privileges, needed, collection);
  // By its own account it has them all: then the server's words are all that is known.
  const lacks = missing.length > 0 ? `the right to ${missing.join(', ')}` : `a right (${messageOf(error)})`;
  return (
    `The user ${shown(user.user)} of ${shown(user.db)} lacks ${lacks} in ${collection.namespace}. ` +
    `Fix: give it the role readWrite: ${grantReadWrite(user, collection.database)}. A role of your own needs the actions ${needed.join(', ')} ` +
    'on the collection'
  );
}

/** An empty name of a resource stands for all of them. */
function allows(
  { resource, actions }: Privilege,
  action: string,
  { database, name }: Pick<Collection, 'database' | 'name'>,
): boolean {
  if (!actions.includes(action)) return false;
  if (resource.anyResource) return true;
  const isOurs = (one: string | undefined, ours: string) => one === '' || one === ours;
  return isOurs(resource.db, database) && isOurs(resource.collection, name);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const shown = (text: string) => JSON.stringify(text);
