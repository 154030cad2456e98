import { MongoClient } from 'mongodb';
import type { TestProject } from 'vitest/node';
import { folderOfRun, forgetBundles } from './bundled.ts';
import { toStderr } from './mongod/find-mongod.ts';
import { startMongod } from './mongod/start-mongod.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The servers that test files share, one for each worker. Use `mongoUri()`. */
    mongoUris: readonly string[];
  }
}

/**
 * Makes the folder of the programs that all workers share, and starts a real mongod for each worker. Without one the run fails:
 * a skipped store suite would prove nothing.
 */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  folderOfRun();
  project.onTestsRerun(forgetBundles);
  const given = process.env.MONGODB_URI;
  if (given) {
    await requireFeatures(given);
    toStderr('the server at MONGODB_URI');
    project.provide('mongoUris', [given]);
    return;
  }
  // What has expired stays until a test has looked at it: one that wants it reaped starts a server of its own.
  const parameters = { enableTestCommands: 1, ttlMonitorEnabled: false };
  // A write that a majority has is on no disk yet: nobody kills these servers, and each write takes half the time.
  const config = { writeConcernMajorityJournalDefault: false };
  const servers = await Promise.all(
    Array.from({ length: project.config.maxWorkers }, () =>
      startMongod({ parameters, config, inMemory: true }),
    ),
  );
  const uris = servers.map(({ uri }) => uri);
  project.provide('mongoUris', uris);
  return async () => void (await Promise.all(servers.map((server) => server.stop())));
}

async function requireFeatures(uri: string): Promise<void> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 5_000 });
  try {
    const admin = client.db('admin');
    const missing: string[] = [];
    const { versionArray } = await admin.command({ buildInfo: 1 });
    if (versionArray[0] < 6) missing.push('MongoDB ≥ 6.0');
    const { setName } = await admin.command({ hello: 1 });
    if (!setName) missing.push('a replica set (--replSet), for transactions and causal reads');
    const testCommands = await admin
      .command({ configureFailPoint: 'failCommand', mode: 'off' })
      .then(() => true)
      .catch(() => false);
    if (!testCommands) missing.push('--setParameter enableTestCommands=1, for failures on demand');
    const { ttlMonitorEnabled } = await admin.command({ getParameter: 1, ttlMonitorEnabled: 1 });
    if (ttlMonitorEnabled)
      missing.push('--setParameter ttlMonitorEnabled=false, to look at what has expired');
    if (missing.length > 0) {
      throw new Error(
        `The server at MONGODB_URI lacks what these tests need:\n  - ${missing.join('\n  - ')}\n` +
          'Without MONGODB_URI the tests start a fitting mongod of their own.',
      );
    }
  } finally {
    await client.close();
  }
}
