import { type CommandStartedEvent, MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DriverSession } from '../../server/mongodb/database.ts';
import { failCommand } from '../support/fail-command.ts';
import { type RunningMongod, startMongod } from '../support/mongod/start-mongod.ts';
import type { Doc } from './evaluate.ts';
import { ModelClient } from './model-session.ts';
import { networkError } from './server-error.ts';
import { ServerModel } from './server-model.ts';
import { World } from './world.ts';

// What the model says of the driver's sessions is asked of the driver: both do the same, and the same commands go out.

/** A client, of the driver or of the model, on a server with the document `{ _id: 'a', n: 0 }`. */
interface Player {
  startSession(): DriverSession;
  command(command: Doc, session: DriverSession): Promise<Doc>;
  /** The connection is lost with each of the next commands of this name, before the server has them. */
  lose(name: string, times: number): Promise<unknown>;
  /** Sends a command, and hangs up before it is answered. */
  hangUp(command: Doc, session: DriverSession): Promise<unknown>;
  readonly sent: readonly Doc[];
}

interface Scene {
  open(): DriverSession;
  lose: Player['lose'];
  begin(session: DriverSession): void;
  /** Writes, and tells what came of it. */
  write(session: DriverSession): Promise<unknown>;
  hangUp(session: DriverSession): Promise<unknown>;
  commit(session: DriverSession): Promise<unknown>;
  abort(session: DriverSession): Promise<unknown>;
  end(session: DriverSession): Promise<unknown>;
}

const SCENES: Record<string, (scene: Scene) => Promise<unknown>> = {
  async 'a commit, twice, and a write after it'({ open, begin, write, commit, end }) {
    const session = open();
    begin(session);
    await write(session);
    await write(session);
    await commit(session);
    await commit(session);
    await write(session);
    await end(session);
  },
  async 'a commit of nothing'({ open, begin, commit, abort, end }) {
    const session = open();
    await commit(session);
    begin(session);
    await commit(session);
    await commit(session);
    await abort(session);
    await end(session);
  },
  async 'an abort, twice, and a transaction after it'({ open, begin, write, commit, abort, end }) {
    const session = open();
    await abort(session);
    begin(session);
    begin(session);
    await write(session);
    await abort(session);
    await abort(session);
    await commit(session);
    begin(session);
    await abort(session);
    begin(session);
    await write(session);
    await commit(session);
    await end(session);
  },
  async 'an abort of what has been committed'({ open, begin, write, commit, abort }) {
    const session = open();
    begin(session);
    await write(session);
    await commit(session);
    await abort(session);
    begin(session);
    await write(session);
    await abort(session);
  },
  async 'the end of a session, which aborts; the next one goes on with its numbers'({
    open,
    begin,
    write,
    end,
  }) {
    const session = open();
    begin(session);
    await write(session);
    await end(session);
    await end(session);
    await write(session);
    const next = open();
    begin(next);
    await write(next);
    const other = open();
    begin(other);
    await end(other);
    await end(next);
  },
  async 'a conflict'({ open, begin, write, commit, end }) {
    const [session, other] = [open(), open()];
    begin(session);
    await write(session);
    begin(other);
    await write(other);
    await end(other);
    await commit(session);
    await end(session);
  },
  async 'an operation that is lost'({ open, lose, begin, write, end }) {
    const session = open();
    begin(session);
    await lose('update', 1);
    await write(session);
    await write(session);
    await lose('update', 1);
    await write(session);
    await end(session);
    const next = open();
    begin(next);
    await write(next);
    await end(next);
  },
  async 'a first operation that is lost, and nothing after it'({ open, lose, begin, write, abort, end }) {
    const session = open();
    begin(session);
    await lose('update', 1);
    await write(session);
    await abort(session);
    await end(session);
  },
  async 'a first operation that nobody waits for'({ open, hangUp, begin, write, end }) {
    const session = open();
    begin(session);
    await hangUp(session);
    await end(session);
    const next = open();
    begin(next);
    await write(next);
    await end(next);
  },
  async 'a commit that is lost once'({ open, lose, begin, write, commit, end }) {
    const session = open();
    begin(session);
    await write(session);
    await lose('commitTransaction', 1);
    await commit(session);
    await end(session);
  },
  async 'a commit that is lost, and asked for again'({ open, lose, begin, write, commit, end }) {
    const session = open();
    begin(session);
    await write(session);
    await lose('commitTransaction', 2);
    await commit(session);
    await commit(session);
    await end(session);
  },
  async 'an abort that is lost'({ open, lose, begin, write, abort, commit, end }) {
    const session = open();
    begin(session);
    await write(session);
    await lose('abortTransaction', 2);
    await abort(session);
    await commit(session);
    await end(session);
  },
};

let mongod: RunningMongod;
let client: MongoClient;
beforeAll(async () => {
  mongod = await startMongod({ parameters: { enableTestCommands: 1 }, inMemory: true });
});
afterAll(() => mongod.stop());

describe('the model of a session does what the driver does', () => {
  it.each(Object.entries(SCENES))('with %s', async (_, scene) => {
    const [made, real] = [modelled(), await driver()];
    expect(await played(scene, made)).toEqual(await played(scene, real));
    expect(sentBy(made)).toEqual(sentBy(real));
    await client.close();
  });
});

