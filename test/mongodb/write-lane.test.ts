import type { Document } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { completed, freshClaim } from '../../server/testing/contract/requests.ts';
import { COLLECTION, isUpdate, openEmptyStore } from './open-store.ts';

/**
 * How many statements, or documents to insert, each command is the first to carry: a slow one's go again, by themselves, on a busy
 * machine.
 */
function statementsOf(commands: readonly Document[]): number[] {
  const seen = new Set<unknown>();
  return commands
    .filter((command) => isUpdate(command) || 'insert' in command)
    .map(({ updates = [], documents = [] }) => {
      const before = seen.size;
      for (const { q, upsert } of updates) seen.add(`${q.key} ${upsert}`);
      for (const { key } of documents) seen.add(`${key} true`);
      return seen.size - before;
    })
    .filter((count) => count > 0);
}

describe('group commit', () => {
  it('an idle store sends at once, one statement in one command', async () => {
    await using opened = await openEmptyStore();
    const held = await opened.win();
    await opened.store.settle(held, completed);
    expect(statementsOf(opened.sent)).toEqual([1, 1]);
  });

  it('what comes in one turn of the event loop goes together, though Node.js tells of each by itself', async () => {
    await using opened = await openEmptyStore();
    const wins = Array.from(
      { length: 20 },
      () => new Promise((resolve) => setImmediate(() => resolve(opened.win()))),
    );
    await Promise.all(wins);
    expect(statementsOf(opened.sent)).toEqual([20]);
  });

  it('what comes together goes together, at most 200 statements a command', async () => {
    await using opened = await openEmptyStore();
    await Promise.all(Array.from({ length: 1_000 }, () => opened.win()));
    const counts = statementsOf(opened.sent);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(1_000);
    expect(Math.max(...counts)).toBe(200);
    expect(counts).toHaveLength(5);
  });

  it('a command holds about 8 MB, and a larger statement goes alone', async () => {
    await using opened = await openEmptyStore();
    const held = await Promise.all(Array.from({ length: 6 }, () => opened.win()));
    opened.sent.length = 0;
    const sizes = [1, 3, 3, 3, 12, 1].map((megabytes) => megabytes * 1_048_576);
    await Promise.all(
      held.map((one, index) => {
        const bytes = sizes[index] ?? 0;
        const response = { format: 'test/1', body: 'x'.repeat(bytes), bytes };
        return opened.store.settle(one, { ...completed, response });
      }),
    );
    expect(statementsOf(opened.sent)).toEqual([3, 1, 1, 1]);
  });

  it('completions do not queue behind claims', async () => {
    await using opened = await openEmptyStore();
    const held = await opened.win();
    opened.sent.length = 0;
    const claims = Array.from({ length: 900 }, () => opened.store.claim(freshClaim()));
    const settled = opened.store.settle(held, completed);
    await Promise.all([...claims, settled]);
    const completions = opened.sent.findIndex(({ updates }) => updates?.[0]?.q.owner === held.owner);
    expect(completions).toBeGreaterThanOrEqual(0);
    expect(completions).toBeLessThan(4);
  });

  it('each command is bounded in time and asks for a majority', async () => {
    await using opened = await openEmptyStore({ timeoutMs: 2_000 });
    await opened.win();
    const [command] = opened.sent.filter(isUpdate);
    expect(command).toMatchObject({
      update: COLLECTION,
      ordered: false,
      writeConcern: { w: 'majority', wtimeout: 500 },
      maxTimeMS: 500,
      updates: [{ collation: { locale: 'simple' } }],
    });
    expect(command).not.toHaveProperty('txnNumber');
  });
});
