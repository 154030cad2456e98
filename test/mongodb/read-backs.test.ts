import type { ClientSession, CommandSucceededEvent, Document } from 'mongodb';
import { describe, expect, it } from 'vitest';
import type { ClaimRequest } from '../../server/engine/decide.ts';
import type { Held } from '../../server/engine/store.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { completed, freshClaim, rivalOf } from '../../server/testing/contract/requests.ts';
import { gate } from '../support/gate.ts';
import { isUpdate, type OpenedStore, openEmptyStore } from './open-store.ts';

const terms = { leaseMs: 60_000, unresolvedRetentionMs: 60_000 };
const step = { name: 'charge', value: { format: 'step/1', body: '1', bytes: 1 } };

/** A run that has lost its lapsed key to another one. */
async function lostRun(opened: OpenedStore): Promise<{ lost: Held; rival: ClaimRequest }> {
  const request = freshClaim({ leaseMs: -1 });
  const lost = await opened.win(request);
  const rival = rivalOf(request, { leaseMs: 60_000 });
  expect(await opened.store.takeOver(rival, lost, 'running')).toMatchObject({ won: true });
  return { lost, rival };
}

const WRITES: [string, (opened: OpenedStore, held: Held) => Promise<unknown>][] = [
  ['renewal', ({ store }, held) => store.renew(held, terms)],
  ['completion', ({ store }, held) => store.settle(held, completed)],
  ['step', ({ store }, held) => store.recordStep(held, step)],
];

describe.each(WRITES)('a %s of a run that has lost its key', (_, write) => {
  it('is not taken for applied because another one of its command was', async () => {
    await using opened = await openEmptyStore();
    const { lost, rival } = await lostRun(opened);
    const held = [await opened.win(), await opened.win()] as const;
    opened.sent.length = 0;
    const answers = await Promise.all([held[0], lost, held[1]].map((one) => write(opened, one)));
    expect(opened.sent.find(isUpdate)?.updates).toHaveLength(3);
    expect(answers).toEqual([
      { applied: true },
      { applied: false, stands: { owner: rival.owner, fence: lost.fence + 1, state: 'running' } },
      { applied: true },
    ]);
  });

  it('is read back at the time of its answer, so that a member that is behind does not say what stood before', async () => {
    await using opened = await openEmptyStore();
    const { lost } = await lostRun(opened);
    const { answeredAt, readAfter } = await timesOf(opened, () => write(opened, lost));
    expect(answeredAt).toHaveLength(1);
    expect(readAfter).toEqual(answeredAt);
  });
});

it('a takeover reads what stands at the time of its answer', async () => {
  await using opened = await openEmptyStore();
  const request = freshClaim({ leaseMs: -1 });
  const held = await opened.win(request);
  const { answeredAt, readAfter } = await timesOf(opened, () =>
    opened.store.takeOver(rivalOf(request, { leaseMs: 60_000 }), held, 'running'),
  );
  expect(readAfter).toEqual(answeredAt);
});

it('a transaction sees the last renewal of its run, and not only the claim', async () => {
  await using opened = await openEmptyStore();
  const held = await opened.win({ transactional: true });
  const { answeredAt } = await timesOf(opened, () => opened.store.renew(held, terms));
  if (!opened.store.begin) throw new Error('Expected the store to have transactions');
  const transaction = opened.store.begin(held);
  const { operationTime } = transaction.session as ClientSession;
  expect(operationTime?.toString()).toBe(answeredAt[0]);
  await transaction.abort();
});

/** The operationTimes of the answers to updates, and those that reads asked for. */
async function timesOf({ database, sent }: OpenedStore, act: () => Promise<unknown>) {
  sent.length = 0;
  const answeredAt: string[] = [];
  const listen = ({ commandName, reply }: CommandSucceededEvent) => {
    if (commandName === 'update') answeredAt.push(String((reply as Document).operationTime));
  };
  database.client.on('commandSucceeded', listen);
  await act();
  database.client.off('commandSucceeded', listen);
  const reads = sent.filter((command) => 'find' in command);
  for (const { readConcern } of reads) expect(readConcern).toMatchObject({ level: 'majority' });
  return { answeredAt, readAfter: reads.map(({ readConcern }) => String(readConcern.afterClusterTime)) };
}

describe('a claim that was never sent', () => {
  it('leaves nothing to release: those that found the queue full cost no write', async () => {
    await using opened = await openEmptyStore();
    const { db } = opened.database;
    const road = gate();
    const keys = { claimed: new Set<string>(), released: new Set<string>() };
    const command = async (sent: Document) => {
      if (isUpdate(sent)) {
        for (const { q, c } of sent.updates)
          keys[c && 'tombstoneMs' in c ? 'released' : 'claimed'].add(q.key);
        await road;
        return { n: sent.updates.length, ok: 1 };
      }
      await road;
      return db.command(sent);
    };
    const store = createMongoStore({ db: { databaseName: db.databaseName, command }, timeoutMs: 1_000 });
    const requests = Array.from({ length: 5_010 }, () => freshClaim());
    const answers = await Promise.allSettled(requests.map((request) => store.claim(request)));
    const full = answers.flatMap((answer, index) =>
      answer.status === 'rejected' && answer.reason.reason === 'overloaded' ? [requests[index]?.key] : [],
    );
    expect(full.length).toBeGreaterThanOrEqual(10);
    road.open();
    await store.close(10_000);
    expect(full.filter((key) => keys.claimed.has(String(key)))).toEqual([]);
    expect(full.filter((key) => keys.released.has(String(key)))).toEqual([]);
  });
});

it('no claim is taken while 10,000 that were given up are not released yet: none of those is forgotten', async () => {
  await using opened = await openEmptyStore();
  const { db } = opened.database;
  const command = () => new Promise<Document>(() => {});
  const store = createMongoStore({ db: { databaseName: db.databaseName, command }, timeoutMs: 60_000 });
  for (let count = 0; count < 10_000; count++) store.giveUp(freshClaim());
  await expect(store.claim(freshClaim())).rejects.toMatchObject({
    code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
    reason: 'overloaded',
  });
  await store.close(0);
});
