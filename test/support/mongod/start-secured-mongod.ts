import { type Document, MongoClient } from 'mongodb';
import type { MongodOptions } from './mongod-process.ts';
import { startMongod } from './start-mongod.ts';

export interface SecuredMongod extends AsyncDisposable {
  /** Of the user `root`, who may do everything. */
  readonly uri: string;
  /** The address of a server where nobody is logged in. */
  readonly anonymousUri: string;
  /**
   * Makes a user of the database `admin`, and returns the address with its name and password.
   * @param may the names of roles, or the privileges of a role of its own
   */
  userWho(may: { roles: Document[] } | { privileges: Document[] }): Promise<string>;
}

const PASSWORD = 'open-sesame';

/** A mongod whose clients have to log in: for tests of rights. */
export async function startSecuredMongod(
  options: MongodOptions & { replSet?: boolean } = {},
): Promise<SecuredMongod> {
  const mongod = await startMongod({ ...options, auth: true });
  const uriOf = (user: string) => mongod.uri.replace('mongodb://', `mongodb://${user}:${PASSWORD}@`);
  let users = 0;
  try {
    // As long as there is no user, a client of the same machine may make the first one.
    await inAdmin(mongod.uri, { createUser: 'root', pwd: PASSWORD, roles: ['root'] });
  } catch (error) {
    await mongod.stop();
    throw error;
  }
  return {
    uri: uriOf('root'),
    anonymousUri: mongod.uri,
    async userWho(may) {
      const name = `user-${++users}`;
      let roles = 'roles' in may ? may.roles : [];
      if ('privileges' in may) {
        await inAdmin(uriOf('root'), { createRole: `role-${users}`, privileges: may.privileges, roles: [] });
        roles = [{ role: `role-${users}`, db: 'admin' }];
      }
      await inAdmin(uriOf('root'), { createUser: name, pwd: PASSWORD, roles });
      return uriOf(name);
    },
    [Symbol.asyncDispose]: () => mongod.stop(),
  };
}

async function inAdmin(uri: string, command: Document): Promise<void> {
  const client = new MongoClient(uri);
  try {
    await client.db('admin').command(command);
  } finally {
    await client.close();
  }
}
