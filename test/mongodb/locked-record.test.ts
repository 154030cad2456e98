import type { Document } from 'mongodb';
import { expect, it } from 'vitest';
import type { ClaimRequest } from '../../server/engine/decide.ts';
import type { ClaimAnswer } from '../../server/engine/store.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { completed, freshClaim, rivalOf } from '../../server/testing/contract/requests.ts';
import { COLLECTION, isUpdate, type OpenedStore, openStore } from './open-store.ts';

interface Lock extends AsyncDisposable {
  release(): Promise<void>;
}

/** A key whose record somebody else's open transaction has written to, or made. */
async function lock({ database }: OpenedStore, key: string): Promise<Lock> {
  const session = database.client.startSession();
  session.startTransaction();
  await database.db
    .collection(COLLECTION)
    .updateOne({ scope: 's', key }, { $set: { lockedBy: 'a script' } }, { session, upsert: true });
  const release = () => session.endSession();
  return { release, [Symbol.asyncDispose]: release };
}

async function releaseAll(locks: readonly Lock[]): Promise<void> {
  for (const lock of locks) await lock.release();
}

/** A key that is claimable though it has a record. */
async function releasedClaim({ store }: OpenedStore): Promise<ClaimRequest> {
  const request = freshClaim();
  await store.settle(((await store.claim(request)) as Extract<ClaimAnswer, { won: true }>).held, {
    to: 'released',
    reason: 'no',
    retentionMs: 60_000,
  });
  return rivalOf(request);
}

/** Claim, renewal and completion of a key, and what the caller believes about its lease. */
async function run({ store, database }: OpenedStore, request: ClaimRequest) {
  const answer = await store.claim(request);
  if (!answer.won) throw new Error('Expected to win');
  const record = await database.db
    .collection(COLLECTION)
    .findOne({ key: request.key }, { projection: { left: { $subtract: ['$leaseExpiresAt', '$$NOW'] } } });
  // Asked after the server's answer: the caller must not believe more than this.
  const believedMs = answer.sentAt + request.leaseMs - performance.now();
  await store.renew(answer.held, { leaseMs: request.leaseMs, unresolvedRetentionMs: 60_000 });
  const settled = await store.settle(answer.held, completed);
  return { settled, leftMs: Number(record?.left), believedMs };
}

/** Whether a command carries a write that may wait for the lock, and that of another key. */
function isShared({ updates }: Document, key: string, mayWait: (statement: Document) => boolean): boolean {
  return updates.length > 1 && updates.some((one: Document) => one.q.key === key && mayWait(one));
}

it.concurrent.each([
  // The first claim of a key leaves a record that is there alone, and so does not wait for it.
  ['that was released', releasedClaim, ({ q }: Document) => q.owner !== undefined],
  // The server waits for that one in a way that no time limit ends.
  ['that is being made', async () => freshClaim(), () => true],
])('a locked record %s holds up its own key only', { timeout: 60_000 }, async (_, claimable, mayWait) => {
  await using opened = await openStore({ timeoutMs: 20_000 });
  const locked = await claimable(opened);
  await using transaction = await lock(opened, locked.key);

  const blocked: Promise<ClaimAnswer>[] = [];
  const blockOneMore = () => {
    const claim = opened.store.claim(rivalOf(locked));
    claim.catch(() => {});
    blocked.push(claim);
  };
  const runOthers = async () => {
    const others = await Promise.all(Array.from({ length: 50 }, () => run(opened, freshClaim())));
    for (const { settled, leftMs, believedMs } of others) {
      expect(settled).toEqual({ applied: true });
      expect(leftMs).toBeGreaterThanOrEqual(believedMs);
    }
  };

  // In one turn, so that two claims of the locked key are in a command with the others.
  blockOneMore();
  blockOneMore();
  await runOthers();

  // Sooner or later it is known, and shares no command any more, however often it is asked for.
  const sharesCommands = async () => {
    opened.sent.length = 0;
    blockOneMore();
    await runOthers();
    return opened.sent.some((command) => isUpdate(command) && isShared(command, locked.key, mayWait));
  };
  while (await sharesCommands());
  expect(await sharesCommands()).toBe(false);

  await transaction.release();
  const answers = await Promise.all(blocked);
  expect(answers.filter(({ won }) => won)).toHaveLength(1);
});

