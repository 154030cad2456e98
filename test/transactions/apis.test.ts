import type { Db } from 'mongodb';
import { describe, expect, test } from 'vitest';
import { currentRun } from '../../server/index.ts';
import { gate } from '../support/gate.ts';
import { book } from './ledger-app.ts';
import { conflict, duplicate, sessionOfRun } from './misfortunes.ts';
import { openLedger } from './open-ledger.ts';
import { ORDER_APIS } from './order-client.ts';

describe.concurrent.each(Object.entries(ORDER_APIS))('%s: a handler in a transaction', (_, order) => {
  test('leaves its effects and its outcome together; a retry replays and adds nothing', async () => {
    await using ledger = await openLedger(book);
    const first = await order({ url: ledger.url, key: 'k', amount: 5 });
    expect(first.receipt).toEqual({ id: expect.any(String), amount: 5 });
    expect(await order({ url: ledger.url, key: 'k', amount: 5 })).toEqual({ ...first, replayed: true });
    const record = await ledger.record('k');
    expect(await ledger.rows()).toMatchObject([{ id: first.receipt?.id, fence: record?.fence }]);
    expect(record).toMatchObject({ state: 'completed', transactional: true, attempts: 1 });
    expect(ledger.types()).toEqual(['started', 'completed', 'replayed']);
  });

  test('duplicates in the same process get the result, once it is committed', async () => {
    const release = gate();
    await using ledger = await openLedger(async (db, amount) => {
      await release;
      return book(db, amount);
    });
    const answers = Array.from({ length: 10 }, () => order({ url: ledger.url, key: 'k' }));
    release.open();
    const bodies = new Set((await Promise.all(answers)).map(({ body }) => body));
    expect(bodies.size).toBe(1);
    expect(await ledger.rows()).toHaveLength(1);
    expect(ledger.runs).toBe(1);
  });

  test('goes on when the client hangs up', async () => {
    const written = gate();
    const release = gate();
    await using ledger = await openLedger(async (db, amount) => {
      const receipt = await book(db, amount);
      written.open();
      await release;
      return receipt;
    });
    const client = new AbortController();
    const lost = order({ url: ledger.url, key: 'k', signal: client.signal }).catch(() => 'lost');
    await written;
    client.abort();
    expect(await lost).toBe('lost');
    release.open();
    const retry = await order({ url: ledger.url, key: 'k' });
    expect(retry).toMatchObject({ receipt: { id: expect.any(String), amount: 1 }, replayed: true });
    expect(await ledger.rows()).toMatchObject([{ id: retry.receipt?.id }]);
  });

  test('that fails leaves no effect, and its error is the stored outcome', async () => {
    await using ledger = await openLedger(async (db, amount) => {
      await book(db, amount);
      throw new Error('card declined');
    });
    const first = await order({ url: ledger.url, key: 'k' });
    expect(first).toMatchObject({ receipt: undefined, code: undefined, replayed: false });
    expect(await order({ url: ledger.url, key: 'k' })).toEqual({ ...first, replayed: true });
    expect(await ledger.rows()).toEqual([]);
    expect(ledger.runs).toBe(1);
  });

  test('whose transaction meets a conflict runs again, with another session', async () => {
    const sessions = new Set<unknown>();
    await using ledger = await openLedger(async (db, amount, before) => {
      sessions.add(sessionOfRun());
      const receipt = await book(db, amount);
      if (before < 2) await conflict(db);
      return receipt;
    });
    const answer = await order({ url: ledger.url, key: 'k' });
    expect(await ledger.rows()).toMatchObject([{ id: answer.receipt?.id }]);
    expect(ledger.runs).toBe(3);
    expect(sessions.size).toBe(3);
    expect(ledger.types()).toEqual(['started', 'transaction_retried', 'transaction_retried', 'completed']);
    expect(await ledger.record('k')).toMatchObject({ attempts: 1 });
  });

  test('that makes an error of its own out of a conflict runs again all the same', async () => {
    await using ledger = await openLedger(async (db, amount, before) => {
      const receipt = await book(db, amount);
      if (before > 0) return receipt;
      return conflict(db).then(
        () => receipt,
        () => Promise.reject(new Error('the database is busy')),
      );
    });
    const answer = await order({ url: ledger.url, key: 'k' });
    expect(await ledger.rows()).toMatchObject([{ id: answer.receipt?.id }]);
    expect(ledger.runs).toBe(2);
  });

  test('that lets a duplicate key be seen fails once, with that error', async () => {
    await using ledger = await openLedger(async (db, amount) => {
      const receipt = await book(db, amount);
      await duplicate(db);
      return receipt;
    });
    const first = await order({ url: ledger.url, key: 'k' });
    expect(first.body).toContain('E11000');
    expect(await order({ url: ledger.url, key: 'k' })).toEqual({ ...first, replayed: true });
    expect(ledger.runs).toBe(1);
    expect(await ledger.rows()).toEqual([]);
  });

  test.each([
    ['and returns', (_db: Db) => {}],
    ['and goes on in the same transaction', (db: Db) => book(db, 1)],
  ])('that hides a duplicate key %s ends in a clear error, and leaves the key free', async (_how, next) => {
    await using ledger = await openLedger(async (db, amount, before) => {
      const receipt = await book(db, amount);
      if (before >= 3) return receipt; // mended
      await duplicate(db).catch(() => {});
      await next(db);
      return receipt;
    });
    const answer = await order({ url: ledger.url, key: 'k' });
    expect(answer).toMatchObject({ receipt: undefined, code: undefined });
    expect(ledger.runs).toBe(3);
    expect(await ledger.rows()).toEqual([]);
    expect(await ledger.record('k')).toMatchObject({
      state: 'released',
      history: [{ reason: 'transaction gone' }],
    });
    const retry = await order({ url: ledger.url, key: 'k', amount: 2 });
    expect(await ledger.rows()).toMatchObject([{ id: retry.receipt?.id }]);
  });

  test('that asks for a release, or does not know, leaves no effect; its word counts', async () => {
    await using ledger = await openLedger(async (db, amount) => {
      const receipt = await book(db, amount);
      if (amount === 1) currentRun()?.release('rate limited');
      else currentRun()?.inDoubt('provider timed out');
      return receipt;
    });
    expect(await order({ url: ledger.url, key: 'released', amount: 1 })).toMatchObject({
      receipt: { amount: 1 },
    });
    expect(await ledger.record('released')).toMatchObject({ state: 'released' });
    await order({ url: ledger.url, key: 'doubted', amount: 2 });
    expect(await ledger.record('doubted')).toMatchObject({ state: 'in_doubt' });
    expect(await order({ url: ledger.url, key: 'doubted', amount: 2 })).toMatchObject({
      code: 'IDEMPOTENCY_IN_DOUBT',
    });
    expect(await ledger.rows()).toEqual([]);
  });

  test('that takes longer than its lease allows is told so, leaves nothing, and the key is free', async () => {
    await using ledger = await openLedger(
      async (db, amount, before) => {
        const receipt = await book(db, amount);
        if (before > 0) return receipt;
        const signal = currentRun()?.signal as AbortSignal;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return receipt;
      },
      { policy: { leaseMs: 2_000 } },
    );
    const answer = await order({ url: ledger.url, key: 'k' });
    expect(answer).toMatchObject({ receipt: undefined, code: 'IDEMPOTENCY_STORE_UNAVAILABLE' });
    expect(await ledger.rows()).toEqual([]);
    expect(await ledger.record('k')).toMatchObject({
      state: 'released',
      history: [{ reason: 'out of time' }],
    });
    const retry = await order({ url: ledger.url, key: 'k' });
    expect(await ledger.rows()).toMatchObject([{ id: retry.receipt?.id }]);
  });
});
