import { randomUUID } from 'node:crypto';
import { BSON } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningMongod, startMongod } from '../support/mongod/start-mongod.ts';
import { until } from '../support/until.ts';
import type { Doc } from './evaluate.ts';
import { openRawConnection, type RawConnection } from './raw-connection.ts';
import { ServerModel } from './server-model.ts';
import { World } from './world.ts';

// What the model says of transactions is asked of a real mongod, too: both play the same script, and give the same answers.

type Step =
  | { readonly send: Doc; readonly lsid?: string; readonly isLeft?: true }
  /** The command that was left waiting has its answer now. */
  | { readonly do: 'collect' | 'step down' | 'be elected' }
  | { readonly do: 'kill'; readonly lsid: string };

const MAJORITY = { writeConcern: { w: 'majority' } };
const statement = (_id: string, u: Doc, q: Doc = {}) => ({ q: { _id, ...q }, u: [{ $set: u }] });
const MORE = { n: { $add: ['$n', 1] } };
const add = (...ids: string[]) => ({ update: 'c', updates: ids.map((id) => statement(id, MORE)) });
const look = (_id: string) => ({ find: 'c', filter: { _id } });
const insert = (_id: string) => ({ insert: 'c', documents: [{ _id, n: 7 }] });
const NOTHING = { update: 'c', updates: [statement('a', { n: '$n' })] };
const NO_MATCH = { update: 'c', updates: [statement('a', MORE, { n: 77 })] };

const outside = (send: Doc): Step => ({ send });
/** Waits for a document for a short time only. */
const briefly = (send: Doc): Step => ({ send: { ...send, maxTimeMS: 30 } });
const left = (send: Doc): Step => ({ send, isLeft: true });
const begin = (lsid: string, send: Doc, txnNumber = 1): Step => ({
  ...{ lsid, send: { ...send, txnNumber, startTransaction: true, readConcern: { level: 'snapshot' } } },
});
const inside = (lsid: string, send: Doc, txnNumber = 1): Step => ({ lsid, send: { ...send, txnNumber } });
const commit = (lsid: string, txnNumber = 1) =>
  inside(lsid, { commitTransaction: 1, ...MAJORITY }, txnNumber);
const abort = (lsid: string, txnNumber = 1) => inside(lsid, { abortTransaction: 1, ...MAJORITY }, txnNumber);

