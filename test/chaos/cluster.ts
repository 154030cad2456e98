import { setTimeout as sleep } from 'node:timers/promises';
import { type Document, MongoClient } from 'mongodb';
import { MongodProcess } from '../support/mongod/mongod-process.ts';
import { initiate, primaryOf } from '../support/mongod/start-mongod.ts';
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import type { FakeClock, FakeTime } from './fake-time.ts';

export interface Member {
  readonly process: MongodProcess;
  /** The set knows the member by the address of this proxy: it is what the other members reach it by. */
  readonly front: TcpProxy;
  readonly clock: FakeClock | undefined;
}

const NAMES = { set: 'rs0', settleMs: 60_000 };

/** Three members of a replica set, each behind a proxy, with clocks that can be set where this machine has libfaketime. */
export class Cluster implements AsyncDisposable {
  readonly members: Member[] = [];
  readonly #fakeTime: FakeTime | undefined;

  private constructor(fakeTime: FakeTime | undefined) {
    this.#fakeTime = fakeTime;
  }

  static async start(fakeTime: FakeTime | undefined): Promise<Cluster> {
    const cluster = new Cluster(fakeTime);
    try {
      for (let i = 0; i < 3; i++) cluster.members.push(await cluster.#startMember());
      const [first] = cluster.members as [Member];
      await initiate(first.process.port, {
        _id: NAMES.set,
        members: cluster.members.map(({ front }, _id) => ({ _id, host: `127.0.0.1:${front.port}` })),
        // Shorter ones make a busy machine elect all the time.
        settings: { electionTimeoutMillis: 2_000, heartbeatIntervalMillis: 500 },
      });
      await cluster.untilHealthy();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  get uri(): string {
    const hosts = this.members.map(({ front }) => `127.0.0.1:${front.port}`);
    return `mongodb://${hosts.join(',')}/?replicaSet=${NAMES.set}`;
  }

  /** The member that thinks it is the primary, or undefined where none says so now. */
  async primary(): Promise<Member | undefined> {
    const said = await Promise.all(this.members.map((member) => this.#isPrimary(member)));
    return this.members[said.indexOf(true)];
  }

  async relaunch(member: Member): Promise<void> {
    member.front.mode = 'pass';
    await member.process.relaunch();
    await this.#fakeTime?.forget(member.process.pid);
  }

  /** Ends whatever is wrong with the members, and waits until all three take part. */
  async heal(): Promise<void> {
    for (const member of this.members) {
      member.front.mode = 'pass';
      if (member.process.pid === undefined) await this.relaunch(member);
      else await member.process.kill('SIGCONT');
    }
    await this.untilHealthy();
  }

  async untilHealthy(): Promise<void> {
    const deadline = performance.now() + NAMES.settleMs;
    for (;;) {
      const states = await this.#states().catch((error) => [String(error)]);
      if (states.length === 3 && states.every((state) => state === 'PRIMARY' || state === 'SECONDARY')) break;
      if (performance.now() > deadline) throw new Error(`The set did not settle: ${states.join(', ')}`);
      await sleep(200);
    }
    await primaryOf(this.uri);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map(({ process }) => process.stop()));
    await Promise.all(this.members.map(({ front }) => front[Symbol.asyncDispose]()));
  }

  async #startMember(): Promise<Member> {
    const clock = await this.#fakeTime?.clock();
    const parameters = {
      ttlMonitorSleepSecs: 1,
      // What a dead process leaves open keeps its locks for so long.
      transactionLifetimeLimitSeconds: 3,
    };
    const process = await MongodProcess.start({ parameters, ...(clock && { env: clock.env }) }, NAMES.set);
    await this.#fakeTime?.forget(process.pid);
    return { process, clock, front: await startProxy(process.port) };
  }

  async #isPrimary({ process }: Member): Promise<boolean> {
    if (process.pid === undefined) return false;
    const options = { directConnection: true, serverSelectionTimeoutMS: 500, socketTimeoutMS: 500 };
    const client = new MongoClient(`mongodb://127.0.0.1:${process.port}/`, options);
    try {
      return (await client.db('admin').command({ hello: 1 })).isWritablePrimary === true;
    } catch {
      return false;
    } finally {
      await client.close();
    }
  }

  async #states(): Promise<string[]> {
    const client = new MongoClient(this.uri, { serverSelectionTimeoutMS: 5_000, socketTimeoutMS: 5_000 });
    try {
      const { members } = await client.db('admin').command({ replSetGetStatus: 1 });
      return members.map((member: Document) => member.stateStr);
    } finally {
      await client.close();
    }
  }
}
