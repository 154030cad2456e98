import { once } from 'node:events';
import type { Document } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import { createIdempotency, type IdempotencyOptions } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { callOf, type Result } from '../support/calls.ts';
import { failCommand } from '../support/fail-command.ts';
import { gate } from '../support/gate.ts';
import { uncounted } from '../support/uncounted-store.ts';
import { isUpdate, type OpenedStore, openEmptyStore, openStore } from './open-store.ts';

const MANY = 10_000;

function openProcess(opened: OpenedStore, options: Partial<IdempotencyOptions> = {}) {
  const idempotency = createIdempotency({ store: opened.store, ...options });
  let runs = 0;
  const call = (key: string, result: Promise<Result> = Promise.resolve({ data: key })) =>
    internalsOf(idempotency).execute(
      callOf(
        idempotency,
        () => {
          runs++;
          return result;
        },
        { key },
      ),
    );
  return { idempotency, call, runs: () => runs };
}

const outcomes = async (calls: readonly Promise<{ replayed: boolean }>[]) => {
  const tally: Record<string, number> = {};
  for (const answer of await Promise.allSettled(calls)) {
    const name =
      answer.status === 'rejected' ? answer.reason.reason : answer.value.replayed ? 'replayed' : 'ran';
    tally[name] = (tally[name] ?? 0) + 1;
  }
  return tally;
};

const claimsIn = (sent: readonly Document[], key: string) =>
  sent
    .filter(isUpdate)
    .flatMap(({ updates }) => updates.filter(({ q }: Document) => q.key === key && !q.owner));

describe('thousands of duplicates of one key in one moment', () => {
  it('cost one claim and a handful of commands, and neither they nor another key are refused', async () => {
    await using opened = await openEmptyStore();
    uncounted(opened.store);
    // A busy machine may take long to make so many calls: this test looks at their cost, not at the time.
    const { idempotency, call, runs } = openProcess(opened, { waitTimeoutMs: 100_000 });
    await idempotency.ready();
    opened.sent.length = 0;
    const done = gate<Result>();
    const duplicates = Array.from({ length: MANY }, () => call('k', done));
    const other = call('other');
    expect(await other).toMatchObject({ replayed: false });
    done.open({ data: 'done' });
    expect(await outcomes(duplicates)).toEqual({ ran: 1, replayed: MANY - 1 });
    expect(runs()).toBe(2);
    expect(claimsIn(opened.sent, 'k')).toHaveLength(1);
    // Of both keys: their claims and their completions.
    expect(opened.sent.length).toBeLessThanOrEqual(4);
  }, 120_000);

  it('get the answer of another process, for one claim', async () => {
    await using opened = await openEmptyStore();
    const { idempotency, call, runs } = openProcess(opened);
    await call('k');
    opened.sent.length = 0;
    // A process that has not seen the run.
    const second = openProcess({ ...opened, store: createMongoStore({ db: opened.database.db }) });
    const duplicates = Array.from({ length: MANY }, () => second.call('k'));
    expect(await outcomes(duplicates)).toEqual({ replayed: MANY });
    expect([runs(), second.runs()]).toEqual([1, 0]);
    expect(claimsIn(opened.sent, 'k')).toHaveLength(1);
    await Promise.all([idempotency.close(), second.idempotency.close()]);
  });

  it('run one after the other when each releases the key', async () => {
    await using opened = await openEmptyStore();
    const { call, runs } = openProcess(opened);
    const calls = Array.from({ length: 20 }, () => call('k', Promise.resolve({ refused: 'not now' })));
    expect(await outcomes(calls)).toEqual({ ran: 20 });
    expect(runs()).toBe(20);
  });

  it('are refused with the claim that failed for all of them, and the next one may run', async () => {
    const appName = 'flooded';
    await using opened = await openStore({ client: { appName }, timeoutMs: 500 });
    const { idempotency, call } = openProcess(opened);
    await idempotency.ready();
    {
      await using _down = await failCommand(opened.database.client, {
        failCommands: ['update'],
        appName,
        errorCode: 112,
      });
      const failed = once(opened.database.client, 'commandFailed');
      const first = call('k');
      await failed; // from here on it is known why, however long the machine takes to make the other calls
      const calls = [first, ...Array.from({ length: MANY - 1 }, () => call('k'))];
      expect(await outcomes(calls)).toEqual({ unreachable: MANY });
    }
    let answer: { replayed: boolean } | undefined;
    while (!answer) answer = await call('k').catch(() => undefined);
    expect(answer).toMatchObject({ replayed: false });
  });
});
