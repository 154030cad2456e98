import { refusal } from '../../engine/errors.ts';
import { BSON_OPTIONS } from '../../mongodb/codec.ts';
import type { Database, Document } from '../../mongodb/database.ts';
import { within } from '../../mongodb/deadline.ts';

/** A session client is the part of the host driver's client that transactions need. */
interface SessionClient {
  startSession(): {
    withTransaction(work: () => Promise<void>, options: object): Promise<unknown>;
    endSession(): Promise<void>;
  };
}

/** Sends one command, in a transaction or outside of one. */
export type Send = (command: Document) => Promise<Document>;

const OPTIONS = { ...BSON_OPTIONS, readPreference: 'primary' };
const TRANSACTION = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority' },
  readPreference: 'primary',
  maxCommitTimeMS: 10_000,
};

/** Makes a sender of commands outside of a transaction. */
export const sendTo =
  (db: Database): Send =>
  (command) =>
    db.command(command, OPTIONS);

/** Tells whether the server and the host's driver have transactions: a standalone has none. */
export async function hasTransactions(db: Database): Promise<boolean> {
  if (!clientOf(db)) return false;
  const hello = await db.command({ hello: 1 }, OPTIONS);
  return hello.setName !== undefined || hello.msg === 'isdbgrid';
}

/**
 * Runs `work` in a transaction, and again as a whole when the server says so. A `work` that rejects aborts the
 * transaction. No run begins once the time is over, and the caller does not wait longer for the end: the driver would
 * try for two minutes.
 * @throws what `work` or the driver throws; IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE, and then only the server knows
 * whether it was committed
 */
export function inTransaction<T>(db: Database, ms: number, work: (send: Send) => Promise<T>): Promise<T> {
  const until = performance.now() + ms;
  return within(
    ms,
    runInSession(db, (send) => {
      if (performance.now() >= until) throw refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'timeout');
      return work(send);
    }),
  );
}

async function runInSession<T>(db: Database, work: (send: Send) => Promise<T>): Promise<T> {
  const client = clientOf(db);
  if (!client) throw new TypeError('Expected `db.client` to have sessions');
  const session = client.startSession();
  try {
    let result: { value: T } | undefined;
    await session.withTransaction(async () => {
      result = { value: await work((command) => db.command(command, { ...OPTIONS, session })) };
    }, TRANSACTION);
    if (!result) throw new Error('The transaction was not run');
    return result.value;
  } finally {
    await session.endSession();
  }
}

function clientOf(db: Database): SessionClient | undefined {
  const { client } = db as unknown as { client?: Partial<SessionClient> };
  return typeof client?.startSession === 'function' ? (client as SessionClient) : undefined;
}
