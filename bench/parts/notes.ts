import { newIdempotencyKey } from '../../plugin/key/index.ts';
import { createIdempotency, isIdempotencyError } from '../../server/index.ts';
import { createMongoStore, type MongoStore } from '../../server/mongodb/index.ts';
import { inProcess } from '../measure/in-process.ts';
import { interleaved, type Variant } from '../measure/interleaved.ts';
import { figureRows } from '../report/figure-row.ts';
import type { Part } from './part.ts';

const CALLERS = 32;
/** So many keys have refused calls: a process counts up to 1,000. */
const REUSED = 500;

/**
 * What the notes about calls cost them: the counts of refused calls, and the sample by which duplicates are suspected. Beside each is the
 * same process with a store that takes no notes. Evidence is asked for by the dashboard alone, so it costs no call anything.
 */
export const notesPart: Part = async ({ database, rounds }) => {
  const { db } = database;
  const turn =
    (takesNotes: boolean, calls: (idempotency: Calls) => Promise<() => Promise<unknown>>): Variant =>
    async (seconds) => {
      const store = createMongoStore({ db });
      const idempotency = createIdempotency({ store: takesNotes ? store : withoutNotes(store) });
      await idempotency.ready();
      const run = await calls(idempotency);
      // The notes of a turn are written within it.
      return inProcess(database, { seconds, callers: CALLERS, end: () => idempotency.close() }, run);
    };
  const both = (calls: (idempotency: Calls) => Promise<() => Promise<unknown>>) =>
    interleaved({ 'without notes': turn(false, calls), 'with notes': turn(true, calls) }, rounds);
  const format = { of: 'without', app: 'app' };
  const rows = [
    ...figureRows(await both(fresh), { lead: { calls: 'fresh' }, ...format }),
    ...figureRows(await both(refused), { lead: { calls: 'refused' }, ...format }),
  ];
  return [{ name: 'notes', title: `Notes about calls, ${CALLERS} callers in one process`, rows }];
};

type Calls = Pick<ReturnType<typeof createIdempotency>, 'run'>;

const done = () => ({ ok: true });

/** Each call has a key and a request of its own: as much as the sample can have to do. */
async function fresh(idempotency: Calls) {
  let amount = 0;
  return () => {
    amount += 1;
    const call = { scope: 'global', key: newIdempotencyKey(), operation: 'order', input: { amount } };
    return idempotency.run(call, done);
  };
}

/** Each call has the key of another request. */
async function refused(idempotency: Calls) {
  const keys = Array.from({ length: REUSED }, newIdempotencyKey);
  const call = (key: string, amount: number) =>
    idempotency.run({ scope: 'global', key, operation: 'order', input: { amount } }, done);
  await Promise.all(keys.map((key) => call(key, 1)));
  let next = 0;
  return async () => {
    next += 1;
    const code = await call(keys[next % REUSED] as string, 2).then(
      () => 'none',
      (error: unknown) => (isIdempotencyError(error) ? error.code : String(error)),
    );
    if (code !== 'IDEMPOTENCY_KEY_REUSED') throw new Error(`Expected each call to be refused, got ${code}`);
  };
}

/** The same store, but for that it takes no notes. */
function withoutNotes(store: MongoStore): MongoStore {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(store)).filter((name) => name !== 'note');
  const members = names.flatMap((name) => {
    const member: unknown = Reflect.get(store, name);
    return typeof member === 'function' ? [[name, member.bind(store)]] : [];
  });
  return { ...store, ...Object.fromEntries(members) };
}
