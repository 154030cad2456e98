import type { Db } from 'mongodb';
import { createIdempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import type { Answer } from '../support/callers.ts';
import type { FreshDatabase } from '../support/database.ts';
import { startWorker, type WorkerProcess } from '../support/worker.ts';
import { CELLS, type Cell, keyOf, type Mode } from './boundaries.ts';
import { CHARGE_APIS, effectsOf, FOUND, PATIENCE, type Receipt, startChargeApp } from './charge-app.ts';
import type { MatrixWorkerMessage } from './matrix-worker.ts';

/** What became of one cell. */
export interface Fate extends Cell {
  /** What the client of the killed process got. */
  readonly client: string;
  /** The record that the killed process left, and the effects that stand. */
  readonly record: string;
  readonly effects: string;
  /** What a client gets that sends the key again, to another process. */
  readonly retry: string;
  readonly recordThen: string;
  readonly effectsThen: string;
  /** What each further retry gets. */
  readonly later: string;
}

/**
 * Brings a call to each boundary, in each mode, by each API, kills their process with SIGKILL when all of them are there, and sends each key
 * again to another server. Those retries wait until the leases have lapsed.
 */
export async function playMatrix({
  db,
  uri,
  name,
}: Pick<FreshDatabase, 'db' | 'uri' | 'name'>): Promise<readonly Fate[]> {
  const worker = await startWorker(new URL('./matrix-worker.ts', import.meta.url), { args: [uri, name] });
  const lost = new Map<string, string>();
  try {
    const first = await worker.next<MatrixWorkerMessage>();
    if (!('urls' in first)) throw new Error(`Expected urls first, got ${JSON.stringify(first)}`);
    const calls = CELLS.map(async (cell) => {
      const answer = await callTo(first.urls, cell).catch(() => undefined);
      lost.set(keyOf(cell), answer ? inWords(answer) : 'no answer');
      return { cell, answer };
    });
    const answered = calls.filter((_, index) => CELLS[index]?.boundary === 'answer sent');
    await Promise.race([
      Promise.all([allHeld(worker, CELLS.length - answered.length), ...answered]),
      // A call that has an answer is past its boundary, so the others would wait for it for ever.
      ...calls.filter((call) => !answered.includes(call)).map(tooLate),
    ]);
    await worker.kill('SIGKILL');
    await worker.exit;
    await Promise.all(calls);
  } finally {
    await worker[Symbol.asyncDispose]();
  }
  const left = await standing(db);
  await endLeases(db);
  const { retries, afterwards, later } = await retried(db);
  return CELLS.map((cell, index) => {
    const key = keyOf(cell);
    return {
      ...cell,
      client: lost.get(key) ?? '',
      ...left(key),
      retry: inWords(retries[index] as Answer<Receipt>),
      recordThen: afterwards(key).record,
      effectsThen: afterwards(key).effects,
      later: isSame(retries[index], later[index]) ? 'the same' : inWords(later[index] as Answer<Receipt>),
    };
  });
}

async function allHeld(worker: WorkerProcess, count: number): Promise<void> {
  const held = new Set<string>();
  while (held.size < count) {
    const message = await worker.next<MatrixWorkerMessage>();
    if ('held' in message) held.add(message.held);
  }
}

/** Rejects when a call has an answer; the calls of the killed process have none. */
async function tooLate(call: Promise<{ cell: Cell; answer: Answer<Receipt> | undefined }>): Promise<never> {
  const { cell, answer } = await call;
  if (answer) throw new Error(`Expected ${keyOf(cell)} to be held, but it was answered: ${answer.body}`);
  return new Promise(() => {});
}

/** Time passes: what is left of the leases is a second, by the server's clock. */
async function endLeases(db: Db): Promise<void> {
  const leaseExpiresAt = { $add: ['$$NOW', 1_000] };
  await db.collection('idempotency_keys').updateMany({ state: 'running' }, [{ $set: { leaseExpiresAt } }]);
}

async function retried(db: Db) {
  const idempotency = createIdempotency({ store: createMongoStore({ db, timeoutMs: 60_000 }), ...PATIENCE });
  await using app = await startChargeApp(
    db,
    () => idempotency,
    async () => {},
  );
  const retry = () => Promise.all(CELLS.map((cell) => callTo(app.urls, cell)));
  const retries = await retry();
  const afterwards = await standing(db);
  const later = await retry();
  await idempotency.close();
  return { retries, afterwards, later };
}

const callTo = (urls: Record<Mode, string>, cell: Cell) =>
  CHARGE_APIS[cell.api]({ url: urls[cell.mode], key: keyOf(cell) });

/** The records and effects of all keys, in words. */
async function standing(db: Db) {
  const records = await db.collection('idempotency_keys').find().toArray();
  const effects = await effectsOf(db).find().toArray();
  return (key: string) => {
    const record = records.find((one) => one.key === key);
    const own = effects.filter((one) => one.key === key);
    const names = new Set(own.map(({ downstreamKey }) => downstreamKey));
    const isRepeated = own.length > 1 && names.size === 1;
    return {
      record: record ? String(record.state) : 'none',
      effects: isRepeated ? `${own.length}, of one downstream key` : String(own.length),
    };
  };
}

function inWords({ receipt, replayed, code, status }: Answer<Receipt>): string {
  if (!receipt) return code ?? String(status);
  if (receipt.id === FOUND) return 'what `resolve` found';
  return replayed ? 'the stored result' : `the result of attempt ${receipt.attempt}`;
}

/** A retry that ran gets its own result, and each later one the same as a replay. */
function isSame(one: Answer<Receipt> | undefined, other: Answer<Receipt> | undefined): boolean {
  return one?.body === other?.body && (other?.replayed === true || other?.receipt === undefined);
}