it.concurrent('a run whose record is locked is completed when the lock is gone, and no other one waits for it', async () => {
  await using opened = await openStore({ timeoutMs: 20_000 });
  const held = await Promise.all(Array.from({ length: 30 }, () => opened.win()));
  const [first, ...rest] = held as [(typeof held)[0], ...typeof held];
  await using transaction = await lock(opened, first.key);
  const blocked = opened.store.settle(first, completed);
  const settled = await Promise.all(rest.map((one) => opened.store.settle(one, completed)));
  expect(settled).toEqual(rest.map(() => ({ applied: true })));
  await transaction.release();
  expect(await blocked).toEqual({ applied: true });
});

it.concurrent('several locked records at once hold up nobody else', { timeout: 60_000 }, async () => {
  await using opened = await openStore({ timeoutMs: 20_000 });
  const locked = await Promise.all(
    Array.from({ length: 6 }, (_, index) => (index % 2 ? releasedClaim(opened) : freshClaim())),
  );
  const transactions: Lock[] = [];
  await using _all = { [Symbol.asyncDispose]: () => releaseAll(transactions) };
  for (const { key } of locked) transactions.push(await lock(opened, key));
  const blocked = locked.map((request) => opened.store.claim(request));
  const startedAt = performance.now();
  const others = await Promise.all(Array.from({ length: 100 }, () => run(opened, freshClaim())));
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  expect(others.every(({ settled }) => settled.applied)).toBe(true);
  await releaseAll(transactions);
  for (const answer of await Promise.all(blocked)) expect(answer.won).toBe(true);
});

it.concurrent.each([
  ['that was released', releasedClaim],
  ['that is being made', async () => freshClaim()],
])('a lock on a record %s that outlasts the deadline leaves no run behind', async (_, claimable) => {
  await using opened = await openStore({ timeoutMs: 700 });
  const request = await claimable(opened);
  await using transaction = await lock(opened, request.key);
  await expect(opened.store.claim(request)).rejects.toMatchObject({ code: 'IDEMPOTENCY_STORE_UNAVAILABLE' });
  await transaction.release();
  await opened.store.close(20_000);
  expect(await opened.find(request.key)).toMatchObject({ state: 'released', owner: request.owner });

  const successor = createMongoStore({ db: opened.database.db });
  expect(await successor.claim(rivalOf(request))).toMatchObject({ won: true });
  await successor.close(0);
});

it.concurrent('a takeover of a locked record holds up nobody', async () => {
  await using opened = await openStore({ timeoutMs: 20_000 });
  const request = freshClaim({ leaseMs: -1 });
  const held = await opened.win(request);
  await using transaction = await lock(opened, request.key);
  const taken = opened.store.takeOver(rivalOf(request, { leaseMs: 30_000 }), held, 'running');
  expect((await run(opened, freshClaim())).settled).toEqual({ applied: true });
  await transaction.release();
  expect(await taken).toMatchObject({ won: true });
});

// The last test runs by itself, for its calls have little time.
it('a score of locked records, whose calls come again and again, costs no other key its answer', async () => {
  await using opened = await openStore({ timeoutMs: 1_500 });
  const locked = await Promise.all(Array.from({ length: 20 }, () => releasedClaim(opened)));
  const transactions: Lock[] = [];
  await using _all = { [Symbol.asyncDispose]: () => releaseAll(transactions) };
  for (const { key } of locked) transactions.push(await lock(opened, key));
  // Each round outlasts the deadline of those before it, whose claims are then given up.
  for (let round = 0; round < 3; round++) {
    const blocked = Promise.allSettled(locked.map((request) => opened.store.claim(rivalOf(request))));
    const others = Array.from({ length: 50 }, () => run(opened, freshClaim()));
    for (const { settled } of await Promise.all(others)) expect(settled).toEqual({ applied: true });
    for (const answer of await blocked) {
      expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'IDEMPOTENCY_STORE_UNAVAILABLE' } });
    }
  }
});
