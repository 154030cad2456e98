import { expect, test } from 'vitest';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { key, startShop } from '../graphql/support.ts';
import { sendGraphQL } from '../support/callers.ts';
import { freshDatabase } from '../support/database.ts';
import { book } from './ledger-app.ts';
import { conflict } from './misfortunes.ts';
import { openLedger } from './open-ledger.ts';

type Executor = (args: object) => unknown;

const BOTH = 'mutation { order(amount: 1) { id amount } refund(amount: 2) { id amount } }';
const EACH =
  'mutation { order(amount: 1) @idempotent(key: "a") { id amount } refund(amount: 2) @idempotent(key: "b") { id amount } }';

test('the fields of an operation with one key are committed together', async () => {
  await using ledger = await openLedger(async (db, amount, before) => {
    const receipt = await book(db, amount);
    if (before === 1) await conflict(db);
    return receipt;
  });
  const first = await sendGraphQL({ url: ledger.url, key: 'k' }, BOTH);
  const { order, refund } = JSON.parse(first.body).data;
  expect(await ledger.rows()).toMatchObject([{ id: order.id }, { id: refund.id }]);
  expect(ledger.runs, 'both ran again after the conflict of one').toBe(4);
  expect(await sendGraphQL({ url: ledger.url, key: 'k' }, BOTH)).toEqual({
    ...first,
    replayed: true,
  });
});

test('one field that fails leaves nothing of the others, and the answer with its errors is what a retry gets', async () => {
  await using ledger = await openLedger(async (db, amount) => {
    const receipt = await book(db, amount);
    if (amount < 0) throw new Error('no refund');
    return receipt;
  });
  const first = await sendGraphQL({ url: ledger.url, key: 'k' }, BOTH);
  expect(JSON.parse(first.body)).toMatchObject({ data: null, errors: [{ message: 'no refund' }] });
  expect(await ledger.rows()).toEqual([]);
  expect(await sendGraphQL({ url: ledger.url, key: 'k' }, BOTH)).toEqual({
    ...first,
    replayed: true,
  });
});

test('fields with keys of their own have transactions of their own: one that fails leaves the other committed', async () => {
  await using ledger = await openLedger(async (db, amount) => {
    const receipt = await book(db, amount);
    if (amount < 0) throw new Error('no refund');
    return receipt;
  });
  const first = await sendGraphQL({ url: ledger.url }, EACH);
  expect(JSON.parse(first.body)).toMatchObject({ data: null, errors: [{ message: 'no refund' }] });
  expect(await ledger.rows()).toMatchObject([{ key: 'a' }]);
  expect(await ledger.record('a')).toMatchObject({ state: 'completed', outcome: 'success' });
  expect(await ledger.record('b')).toMatchObject({ state: 'completed', outcome: 'error' });
});

test('an executor that rejects by a conflict in the first transaction, and answers in the second: the client gets that answer', async () => {
  await using database = await freshDatabase();
  const { db } = database;
  let calls = 0;
  const rejectingOnce = {
    onExecute({ executeFn, setExecuteFn }: { executeFn: Executor; setExecuteFn(fn: Executor): void }) {
      setExecuteFn(async (args) => {
        if (calls++ === 0) await conflict(db);
        return executeFn(args);
      });
    },
  };
  await using shop = await startShop({
    before: [rejectingOnce as object],
    idempotency: { store: createMongoStore({ db }) },
    useIdempotency: { policy: { transaction: true } },
  });
  const body = { query: 'mutation { pay(amount: 5) }' };
  const first = await shop.post(body, key('k'));
  expect(first).toMatchObject({ status: 200, body: '{"data":{"pay":5}}', replayed: false });
  expect(calls).toBe(2);
  expect(await shop.post(body, key('k'))).toEqual({ ...first, replayed: true });
});

test('a mutation without a key runs without a transaction', async () => {
  await using ledger = await openLedger(book);
  const answer = await sendGraphQL({ url: ledger.url }, 'mutation { order(amount: 1) { id } }');
  expect(answer.body).toContain('Expected to be in a transaction');
});
