import type { Db } from 'mongodb';
import type { Store } from '../../server/engine/store.ts';
import type { Database, DriverSession } from '../../server/mongodb/database.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import type { Boundary } from './boundaries.ts';
import { RECEIPT } from './charge-app.ts';

/** Resolves at once, or, where the call is to be killed, never. */
type Hold = (boundary: Boundary) => Promise<void>;

/** Longer than it takes to bring all calls to where they are held, so that none is given up before. */
const TIMEOUT_MS = 120_000;

/** The MongoDB store for one call, which is held at the boundaries of the store: in front of the driver, and behind the store's own answers. */
export function heldStore(db: Db, hold: Hold, ready: Promise<void>): Store {
  const store = createMongoStore({ db: heldDatabase(db, hold), timeoutMs: TIMEOUT_MS });
  const held: Partial<Store> = {
    ready: () => ready,
    claim: (request) => after(store.claim(request), () => hold('claim acknowledged')),
    settle: (run, settlement) => after(store.settle(run, settlement), () => hold('completion acknowledged')),
    begin(run) {
      const transaction = (store.begin as NonNullable<Store['begin']>)(run);
      const commit = transaction.commit.bind(transaction);
      return Object.assign(transaction, {
        commit: (completion: Parameters<typeof commit>[0]) =>
          after(commit(completion), () => hold('completion acknowledged')),
      });
    },
  };
  return new Proxy(store, {
    get: (_, name) => held[name as keyof Store] ?? bound(store, name),
  });
}

/** The driver, held before and behind the two writes that a call is about: its claim, and its completion. */
function heldDatabase(db: Db, hold: Hold): Database {
  let isClaimed = false;
  return {
    databaseName: db.databaseName,
    client: {
      db: (name) => db.client.db(name),
      startSession(options) {
        const session = db.client.startSession(options);
        const commit = session.commitTransaction.bind(session);
        return Object.assign(session, {
          commitTransaction: () => after(commit(), () => hold('completion sent')),
        }) as DriverSession;
      },
    },
    async command(command, options = {}) {
      const send = () => db.command(command, options);
      const isWrite = 'insert' in command || 'update' in command;
      if (!isWrite || 'session' in options) return send();
      if (!isClaimed) {
        await hold('before the claim is sent');
        const reply = await after(send(), () => hold('claim sent'));
        isClaimed = true;
        return reply;
      }
      const isCompletion = JSON.stringify(command).includes(RECEIPT);
      return isCompletion ? after(send(), () => hold('completion sent')) : send();
    },
  };
}

async function after<T>(work: Promise<T>, hold: () => Promise<void>): Promise<T> {
  const result = await work;
  await hold();
  return result;
}

function bound(store: Store, name: string | symbol): unknown {
  const value = store[name as keyof Store];
  return typeof value === 'function' ? (value as (...args: never[]) => unknown).bind(store) : value;
}
