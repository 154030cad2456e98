import { describe, expect, test } from 'vitest';
import { currentRun, type Run } from '../../server/index.ts';
import { gate } from '../support/gate.ts';
import { book } from './ledger-app.ts';
import { openLedger } from './open-ledger.ts';
import { ORDER_APIS } from './order-client.ts';

const policy = { maxRunMs: 1_000, leaseMs: 20_000 };

describe.concurrent.each(Object.entries(ORDER_APIS))(
  '%s: a handler that takes longer than maxRunMs',
  (_, order) => {
    test('in a transaction keeps nothing, tells its caller to retry, and the key is free when it ends', async () => {
      const [end, ended] = [gate(), gate()];
      let first: Run | undefined;
      await using ledger = await openLedger(
        async (db, amount, before) => {
          const receipt = await book(db, amount);
          if (before > 0) return receipt;
          first = currentRun();
          await end;
          ended.open();
          return receipt;
        },
        { policy },
      );
      expect(await order({ url: ledger.url, key: 'k' })).toMatchObject({
        code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
      });
      expect(first?.signal.aborted).toBe(true);
      expect(await ledger.rows()).toEqual([]);
      expect(await ledger.record('k')).toMatchObject({ state: 'running' }); // nobody runs it while the first one may go on
      const retry = order({ url: ledger.url, key: 'k' });
      end.open();
      await ended;
      expect((await retry).receipt).toEqual({ id: expect.any(String), amount: 1 });
      expect(await ledger.rows()).toMatchObject([{ id: (await retry).receipt?.id }]);
      expect(ledger.types()).toContain('released');
    });

    test('without one leaves its key in doubt; what it ends with is recorded, and a retry gets that', async () => {
      const end = gate();
      await using ledger = await openLedger(
        async (_, amount) => {
          await end;
          return { id: 'late', amount };
        },
        { policy: { ...policy, transaction: false } },
      );
      expect(await order({ url: ledger.url, key: 'k' })).toMatchObject({ code: 'IDEMPOTENCY_IN_DOUBT' });
      expect(await order({ url: ledger.url, key: 'k' })).toMatchObject({ code: 'IDEMPOTENCY_IN_DOUBT' });
      expect(await ledger.record('k')).toMatchObject({ state: 'in_doubt' });
      const completed = ledger.next('completed');
      end.open();
      await completed;
      expect(await order({ url: ledger.url, key: 'k' })).toMatchObject({
        receipt: { id: 'late' },
        replayed: true,
      });
      expect(ledger.runs).toBe(1);
    });
  },
);