const SCRIPTS: Record<string, readonly Step[]> = {
  'a transaction is seen by itself, and by others from its commit on': [
    begin('s', add('a', 'b')),
    inside('s', insert('c')),
    ...['a', 'b', 'c'].flatMap((id) => [outside(look(id)), inside('s', look(id))]),
    commit('s'),
    ...['a', 'b', 'c'].map((id) => outside(look(id))),
  ],
  'nothing of a transaction that is aborted stays': [
    begin('s', add('a')),
    inside('s', insert('c')),
    abort('s'),
    outside(look('a')),
    outside(look('c')),
    outside(add('a')),
  ],
  'a transaction reads what was there when it began': [
    begin('s', look('b')),
    outside(add('a')),
    outside(insert('c')),
    inside('s', look('a')),
    inside('s', look('c')),
    inside('s', NOTHING),
    inside('s', NO_MATCH),
    commit('s'),
  ],
  'a write to what has changed since the transaction began is a conflict, and its end': [
    begin('s', add('b')),
    outside(add('a')),
    inside('s', add('a')),
    inside('s', look('b')),
    commit('s'),
    abort('s'),
    outside(look('b')),
  ],
  'an insert of what is there since the transaction began is a conflict': [
    begin('s', look('a')),
    outside(insert('c')),
    inside('s', insert('c')),
    commit('s'),
  ],
  'a write to what another transaction has written is a conflict, and the end of the second': [
    begin('s', add('a')),
    begin('t', add('a')),
    inside('t', look('b')),
    begin('u', insert('c')),
    inside('s', insert('c')),
    commit('u'),
    commit('s'),
    outside(look('a')),
  ],
  'a write that changes nothing is no conflict': [
    begin('s', add('a')),
    begin('t', NOTHING),
    inside('t', NO_MATCH),
    outside(NOTHING),
    outside(NO_MATCH),
    commit('t'),
    commit('s'),
  ],
  'a write outside waits for a transaction, for as long as it may': [
    begin('s', add('a')),
    briefly(add('a')),
    briefly(add('b', 'a')),
    briefly(insert('a')),
    outside(look('b')),
    commit('s'),
    briefly(add('a')),
    outside(look('a')),
  ],
  'a write outside that has waited for a commit finds what was committed': [
    begin('s', { update: 'c', updates: [statement('a', { n: 20 })] }),
    left(add('a')),
    commit('s'),
    { do: 'collect' },
    outside(look('a')),
  ],
  'a write outside that has waited for an abort finds what was there before': [
    begin('s', { update: 'c', updates: [statement('a', { n: 20 })] }),
    left(add('a')),
    abort('s'),
    { do: 'collect' },
    outside(look('a')),
  ],
  'a commit is a commit however often it is asked for, and the end of its number': [
    begin('s', add('a')),
    ...[commit('s'), commit('s'), abort('s'), inside('s', look('a')), begin('s', look('a'))],
    commit('s'),
    outside(look('a')),
  ],
  'an abort is one once, and the end of its number': [
    begin('s', add('a')),
    ...[abort('s'), abort('s'), commit('s'), inside('s', look('a')), begin('s', look('a'))],
  ],
  'a commit of what has only been read is one': [begin('s', look('a')), commit('s'), commit('s')],
  'a number begins once': [begin('s', add('a')), begin('s', add('a')), inside('s', look('a')), commit('s')],
  'a higher number in the session ends the transaction before it': [
    begin('s', add('a')),
    begin('s', add('b'), 3),
    outside(add('a')),
    ...[inside('s', look('a')), begin('s', look('a')), commit('s'), abort('s')],
    inside('s', look('b'), 3),
    ...[inside('s', look('b'), 9), commit('s', 9)],
    commit('s', 3),
    outside(look('a')),
  ],
  'what never began can not go on': [
    inside('s', look('a')),
    commit('s'),
    abort('s'),
    begin('s', look('a')),
    commit('s'),
  ],
  'a statement that fails is answered, and is the end': [
    begin('s', add('a')),
    inside('s', insert('b')),
    inside('s', look('a')),
    commit('s'),
    outside(add('a')),
  ],
  'a transaction that the server gives up is gone': [
    begin('s', add('a')),
    { do: 'kill', lsid: 's' },
    outside(add('a')),
    ...[inside('s', look('a')), commit('s'), abort('s'), begin('s', look('a'))],
    outside(look('a')),
  ],
  'a primary that steps down forgets open transactions, and knows which were committed': [
    begin('s', add('a')),
    begin('t', add('b')),
    commit('t'),
    begin('r', look('b')),
    commit('r'),
    left(add('a')),
    { do: 'step down' },
    { do: 'collect' },
    ...[inside('s', add('a')), begin('u', add('a')), commit('s'), abort('s'), outside(add('a'))],
    { do: 'be elected' },
    ...[inside('s', look('a')), commit('s'), abort('s'), begin('s', look('a')), commit('s')],
    ...[commit('t'), abort('t'), inside('t', look('b')), begin('t', look('b'))],
    commit('r'),
    outside(look('a')),
    outside(look('b')),
  ],
};

let mongod: RunningMongod;
let connections: readonly [RawConnection, RawConnection];
beforeAll(async () => {
  mongod = await startMongod({ inMemory: true });
  connections = [await openRawConnection(mongod.port), await openRawConnection(mongod.port)];
});
afterAll(async () => {
  for (const connection of connections) connection[Symbol.dispose]();
  await mongod.stop();
});

it.each(Object.entries(SCRIPTS))('the model does as a mongod does: %s', async (_, script) => {
  expect(await played(script, modelled())).toEqual(await played(script, real()));
});

