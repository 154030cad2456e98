import type { Document } from 'mongodb';
import { describe, expect, it } from 'vitest';
import type { ClaimRequest } from '../../server/engine/decide.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { createOperator, type KeyOperator } from '../../server/operator/index.ts';
import { completed, freshClaim, rivalOf } from '../../server/testing/contract/requests.ts';
import { COLLECTION, isUpdate, type OpenedStore, openEmptyStore } from './open-store.ts';

const released = { to: 'released', reason: 'busy', retentionMs: 60_000 } as const;
const doubted = { to: 'in_doubt', reason: 'timed out', unresolvedRetentionMs: null } as const;
const HOUR_MS = 3_600_000;

/** What the store sent, by name: `reads`, and the updates with the first word of what they are for. */
const sentBy = ({ sent }: OpenedStore) => {
  const names = sent
    .filter((command) => !('hello' in command))
    .map((command) =>
      !isUpdate(command) ? 'read' : command.updates[0].q.owner === undefined ? 'first claim' : 'write',
    );
  sent.length = 0;
  return names;
};

/** A key that the store has claimed, and so knows. */
async function openKnown(overrides: Partial<ClaimRequest> = {}) {
  const opened = await openEmptyStore();
  const request = freshClaim(overrides);
  const held = await opened.win(request);
  return {
    ...opened,
    request,
    held,
    records: opened.database.db.collection(COLLECTION),
    /** Claims as another call does, and tells what that sent. */
    async claim(changes: Partial<ClaimRequest> = {}) {
      opened.sent.length = 0;
      const answer = await opened.store.claim(rivalOf(request, changes));
      return { answer, sent: sentBy(opened) };
    },
  };
}
type Known = Awaited<ReturnType<typeof openKnown>>;

const set = (fields: Document) => (known: Known) =>
  known.records.updateOne({ key: known.request.key }, { $set: fields });
const settled = (settlement: Parameters<Known['store']['settle']>[1]) => (known: Known) =>
  known.store.settle(known.held, settlement);
const inOrder =
  (...steps: ((known: Known) => Promise<unknown>)[]) =>
  async (known: Known) => {
    for (const step of steps) await step(known);
  };

const past = new Date(Date.now() - HOUR_MS);

describe('a claim of a key that is known to exist sends no write where it has to wait, is replayed or refused', () => {
  it.each<[string, (known: Known) => Promise<unknown>, Partial<ClaimRequest>, Document | null]>([
    ['a run is under way', async () => {}, {}, { state: 'running' }],
    [
      'a run is under way with another input',
      async () => {},
      { fingerprints: ['s1:b'] },
      { state: 'running' },
    ],
    ['an answer is stored', settled(completed), {}, { state: 'completed', response: completed.response }],
    [
      'the stored answer was purged',
      inOrder(settled(completed), set({ response: { format: 'test/1', bytes: 11, omitted: 'purged' } })),
      {},
      { state: 'completed', response: { format: 'test/1', bytes: 11, omitted: 'purged' } },
    ],
    [
      'an answer is stored for another input',
      settled(completed),
      { fingerprints: ['s1:b'] },
      { state: 'completed' },
    ],
    ['nobody knows what became of it', settled(doubted), {}, { state: 'in_doubt' }],
    [
      'the lease has lapsed: a takeover is another write',
      set({ leaseExpiresAt: past }),
      {},
      { state: 'running' },
    ],
    ['the record is damaged', set({ fence: 'one' }), {}, { fence: 'one' }],
    ['the record is of a newer release', set({ v: 2 }), {}, { v: 2 }],
  ])('%s', async (_, prepare, changes, record) => {
    await using known = await openKnown();
    await prepare(known);
    const before = await known.find(known.request.key);
    const { answer, sent } = await known.claim(changes);
    expect(answer).toMatchObject({ won: false, record });
    expect(sent).toEqual(['read']);
    expect(await known.find(known.request.key)).toEqual(before);
  });
});

describe('a known key that may be claimed again is claimed', () => {
  it.each<[string, (known: Known) => Promise<unknown>, Document, string[]]>([
    [
      'its answer has expired',
      inOrder(settled(completed), set({ expiresAt: past })),
      { attempts: 1 },
      ['read', 'write', 'read'],
    ],
    [
      'its unresolved record has expired',
      set({ expiresAt: past, leaseExpiresAt: past }),
      { attempts: 1 },
      ['read', 'write', 'read'],
    ],
    ['its run has released it', settled(released), { attempts: 2 }, ['read', 'write', 'read']],
    [
      'its record is gone, as when it has expired or its scope was erased',
      (known) => known.records.deleteOne({ key: known.request.key }),
      { attempts: 1 },
      ['read', 'first claim'],
    ],
  ])('%s', async (_, prepare, held, commands) => {
    await using known = await openKnown();
    await prepare(known);
    const { answer, sent } = await known.claim();
    expect(answer).toMatchObject({ won: true, held });
    expect(sent).toEqual(commands);
    if (!answer.won) throw new Error('Expected to win');
    expect(await known.find(known.request.key)).toMatchObject({ state: 'running', owner: answer.held.owner });
    expect(await known.store.settle(answer.held, completed)).toEqual({ applied: true });
  });

  it('one of many callers wins an expired key, and the others are told of its run', async () => {
    await using known = await openKnown();
    await settled(completed)(known);
    await using other = await openSame(known);
    await other.claim(rivalOf(known.request));
    await set({ expiresAt: past })(known);
    const stores = [known.store, other];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (stores[i % 2] as typeof other).claim(rivalOf(known.request))),
    );
    const won = answers.filter((answer) => answer.won);
    expect(won).toHaveLength(1);
    expect(answers.filter((answer) => !answer.won && answer.record?.state === 'running')).toHaveLength(19);
  });
});

