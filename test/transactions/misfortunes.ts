import type { ClientSession, Db } from 'mongodb';
import { currentRun } from '../../server/index.ts';

/** As a handler passes it on: to the driver's calls, without a cast. */
export function sessionOfRun(): ClientSession {
  const session = currentRun()?.session;
  if (!session) throw new Error('Expected to be in a transaction');
  return session;
}

/** Writes to a document that somebody else has changed since this transaction saw it. */
export async function conflict(db: Db): Promise<void> {
  const accounts = db.collection('accounts');
  await accounts.findOne({}, { session: sessionOfRun() });
  await accounts.updateOne({ name: 'shop' }, { $inc: { n: 1 } }, { upsert: true });
  await accounts.updateOne({ name: 'shop' }, { $inc: { n: 1 } }, { session: sessionOfRun() });
}

/** An operation that fails for good, and with it the transaction. */
export async function duplicate(db: Db): Promise<void> {
  await db.collection('emails').insertOne({ _id: 'taken' as never }, { session: sessionOfRun() });
}