const OPTIONS = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority' },
  readPreference: 'primary',
  maxCommitTimeMS: 5_000,
};
const WRITE = { update: 'c', updates: [{ q: { _id: 'a' }, u: [{ $set: { n: { $add: ['$n', 1] } } }] }] };
const LABELS = ['TransientTransactionError', 'RetryableWriteError', 'UnknownTransactionCommitResult'];

async function played(scene: (scene: Scene) => Promise<unknown>, player: Player): Promise<unknown[]> {
  const told: unknown[] = [];
  const tell = async (session: DriverSession, work: () => unknown) => {
    let answer: unknown = 'done';
    try {
      await work();
    } catch (error) {
      const { name, code, errorLabels = [] } = error as Error & { code?: number; errorLabels?: string[] };
      answer = { name, code, labels: LABELS.filter((label) => errorLabels.includes(label)) };
    }
    told.push({ answer, inTransaction: session.inTransaction() });
  };
  await scene({
    open: () => player.startSession(),
    lose: player.lose,
    begin: (session) => void tell(session, () => session.startTransaction(OPTIONS)),
    write: (session) => tell(session, () => player.command(WRITE, session)),
    hangUp: (session) => tell(session, () => player.hangUp(WRITE, session)),
    commit: (session) => tell(session, () => session.commitTransaction()),
    abort: (session) => tell(session, () => session.abortTransaction()),
    end: (session) => tell(session, () => session.endSession()),
  });
  return told;
}

/** The commands, with sessions named in the order of their first commands. */
function sentBy({ sent }: Player): unknown[] {
  const sessions: string[] = [];
  return sent.map(({ lsid, txnNumber, autocommit, startTransaction, readConcern, ...command }) => {
    const id = JSON.stringify(lsid);
    if (!sessions.includes(id)) sessions.push(id);
    const { level, afterClusterTime } = (readConcern ?? {}) as Doc;
    return {
      ...{
        name: Object.keys(command)[0],
        session: sessions.indexOf(id),
        autocommit,
        startTransaction,
        level,
      },
      number: txnNumber === undefined ? undefined : Number(txnNumber),
      isCausal: afterClusterTime !== undefined,
      w: (command.writeConcern as Doc | undefined)?.w,
      maxTimeMS: command.maxTimeMS,
    };
  });
}

function modelled(): Player {
  const world = new World(1);
  const settings = { replicationMs: 1, ttlMs: Number.MAX_SAFE_INTEGER, transactionMs: 60_000 };
  const server = new ServerModel(world, settings);
  const sent: Doc[] = [];
  const lost: string[] = [];
  const send = async (command: Doc, { signal }: { signal?: AbortSignal } = {}) => {
    sent.push(command);
    if (signal)
      return new Promise<never>((_, reject) =>
        signal.addEventListener('abort', () => reject(networkError('connection closed'))),
      );
    const [name = ''] = Object.keys(command);
    if (lost[0] === name) {
      lost.shift();
      throw networkError('connection closed');
    }
    const reply = server.command(command);
    reply.catch(() => {}); // it is answered before anybody asks
    await world.run(Number.MAX_SAFE_INTEGER - 1);
    return reply;
  };
  server.command({ insert: 'c', documents: [{ _id: 'a', n: 0 }] });
  const model = new ModelClient('app', send);
  return {
    startSession: () => model.startSession(),
    command: (command, session) => model.command(command, { session: session as never }),
    hangUp(command, session) {
      const caller = new AbortController();
      const silent = model.command(command, { session: session as never, signal: caller.signal });
      caller.abort(new Error('hung up'));
      return silent;
    },
    lose: async (name, times) => lost.push(...Array.from({ length: times }, () => name)),
    sent,
  };
}

async function driver(): Promise<Player> {
  const appName = `scene-${Math.random()}`;
  client = await new MongoClient(mongod.uri, { appName, monitorCommands: true }).connect();
  const db = client.db(appName.replace('.', '-'));
  // No `insertOne`: that would use up a number of a session.
  await db.command({ insert: 'c', documents: [{ _id: 'a', n: 0 }] });
  const sent: Doc[] = [];
  client.on('commandStarted', ({ command, commandName }: CommandStartedEvent) => {
    if (['update', 'commitTransaction', 'abortTransaction'].includes(commandName)) sent.push({ ...command });
  });
  return {
    startSession: () => client.startSession() as unknown as DriverSession,
    command: (command, session) => db.command(command, { session: session as never }),
    async hangUp(command, session) {
      await using _ = await failCommand(
        client,
        { failCommands: ['update'], blockConnection: true, blockTimeMS: 50, appName },
        { times: 1 },
      );
      const caller = new AbortController();
      client.once('commandStarted', () => setImmediate(() => caller.abort(new Error('hung up'))));
      return await db.command(command, { session: session as never, signal: caller.signal } as object);
    },
    lose: (name, times) =>
      failCommand(client, { failCommands: [name], closeConnection: true, appName }, { times }),
    sent,
  };
}