/** The store of another process on the same collection. */
async function openSame({ database }: Pick<OpenedStore, 'database'>) {
  const store = createMongoStore({ db: database.db });
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.close(0) });
}

it('a key of another process costs one write the first time, and none from the second time on', async () => {
  await using opened = await openEmptyStore();
  await using other = await openSame(opened);
  const request = freshClaim();
  const answer = await other.claim(request);
  if (!answer.won) throw new Error('Expected to win');
  await other.settle(answer.held, completed);
  opened.sent.length = 0;
  const replay = async () => {
    expect(await opened.store.claim(rivalOf(request))).toMatchObject({
      won: false,
      record: { state: 'completed', response: completed.response },
    });
    return sentBy(opened);
  };
  expect(await replay()).toEqual(['first claim', 'read']);
  expect(await replay()).toEqual(['read']);
});

it('many known keys that are asked for in one moment share one read', async () => {
  await using opened = await openEmptyStore();
  const requests = Array.from({ length: 30 }, () => freshClaim());
  await Promise.all(requests.map((request) => opened.win(request)));
  opened.sent.length = 0;
  const answers = await Promise.all(requests.map((request) => opened.store.claim(rivalOf(request))));
  expect(answers.every((answer) => !answer.won && answer.record?.state === 'running')).toBe(true);
  expect(sentBy(opened)).toEqual(['read']);
});

it('a run that another process has taken over is the one that a known key waits for, and its answer the one it gets', async () => {
  await using known = await openKnown();
  await set({ leaseExpiresAt: past })(known);
  await using other = await openSame(known);
  const taken = await other.takeOver(rivalOf(known.request), known.held, 'running');
  if (!taken.won) throw new Error('Expected to win');
  expect((await known.claim()).answer).toMatchObject({
    record: { state: 'running', owner: taken.held.owner },
  });
  await other.settle(taken.held, completed);
  const { answer, sent } = await known.claim();
  expect(answer).toMatchObject({ record: { state: 'completed', fence: taken.held.fence } });
  expect(sent).toEqual(['read']);
});

describe('what an operator does elsewhere counts at once for a process that knows the key', () => {
  const address = { scope: 's', key: 'k' };
  const call = { ...address, operation: 'pay', input: 5 };
  const why = { reason: 'the provider has told us', mayRepeat: true };
  const settleIt = (operator: KeyOperator) =>
    operator.complete(address, { data: 'by hand', reason: why.reason });

  async function open() {
    const opened = await openEmptyStore();
    const idempotency = createIdempotency({ store: opened.store, captureRequest: true });
    const elsewhere = createIdempotency({ store: createMongoStore({ db: opened.database.db }) });
    await elsewhere.ready();
    return {
      operator: createOperator({ idempotency: elsewhere, by: 'ops' }),
      run: (value: string) => idempotency.run(call, async () => value),
      doubt: () =>
        idempotency.run(call, async (run) => {
          run.inDoubt('no answer');
          throw new Error('no answer');
        }),
      async [Symbol.asyncDispose]() {
        await Promise.all([idempotency.close({ timeoutMs: 0 }), elsewhere.close({ timeoutMs: 0 })]);
        await opened[Symbol.asyncDispose]();
      },
    };
  }
  type Opened = Awaited<ReturnType<typeof open>>;

  it.each<[string, 'completed' | 'in doubt', (operator: KeyOperator) => Promise<unknown>, unknown]>([
    ['a key in doubt that was resolved', 'in doubt', settleIt, 'by hand'],
    ['a key in doubt that may be retried', 'in doubt', (op) => op.allowRetry(address, why), 'second'],
    ['an answer that was made to expire', 'completed', (op) => op.expire(address, why), 'second'],
    ['a scope that was erased', 'completed', (op) => op.erase({ scope: 's', reason: why.reason }), 'second'],
    [
      'a key in doubt whose scope was erased',
      'in doubt',
      (op) => op.erase({ scope: 's', reason: why.reason }),
      'second',
    ],
  ])('%s', async (_, state, act, expected) => {
    await using at: Opened = await open();
    if (state === 'completed') expect(await at.run('first')).toBe('first');
    else await expect(at.doubt()).rejects.toThrow('no answer');
    if (state === 'completed') expect(await at.run('second')).toBe('first');
    else await expect(at.run('second')).rejects.toMatchObject({ code: 'IDEMPOTENCY_IN_DOUBT' });
    await act(at.operator);
    expect(await at.run('second')).toBe(expected);
  });
});
