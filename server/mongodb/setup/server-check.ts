import { isIdempotencyError } from '../../engine/errors.ts';
import { withHelp } from '../../engine/with-help.ts';
import type { Collection, Document } from '../database.ts';
import { persistently } from '../deadline.ts';
import { shell } from '../indexes.ts';
import { failureOf, isTransient, mayMissIndex } from '../server-errors.ts';
import type { StatementError } from '../writes/update-command.ts';
import { withReason } from '../writes/with-reason.ts';
import { tryWrites } from './probe.ts';
import { provideIndexes } from './provide-indexes.ts';
import { actionsFor, isUnauthorized, messageOf, refusalOfRights } from './rights.ts';
import { refusalOfStandalone, refusalOfTransactions, refusalOfUninitiated } from './standalone.ts';

/** MongoDB 6.0. */
const WIRE_VERSION = 17;
const FAILED_VALIDATION = 121;

export interface ServerNeeds {
  readonly indexes: 'create' | 'check';
  readonly transactions: boolean;
  readonly allowStandalone: boolean;
  readonly readOnly?: boolean;
}

/** A `Problem` says what is wrong with the set-up, and the fix. */
interface Problem {
  readonly text: string;
  readonly cause?: unknown;
}

/** Who asks for the check is told on the way: */
export interface CheckListener {
  /** The server is a standalone one, and that is allowed. */
  onStandalone(): void;
  /** The server has answered `hello`, which was sent at this time of `performance.now()`. */
  onHello?(sentAt: number, reply: Document): void;
}

/**
 * Checks the server, makes the indexes that are missing and tries the writes that keys need; other processes may be doing
 * the same.
 * @throws Error that says what is wrong with the set-up and how to mend it
 * @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE whose cause says which server did not answer
 */
export async function prepareServer(
  collection: Collection,
  needs: ServerNeeds,
  until: number,
  listener: CheckListener,
): Promise<void> {
  let problem: Problem | undefined;
  try {
    problem = await persistently(until, () => problemOf(collection, needs, listener), {
      copies: false,
    });
  } catch (error) {
    throw withReason(error, collection.db);
  }
  if (problem) throw new Error(withHelp(problem.text, 'ready'), { cause: problem.cause });
}

async function problemOf(
  collection: Collection,
  needs: ServerNeeds,
  { onStandalone, onHello }: CheckListener,
): Promise<Problem | undefined> {
  try {
    const sentAt = performance.now();
    const hello = await collection.run({ hello: 1 });
    onHello?.(sentAt, hello);
    const isStandalone = !hello.setName && hello.msg !== 'isdbgrid';
    const text =
      obstacleOf(collection, needs, hello, isStandalone) ??
      (await obstacleOfKind(collection)) ??
      (await obstacleOfUse(collection, needs, isStandalone));
    if (text !== undefined) return { text };
    if (isStandalone) onStandalone();
    return undefined;
  } catch (error) {
    return await denied(collection, needs, error);
  }
}

function obstacleOf(
  { db, namespace, hasSessions }: Collection,
  { transactions, allowStandalone }: ServerNeeds,
  hello: Document,
  isStandalone: boolean,
): string | undefined {
  if (Number(hello.maxWireVersion) < WIRE_VERSION) {
    return `Expected MongoDB 6.0 or later, got a server of wire version ${hello.maxWireVersion} (6.0 has ${WIRE_VERSION})`;
  }
  if (hello.isreplicaset) return refusalOfUninitiated(db, namespace);
  if (isStandalone && transactions) return refusalOfTransactions(db, namespace);
  if (isStandalone && !allowStandalone) return refusalOfStandalone(db, namespace);
  return transactions && !hasSessions
    ? 'A policy has `transaction: true`, but `db` has no `client.startSession`. Fix: pass a Db of the MongoDB driver'
    : undefined;
}

/** A capped collection forgets keys when it is full, and neither a view nor a time series has a unique index. */
export async function obstacleOfKind(collection: Collection): Promise<string | undefined> {
  const { name, namespace } = collection;
  let found: { type?: string; options?: { capped?: boolean } } | undefined;
  try {
    const { cursor } = await collection.run({ listCollections: 1, filter: { name } });
    [found] = (cursor as { firstBatch: (typeof found)[] }).firstBatch;
  } catch (error) {
    // A role of the host's own needs no right to list collections for the sake of this.
    if (isUnauthorized(error)) return undefined;
    throw error;
  }
  const kind = found?.options?.capped ? 'a capped collection' : KINDS[found?.type ?? 'collection'];
  return kind && `${namespace} is ${kind}, which can not hold keys. Fix: let \`collection\` name another one`;
}

const KINDS: Readonly<Record<string, string>> = { view: 'a view', timeseries: 'a time series' };

async function obstacleOfUse(
  collection: Collection,
  { indexes, readOnly }: ServerNeeds,
  isStandalone: boolean,
): Promise<string | undefined> {
  const { refused, lock } = await provideIndexes(collection, indexes);
  if (refused !== undefined || readOnly) return refused;
  const inTransaction = collection.hasSessions && !isStandalone;
  const failed = await tryWrites(collection, { lock, inTransaction });
  return failed && refusedWrite(collection, failed);
}

/** @throws Error for what may pass: the next attempt looks again */
function refusedWrite(collection: Collection, failed: StatementError): string {
  if (isTransient(failed.code)) throw Object.assign(new Error(failed.errmsg), { code: failed.code });
  // The lock was there a moment ago, so another process is dropping it or making it. An error without a code counts as one
  // that may pass.
  if (mayMissIndex(failed.code) && /\bhint\b/.test(failed.errmsg)) throw new Error(failed.errmsg);
  if (failed.code !== FAILED_VALIDATION)
    return `${collection.namespace} does not take the records of keys: ${failed.errmsg}`;
  const command = shell(collection, { collMod: collection.name, validator: {} });
  return (
    `${collection.namespace} has a validator that refuses the records of keys${detailsOf(failed)}. ` +
    `Fix: use a collection of its own, or ${command}`
  );
}

const MOST_DETAILS = 1_000;

function detailsOf({ errInfo }: StatementError): string {
  const details = (errInfo as { details?: unknown } | undefined)?.details;
  return details === undefined ? '' : `: ${JSON.stringify(details).slice(0, MOST_DETAILS)}`;
}

/** @throws the error itself when waiting may help */
async function denied(collection: Collection, needs: ServerNeeds, error: unknown): Promise<Problem> {
  if (isIdempotencyError(error)) throw error;
  const failure = failureOf(error);
  if (failure !== 'denied' && failure !== 'rejected') throw error;
  if (isUnauthorized(error)) {
    return { text: await refusalOfRights(collection, actionsFor(needs), error), cause: error };
  }
  const what = LOGIN_FAILURES.includes((error as { code?: number }).code ?? 0)
    ? `The server of ${collection.namespace} refuses the login of \`db\`'s client: ${messageOf(error)}. Fix: its user, password, authSource or authMechanism`
    : `${collection.namespace} can not be used for keys: ${messageOf(error)}`;
  return { text: what, cause: error };
}

/** A failed login has the code of UserNotFound or AuthenticationFailed, or Atlas's code for both. */
const LOGIN_FAILURES = [11, 18, 8000];
