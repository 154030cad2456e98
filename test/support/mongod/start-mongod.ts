import { type Document, MongoClient } from 'mongodb';
import { type MongodOptions, MongodProcess } from './mongod-process.ts';

export interface RunningMongod extends AsyncDisposable {
  readonly uri: string;
  readonly port: number;
  readonly pid: number | undefined;
  readonly dbPath: string;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Returns when it is a writable primary again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A mongod of its own for a test: by default a replica set of one member, for transactions need a set.
 * @param options.config more of the set's configuration
 */
export async function startMongod({
  replSet = true,
  config,
  ...options
}: MongodOptions & { replSet?: boolean; config?: Document } = {}): Promise<RunningMongod> {
  const mongod = await MongodProcess.start(options, replSet ? 'rs0' : undefined);
  const uri = `mongodb://127.0.0.1:${mongod.port}/${replSet ? '?replicaSet=rs0' : ''}`;
  try {
    if (replSet) {
      const members = [{ _id: 0, host: `127.0.0.1:${mongod.port}` }];
      await initiate(mongod.port, { _id: 'rs0', members, ...config });
    }
    await untilWritable(mongod.port);
  } catch (error) {
    await mongod.stop();
    throw error;
  }
  return {
    uri,
    get port() {
      return mongod.port;
    },
    get pid() {
      return mongod.pid;
    },
    dbPath: mongod.dbPath,
    kill: (signal) => mongod.kill(signal),
    async restart() {
      await mongod.relaunch();
      await untilWritable(mongod.port);
    },
    stop: () => mongod.stop(),
    [Symbol.asyncDispose]: () => mongod.stop(),
  };
}

/** A data directory that was kept is already a set: that is no error. */
export async function initiate(port: number, config: Document): Promise<void> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`);
  try {
    await client.db('admin').command({ replSetInitiate: config });
  } catch (error) {
    if ((error as { codeName?: string }).codeName !== 'AlreadyInitialized') throw error;
  } finally {
    await client.close();
  }
}

/** Resolves as soon as the server takes writes. It tells of a change when it happens: the driver looks twice a second. */
async function untilWritable(port: number): Promise<void> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`);
  const deadline = performance.now() + 30_000;
  try {
    const admin = client.db('admin');
    const options = { promoteLongs: false }; // it wants its version back as it gave it
    let hello = await admin.command({ hello: 1 }, options);
    while (!hello.isWritablePrimary) {
      if (performance.now() > deadline)
        throw new Error(
          `Expected the mongod on port ${port} to take writes within 30 s, got ${JSON.stringify(hello)}`,
        );
      const { topologyVersion } = hello;
      hello = await admin.command({ hello: 1, topologyVersion, maxAwaitTimeMS: 1_000 }, options);
    }
  } finally {
    await client.close();
  }
}

/** Waits until there is a writable primary, and returns its `host:port`; with a standalone, `undefined`. */
export async function primaryOf(uri: string): Promise<string | undefined> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 30_000 });
  try {
    const hello = await client.db('admin').command({ hello: 1 }, { readPreference: 'primary' });
    return hello.me;
  } finally {
    await client.close();
  }
}
