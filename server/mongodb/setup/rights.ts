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

interface Privilege {
  readonly resource: { readonly anyResource?: boolean; readonly db?: string; readonly collection?: string };
  readonly actions: readonly string[];
}

interface AuthInfo {
  readonly authenticatedUsers?: readonly { readonly user: string; readonly db: string }[];
  readonly authenticatedUserPrivileges?: readonly Privilege[];
}

export const isUnauthorized = (error: unknown) => (error as { code?: unknown })?.code === UNAUTHORIZED;

/** Says which rights the client's user lacks, and how to give it to them. Every user may ask that of itself. */
export async function refusalOfRights(
  collection: Collection,
  needed: readonly string[],
  error: unknown,
): Promise<string> {
  const { authInfo = {} } = await collection.run({ connectionStatus: 1, showPrivileges: true });
  const { authenticatedUsers = [], authenticatedUserPrivileges = [] } = authInfo as AuthInfo;
  const [user] = authenticatedUsers;
  if (!user) {
    return `The server of ${collection.namespace} wants its clients to log in, and this one has no user. Fix: give the client of \`db\` a user and a password. (${messageOf(error)})`;
  }
  const missing = needed.filter(
    (action) => !authenticatedUserPrivileges.some((privilege) => allows(privilege, action, collection)),
  );
  // By its own account it has them all: then the server's words are all that is known.
  const lacks = missing.length > 0 ? `the right to ${missing.join(', ')}` : `a right (${messageOf(error)})`;
  return (
    `The user ${shown(user.user)} of ${shown(user.db)} lacks ${lacks} in ${collection.namespace}. ` +
    `Fix: give it the role readWrite: db.getSiblingDB(${shown(user.db)}).grantRolesToUser(${shown(user.user)}, ` +
    `[{ role: "readWrite", db: ${shown(collection.database)} }]). A role of your own needs the actions ${needed.join(', ')} ` +
    'on the collection'
  );
}

/** An empty name of a resource stands for all of them. */
function allows({ resource, actions }: Privilege, action: string, { database, name }: Collection): boolean {
  if (!actions.includes(action)) return false;
  if (resource.anyResource) return true;
  const isOurs = (one: string | undefined, ours: string) => one === '' || one === ours;
  return isOurs(resource.db, database) && isOurs(resource.collection, name);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const shown = (text: string) => JSON.stringify(text);
