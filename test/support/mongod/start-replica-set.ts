import { setTimeout } from 'node:timers/promises';
import { type Document, MongoClient } from 'mongodb';
import { type MongodOptions, MongodProcess } from './mongod-process.ts';
import { initiate, primaryOf } from './start-mongod.ts';

export interface ReplicaSet extends AsyncDisposable {
  readonly uri: string;
  readonly members: readonly MongodProcess[];
  /** The member that is the primary now; waits for an election. */
  primary(): Promise<MongodProcess>;
  /** Makes the primary step down. Returns when another member is primary. */
  stepDown(): Promise<void>;
}

export interface ReplicaSetOptions {
  members?: number;
  /** The set's `settings`, such as `electionTimeoutMillis`. */
  settings?: Document;
  parameters?: MongodOptions['parameters'];
}

/** For elections and lost members. For anything else `startMongod` is a third of the cost. */
export async function startReplicaSet(options: ReplicaSetOptions = {}): Promise<ReplicaSet> {
  const { members: count = 3, settings, parameters = {} } = options;
  const started = await Promise.allSettled(
    Array.from({ length: count }, () => MongodProcess.start({ parameters }, 'rs0')),
  );
  const members = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const stop = async () => void (await Promise.all(members.map((member) => member.stop())));
  const hosts = members.map((member) => `127.0.0.1:${member.port}`);
  const uri = `mongodb://${hosts.join(',')}/?replicaSet=rs0`;
  try {
    for (const one of started) if (one.status === 'rejected') throw one.reason;
    await initiate(members[0]?.port ?? 0, {
      _id: 'rs0',
      members: hosts.map((host, _id) => ({ _id, host })),
      settings: { electionTimeoutMillis: 1_000, ...settings },
    });
    await settled(uri);
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    uri,
    members,
    async primary() {
      const host = await primaryOf(uri);
      const member = members.find((one) => host === `127.0.0.1:${one.port}`);
      if (!member) throw new Error(`Expected the primary to be one of ${hosts.join(', ')}, got ${host}`);
      return member;
    },
    async stepDown() {
      const client = new MongoClient(uri);
      try {
        await client.db('admin').command({ replSetStepDown: 10, secondaryCatchUpPeriodSecs: 5 });
      } finally {
        await client.close();
      }
      // The member that stepped down is no candidate for 10 s, so whoever is primary now is another one.
      await primaryOf(uri);
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** Until all members can take part: a primary steps down only for a secondary that has caught up. */
async function settled(uri: string): Promise<void> {
  const client = new MongoClient(uri);
  const deadline = performance.now() + 60_000;
  try {
    for (;;) {
      const { members } = await client.db('admin').command({ replSetGetStatus: 1 });
      const states: string[] = members.map((member: Document) => member.stateStr);
      if (states.every((state) => state === 'PRIMARY' || state === 'SECONDARY')) return;
      if (performance.now() > deadline) throw new Error(`The set did not settle: ${states.join(', ')}`);
      await setTimeout(50);
    }
  } finally {
    await client.close();
  }
}
