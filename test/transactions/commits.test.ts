import { afterAll, describe, expect, test } from 'vitest';
import { mongoPort } from '../support/database.ts';
import { failCommand } from '../support/fail-command.ts';
import { gate } from '../support/gate.ts';
import { startMongod } from '../support/mongod/start-mongod.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { book } from './ledger-app.ts';
import { openLedger } from './open-ledger.ts';
import { ORDER_APIS } from './order-client.ts';

// Of the codes that leave a commit unknown, the one after which the driver does not look for another primary.
const MAX_TIME_EXPIRED = 50;

const mongod = await startMongod({ parameters: { enableTestCommands: 1 } });
afterAll(() => mongod.stop());

describe.each(Object.entries(ORDER_APIS))('%s: the commit of a run', (_, order) => {
  test('whose answer the network loses: its caller gets the result, a retry replays it', async () => {
    await using proxy = await startProxy(mongoPort());
    await using ledger = await openLedger(book, { uri: proxy.uri });
    const lost = proxy.dropReply(['commitTransaction']);
    const answer = await order({ url: ledger.url, key: 'k' });
    await lost;
    expect(await ledger.rows()).toMatchObject([{ id: answer.receipt?.id }]);
    expect(await order({ url: ledger.url, key: 'k' })).toEqual({ ...answer, replayed: true });
    expect(ledger.runs).toBe(1);
  });

  test('after the lease was taken by another one: its effects are gone, and the other result stands', async () => {
    const written = gate();
    const release = gate();
    await using first = await openLedger(async (db, amount) => {
      const receipt = await book(db, amount);
      written.open();
      await release;
      return receipt;
    });
    const late = order({ url: first.url, key: 'k' });
    await written;
    // As a clock that jumps, or an operator, would have it.
    const keys = first.db.collection('idempotency_keys');
    await keys.updateOne({ key: 'k' }, { $set: { leaseExpiresAt: new Date(0) } });
    await using second = await openLedger(book, { db: first.db });
    const newer = await order({ url: second.url, key: 'k' });
    expect(newer).toMatchObject({ receipt: { id: expect.any(String), amount: 1 }, replayed: false });
    release.open();
    expect(await late).toMatchObject({ receipt: undefined, code: 'IDEMPOTENCY_LEASE_LOST' });
    // Whoever counts runs is told that this one has ended.
    expect(first.types().filter((type) => type === 'result_not_recorded')).toHaveLength(1);
    expect(await first.rows()).toMatchObject([{ id: newer.receipt?.id }]);
    expect(await order({ url: first.url, key: 'k' })).toEqual({ ...newer, replayed: true });
  });
});

test('a commit that nobody can tell about, by each API: its caller is told to ask again, and then gets what became of it', async () => {
  const policy = { leaseMs: 3_000, waitTimeoutMs: 20_000 };
  const store = { timeoutMs: 2_000 };
  await using ledger = await openLedger(book, { uri: mongod.uri, policy, store });
  const byEachApi = <T>(
    run: (order: (typeof ORDER_APIS)[keyof typeof ORDER_APIS], key: string) => Promise<T>,
  ) => Promise.all(Object.entries(ORDER_APIS).map(([key, order]) => run(order, key)));
  const ask = () => byEachApi((order, key) => order({ url: ledger.url, key }));
  {
    const data = {
      // An abort would tell.
      failCommands: ['commitTransaction', 'abortTransaction'],
      appName: ledger.appName,
      errorCode: MAX_TIME_EXPIRED,
    };
    await using _off = await failCommand(ledger.database.client, data);
    for (const answer of await ask()) expect(answer).toMatchObject({ code: 'IDEMPOTENCY_IN_PROGRESS' });
  }
  const retries = await ask();
  const rows = await ledger.rows();
  expect(rows).toHaveLength(retries.length);
  for (const { receipt } of retries)
    expect(rows).toContainEqual(expect.objectContaining({ id: receipt?.id }));
  expect(ledger.types().filter((type) => type === 'result_not_recorded')).toHaveLength(retries.length);
  await byEachApi(async (_order, key) =>
    expect(await ledger.record(key)).toMatchObject({ state: 'completed', attempts: 2 }),
  );
});

test('a commit that seems to have been refused, after its answer was lost: the record knows that it was done', async () => {
  await using proxy = await startProxy(mongod.port);
  await using ledger = await openLedger(book, { uri: proxy.uri });
  const data = {
    failCommands: ['commitTransaction'],
    appName: ledger.appName,
    errorCode: 251,
    errorLabels: ['TransientTransactionError'],
  };
  await using _off = await failCommand(ledger.database.client, data, { skip: 1 });
  void proxy.dropReply(['commitTransaction']);
  const answer = await ORDER_APIS.tRPC({ url: ledger.url, key: 'k' });
  expect(await ledger.rows()).toMatchObject([{ id: answer.receipt?.id }]);
  expect(ledger.runs).toBe(1);
});
