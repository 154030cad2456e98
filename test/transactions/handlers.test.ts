import { describe, expect, test } from 'vitest';
import { currentRun } from '../../server/index.ts';
import { gate } from '../support/gate.ts';
import { book } from './ledger-app.ts';
import { conflict, sessionOfRun } from './misfortunes.ts';
import { openLedger } from './open-ledger.ts';
import { ORDER_APIS } from './order-client.ts';

// What is the same for all APIs is shown by one of them.
const order = ORDER_APIS.tRPC;

describe('a handler in a transaction', () => {
  test('nobody sees anything of it before that', async () => {
    const written = gate();
    const release = gate();
    await using ledger = await openLedger(async (db, amount) => {
      const receipt = await book(db, amount);
      written.open();
      await release;
      return receipt;
    });
    const answer = order({ url: ledger.url, key: 'k' });
    await written;
    expect(await ledger.rows()).toEqual([]);
    expect(await ledger.record('k')).toMatchObject({ state: 'running' });
    release.open();
    const { receipt } = await answer;
    expect(receipt).toMatchObject({ id: expect.any(String) });
    expect(await ledger.rows()).toMatchObject([{ id: receipt?.id }]);
  });

  test.each(['release', 'in_doubt'] as const)('`classify` says %s: nothing is committed', async (verdict) => {
    await using ledger = await openLedger(book, { policy: { classify: () => verdict } });
    await order({ url: ledger.url, key: 'k' });
    expect(await ledger.rows()).toEqual([]);
    expect((await ledger.record('k'))?.state).toBe(verdict === 'release' ? 'released' : 'in_doubt');
  });

  test('`classify` frees the key after an error', async () => {
    await using ledger = await openLedger(
      async (db, amount, before) => {
        const receipt = await book(db, amount);
        if (before === 0) throw new Error('out of stock');
        return receipt;
      },
      { policy: { classify: ({ outcome }) => (outcome === 'error' ? 'release' : 'store') } },
    );
    expect((await order({ url: ledger.url, key: 'k' })).receipt).toBeUndefined();
    const retry = await order({ url: ledger.url, key: 'k' });
    expect(await ledger.rows()).toMatchObject([{ id: retry.receipt?.id }]);
  });

  test('that is always in conflict gives up within its lease', async () => {
    await using ledger = await openLedger(
      async (db, amount) => {
        const receipt = await book(db, amount);
        await conflict(db);
        return receipt;
      },
      { policy: { leaseMs: 2_000 } },
    );
    expect(await order({ url: ledger.url, key: 'k' })).toMatchObject({
      code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
    });
    expect(await ledger.record('k')).toMatchObject({ state: 'released' });
    expect(await ledger.rows()).toEqual([]);
  });

  test('what it leaves behind can write nothing, in no transaction and outside of all', async () => {
    const left = gate<unknown>();
    const settled = gate();
    await using ledger = await openLedger(async (db, amount, before) => {
      const receipt = await book(db, amount);
      if (before > 0) return receipt;
      const session = sessionOfRun();
      settled
        .then(() => db.collection('ledger').insertOne({ id: 'left behind' }, { session }))
        .then(
          () => left.open('written'),
          (error) => left.open(error),
        );
      await conflict(db);
      return receipt;
    });
    await order({ url: ledger.url, key: 'k' });
    settled.open();
    expect(await left).toMatchObject({ name: 'MongoExpiredSessionError' });
    expect(await ledger.rows()).toHaveLength(1);
  });

  test.each(['commitTransaction', 'abortTransaction', 'endSession'] as const)(
    'that calls %s itself has an outcome that nobody can vouch for',
    async (end) => {
      await using ledger = await openLedger(async (db, amount) => {
        const receipt = await book(db, amount);
        await sessionOfRun()[end]();
        return receipt;
      });
      expect((await order({ url: ledger.url, key: 'k' })).receipt).toBeUndefined();
      expect(await ledger.record('k')).toMatchObject({ state: 'in_doubt' });
      expect(await order({ url: ledger.url, key: 'k' })).toMatchObject({ code: 'IDEMPOTENCY_IN_DOUBT' });
    },
  );

  test('that asked for a release before its transaction met a conflict runs again, and what it asked for is forgotten', async () => {
    await using ledger = await openLedger(async (db, amount, before) => {
      const receipt = await book(db, amount);
      if (before > 0) return receipt;
      currentRun()?.release('anything that fails');
      await conflict(db);
      return receipt;
    });
    const answer = await order({ url: ledger.url, key: 'k' });
    expect(await ledger.rows()).toMatchObject([{ id: answer.receipt?.id }]);
    expect(await ledger.record('k')).toMatchObject({ state: 'completed', history: [] });
  });

  test('that does not know what it did elsewhere does not run again, whatever its transaction met', async () => {
    await using ledger = await openLedger(async (db, amount) => {
      const receipt = await book(db, amount);
      currentRun()?.inDoubt('provider timed out');
      await conflict(db);
      return receipt;
    });
    await order({ url: ledger.url, key: 'k' });
    expect(ledger.runs).toBe(1);
    expect(await ledger.record('k')).toMatchObject({ state: 'in_doubt' });
  });
});
