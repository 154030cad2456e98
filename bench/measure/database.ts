import { type Db, MongoClient } from 'mongodb';
import { startMongod } from '../../test/support/mongod/start-mongod.ts';
import { DATABASE } from './database-name.ts';
import type { Machine } from './machine.ts';

/** The database that a bench works in, with a client of the bench's own. */
export interface Database extends AsyncDisposable {
  readonly uri: string;
  readonly port: number;
  readonly db: Db;
  readonly version: string;
  /** CPU time that the server's process has used, as it tells itself (on Linux). */
  cpuMicros(): Promise<number>;
}

export interface DatabaseOptions {
  /** The mongod that is started has a cache of this size, in MB. Default: 256. */
  readonly cacheMb?: number;
  /** Each entry is a `--setParameter` of the mongod that is started. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * Starts a mongod on a temporary directory, or takes the one of `MONGODB_URI`. The database is dropped, and the directory removed,
 * when the bench has ended.
 */
export async function openDatabase(
  machine: Machine,
  { cacheMb = 256, parameters = {} }: DatabaseOptions = {},
): Promise<Database> {
  const given = process.env.MONGODB_URI;
  const mongod = given ? undefined : await startMongod({ parameters });
  await machine.own(mongod?.pid);
  const uri = given ?? (mongod?.uri as string);
  const client = await new MongoClient(uri).connect();
  const db = client.db(DATABASE);
  const { version } = await db.command({ buildInfo: 1 });
  if (mongod)
    await client
      .db('admin')
      .command({ setParameter: 1, wiredTigerEngineRuntimeConfig: `cache_size=${cacheMb}M` });
  await db.dropDatabase();
  return {
    uri,
    port: mongod?.port ?? Number(new URL(uri).port || 27017),
    db,
    version,
    async cpuMicros() {
      const { extra_info: info } = await db.command({ serverStatus: 1 });
      return Number(info.user_time_us) + Number(info.system_time_us);
    },
    async [Symbol.asyncDispose]() {
      await db.dropDatabase();
      await client.close();
      await machine.disown(mongod?.pid);
      await mongod?.stop();
    },
  };
}