/** A server that plays a script. */
interface Player {
  send(command: Doc): Promise<Doc>;
  /** Sends a command, and resolves when it waits for a document. */
  leave(command: Doc): Promise<{ readonly reply: Promise<Doc> }>;
  kill(lsid: string): Promise<unknown>;
  stepDown(): Promise<unknown>;
  beElected(): Promise<unknown>;
}

async function played(script: readonly Step[], player: Player): Promise<unknown[]> {
  let waiting: Promise<Doc> | undefined;
  const replies = [await player.send({ insert: 'c', documents: ['a', 'b'].map((_id) => ({ _id, n: 0 })) })];
  for (const step of script) {
    if ('send' in step) {
      const command = { ...step.send, ...(step.lsid && { lsid: step.lsid, autocommit: false }) };
      if (step.isLeft) waiting = (await player.leave(command)).reply;
      else replies.push(await player.send(command));
    } else if (step.do === 'collect') replies.push((await waiting) as Doc);
    else if (step.do === 'kill') await player.kill(step.lsid);
    else await (step.do === 'step down' ? player.stepDown() : player.beElected());
  }
  return replies.map(({ ok, n, code, errorLabels = [], cursor, writeErrors = [] }) => ({
    ...{ ok, code },
    ...(code === undefined && { n, found: (cursor as Doc | undefined)?.firstBatch }),
    labels: errorLabels,
    failed: (writeErrors as Doc[]).map((failed) => ({ index: failed.index, code: failed.code })),
  }));
}

function modelled(): Player {
  const world = new World(1);
  const settings = { replicationMs: 1, ttlMs: Number.MAX_SAFE_INTEGER, transactionMs: 60_000 };
  const model = new ServerModel(world, settings);
  let isElecting = false;
  const leave = (command: Doc) => ({
    reply: model.command(command).catch(({ code, errorLabels }) => ({ ok: 0, code, errorLabels })),
  });
  return {
    leave: async (command) => leave(command),
    async send(command) {
      const { reply } = leave(command);
      if (!isElecting) await world.run(Number.MAX_SAFE_INTEGER - 1);
      return reply;
    },
    kill: async (lsid) => model.killSession(lsid),
    async stepDown() {
      isElecting = true;
      model.elect(100, true, 0);
    },
    async beElected() {
      isElecting = false;
      await world.run(Number.MAX_SAFE_INTEGER - 1);
    },
  };
}

function real(): Player {
  const $db = `script-${randomUUID()}`;
  const sessions = new Map<unknown, Doc>();
  const idOf = (lsid: unknown) => {
    const id = sessions.get(lsid) ?? { id: new BSON.UUID() };
    sessions.set(lsid, id);
    return id;
  };
  const sent = ({ lsid, txnNumber, ...command }: Doc) => ({
    ...command,
    ...(lsid !== undefined && { lsid: idOf(lsid), txnNumber: BSON.Long.fromNumber(txnNumber as number) }),
    $db: 'commitTransaction' in command || 'abortTransaction' in command ? 'admin' : $db,
  });
  const [connection, other] = connections;
  const admin = (command: Doc) => connection.send({ ...command, $db: 'admin' });
  return {
    send: (command) => connection.send(sent(command)),
    async leave(command) {
      const reply = other.send(sent(command));
      // A write that has not begun to wait when its primary steps down is refused in another way.
      const waits = { currentOp: 1, ns: `${$db}.c`, writeConflicts: { $gt: 0 } };
      await until(async () => expect((await admin(waits)).inprog).toHaveLength(1));
      return { reply };
    },
    kill: (lsid) => admin({ killSessions: [idOf(lsid)] }),
    stepDown: () => admin({ replSetStepDown: 60, force: true }),
    async beElected() {
      await admin({ replSetFreeze: 0 });
      await until(async () => expect(await admin({ hello: 1 })).toMatchObject({ isWritablePrimary: true }));
    },
  };
}
