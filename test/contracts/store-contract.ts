import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClaimRequest, decide } from '../../server/engine/decide.ts';
import type { HistoryEntry, KeyRecord, RunningRecord } from '../../server/engine/record.ts';
import { HISTORY_LIMIT, NEVER } from '../../server/engine/record.ts';
import type { Held, Store, WriteAnswer } from '../../server/engine/store.ts';
import type { Settlement } from '../../server/engine/transitions.ts';
import { claimOf } from '../support/requests.ts';

export interface OpenStore extends AsyncDisposable {
  readonly store: Store;
}

const completed = {
  to: 'completed',
  outcome: 'success',
  response: { format: 'test/1', body: '{"ok":true}', bytes: 11 },
  retentionMs: 60_000,
} satisfies Settlement;
const released = { to: 'released', reason: 'not started', retentionMs: 60_000 } satisfies Settlement;
const doubted = { to: 'in_doubt', reason: 'timed out', abandonedRetentionMs: 60_000 } satisfies Settlement;
/** Over before it began, so that no test has to wait for it. */
const LAPSED = { leaseMs: -1 };
const nobody = { owner: 'nobody', fence: 0 };

/** What every store promises, in terms of its port alone. */
export function storeContract(name: string, open: () => Promise<OpenStore>): void {
  describe(`${name} keeps the contract of a store`, () => {
    let opened: OpenStore;
    let store: Store;
    let serial = 0;

    beforeAll(async () => {
      opened = await open();
      store = opened.store;
      await store.ready();
    });
    afterAll(() => opened[Symbol.asyncDispose]());

    /** A claim of a key of its own, by an owner of its own. */
    const fresh = (overrides: Partial<ClaimRequest> = {}) => {
      serial++;
      return claimOf({ key: `key-${serial}`, owner: `owner-${serial}`, ...overrides });
    };
    /** The same key, by another caller. */
    const rival = (request: ClaimRequest, overrides: Partial<ClaimRequest> = {}) => {
      serial++;
      return { ...request, owner: `owner-${serial}`, ...overrides };
    };
    const win = async (request: ClaimRequest): Promise<Held> => {
      const answer = await store.claim(request);
      if (!answer.won) throw new Error(`Expected to win, got ${JSON.stringify(answer.record)}`);
      return answer.held;
    };
    /** A takeover from nobody changes nothing, and says what stands. */
    const read = async (request: ClaimRequest): Promise<KeyRecord> => {
      const answer = await store.takeOver({ ...request, owner: 'a reader' }, nobody, 'running');
      if (answer.won) throw new Error('Expected nobody to hold the key');
      return answer.record as unknown as KeyRecord;
    };
    const stands = (answer: WriteAnswer) => (answer.applied ? 'applied' : answer.stands);

    describe('claim', () => {
      it('a fresh key is won, and the record says by whom', async () => {
        const request = fresh({ selections: ['s1:sel'], transactional: true });
        const sentFrom = performance.now();
        const answer = await store.claim(request);

        expect(answer).toEqual({
          won: true,
          held: {
            scope: 's',
            key: request.key,
            owner: request.owner,
            fence: 1_000,
            life: 1_000,
            attempts: 1,
          },
          sentAt: expect.any(Number),
        });
        expect(answer.won && answer.sentAt).toBeGreaterThanOrEqual(sentFrom);
        const record = await read(request);
        expect(record).toEqual({
          scope: 's',
          key: request.key,
          operation: 'pay',
          fingerprint: 's1:aaaa',
          selection: 's1:sel',
          state: 'running',
          owner: request.owner,
          fence: 1_000,
          life: 1_000,
          attempts: 1,
          createdAt: record.startedAt,
          startedAt: expect.any(Date),
          leaseExpiresAt: new Date(record.startedAt.getTime() + 30_000),
          expiresAt: new Date(record.startedAt.getTime() + 90_000),
          transactional: true,
          history: [],
          v: 1,
        });
      });

      it('what a caller can not select, or does not run in a transaction, is not in the record', async () => {
        const request = fresh();
        await win(request);
        const record = await read(request);
        expect(record).not.toHaveProperty('selection');
        expect(record).not.toHaveProperty('transactional');
      });

      it('a record that is kept until it is resolved never expires', async () => {
        const request = fresh({ abandonedRetentionMs: null });
        await win(request);
        expect((await read(request)).expiresAt).toEqual(NEVER);
      });

      it('sent again by its owner it is won again, with a renewed lease and the same fence', async () => {
        const request = fresh({ leaseMs: 10 });
        const held = await win(request);
        const { leaseExpiresAt: before } = (await read(request)) as { leaseExpiresAt: Date };
        expect(await win({ ...request, leaseMs: 60_000 })).toEqual(held);
        const { leaseExpiresAt: after } = (await read(request)) as { leaseExpiresAt: Date };
        expect(after.getTime() - before.getTime()).toBeGreaterThanOrEqual(60_000 - 10);
      });

      it('a copy that comes late does not shorten the lease', async () => {
        const request = fresh();
        await win(request);
        const before = await read(request);
        await win({ ...request, leaseMs: 1 });
        expect(await read(request)).toEqual(before);
      });

      it('a running key is not won by another caller, and nothing is written', async () => {
        const request = fresh();
        await win(request);
        const before = await read(request);
        const answer = await store.claim(rival(request));
        expect(answer).toEqual({ won: false, record: before, now: expect.any(Date) });
        expect(await read(request)).toEqual(before);
      });

      it.each<[string, Settlement]>([
        ['completed', completed],
        ['in doubt', doubted],
      ])('a key that is %s is not won, and the whole record is told', async (_, settlement) => {
        const request = fresh();
        const held = await win(request);
        await store.settle(held, settlement);
        const before = await read(request);
        expect(await store.claim(rival(request))).toEqual({
          won: false,
          record: before,
          now: expect.any(Date),
        });
        expect(await read(request)).toEqual(before);
      });

      it('a released key is won by another caller, who continues its life with a higher fence', async () => {
        const request = fresh({ seed: 5 });
        const first = await win(request);
        await store.settle(first, released);
        const other = rival(request, { seed: 1, fingerprints: ['s1:bbbb'] });
        expect(await win(other)).toEqual({ ...first, owner: other.owner, fence: 6, attempts: 2 });
        expect(await read(request)).toMatchObject({
          state: 'running',
          fingerprint: 's1:bbbb',
          history: [{ event: 'released', owner: request.owner, fence: 5, reason: 'not started' }],
        });
      });

      it('a released key is not won by the owner that released it', async () => {
        const request = fresh();
        await store.settle(await win(request), released);
        const before = await read(request);
        const answer = await store.claim(request);
        expect(answer).toEqual({ won: false, record: before, now: expect.any(Date) });
        expect(await read(request)).toEqual(before);
      });

      it('other arguments do not win a key, whatever its state but released', async () => {
        const request = fresh({ ...LAPSED });
        const held = await win(request);
        const other = rival(request, { fingerprints: ['s1:bbbb'] });
        expect(await store.claim(other)).toMatchObject({ won: false, record: { state: 'running' } });
        await store.settle(held, completed);
        expect(await store.claim(other)).toMatchObject({ won: false, record: { state: 'completed' } });
      });

      it('a record whose rule this caller does not know stays as it is, even when it has expired', async () => {
        const request = fresh({ fingerprints: ['s9:aaaa'], leaseMs: -1, abandonedRetentionMs: 0 });
        await win(request);
        const answer = await store.claim(rival(request, { fingerprints: ['s1:aaaa'] }));
        expect(answer).toMatchObject({ won: false, record: { fingerprint: 's9:aaaa' } });
      });

      it('an expired key starts a new life, with a fence above the old one', async () => {
        const request = fresh({ seed: 5_000, leaseMs: -1, abandonedRetentionMs: 0 });
        await win(request);
        const other = rival(request, { seed: 1_000, leaseMs: 30_000, fingerprints: ['s1:bbbb'] });
        expect(await win(other)).toMatchObject({ fence: 5_001, life: 5_001, attempts: 1 });
        const record = await read(request);
        expect(record).toMatchObject({ owner: other.owner, fingerprint: 's1:bbbb', history: [] });
        expect(record.createdAt).toEqual(record.startedAt);
      });

      it('what an expired record held is gone', async () => {
        const request = fresh();
        await store.settle(await win(request), { ...completed, retentionMs: -1 });
        await win(rival(request));
        const record = await read(request);
        for (const field of ['response', 'outcome', 'completedAt']) expect(record).not.toHaveProperty(field);
      });

      it('of 100 concurrent claims of a fresh key one wins', async () => {
        const request = fresh();
        const rivals = Array.from({ length: 100 }, () => rival(request));
        const answers = await Promise.all(rivals.map((one) => store.claim(one)));
        const winners = answers.filter(({ won }) => won);
        expect(winners).toHaveLength(1);
        const { owner } = await read(request);
        for (const answer of answers) {
          if (answer.won) expect(answer.held.owner).toBe(owner);
          else expect(answer.record).toMatchObject({ state: 'running', owner });
        }
      });

      it('of 100 concurrent claims of an expired key one wins', async () => {
        const request = fresh({ leaseMs: -1, abandonedRetentionMs: 0 });
        const { fence } = await win(request);
        const live = { leaseMs: 30_000, abandonedRetentionMs: 60_000 };
        const rivals = Array.from({ length: 100 }, () => rival(request, live));
        const answers = await Promise.all(rivals.map((one) => store.claim(one)));
        expect(answers.filter(({ won }) => won)).toHaveLength(1);
        expect((await read(request)).fence).toBe(fence + 1);
      });

      it('many keys at once are each won by their own caller', async () => {
        const requests = Array.from({ length: 250 }, () => fresh());
        const held = await Promise.all(requests.map(win));
        expect(held.map(({ key, owner }) => [key, owner])).toEqual(
          requests.map(({ key, owner }) => [key, owner]),
        );
      });
    });

    describe('a captured request', () => {
      const captured = { format: 'test/1', body: '{"$set":"$$NOW"}', bytes: 16 };
      const newer = { ...captured, body: '{"$set":"$owner"}', bytes: 17 };
      const requestIn = async (request: ClaimRequest) => (await read(request)).request;

      it('is in the record from the claim on, whatever becomes of it', async () => {
        for (const settlement of [completed, released, doubted]) {
          const request = fresh({ captured });
          const held = await win(request);
          expect(await requestIn(request)).toEqual(captured);
          await store.settle(held, settlement);
          expect(await requestIn(request)).toEqual(captured);
        }
      });

      it('stays when the same request is taken over, unless it is captured again', async () => {
        const request = fresh({ ...LAPSED, captured });
        const { owner, fence } = await win(request);
        const second = rival(request, { ...LAPSED });
        const { captured: _, ...uncaptured } = second;
        const taken = await store.takeOver(uncaptured, { owner, fence }, 'running');
        expect(await requestIn(request)).toEqual(captured);
        if (!taken.won) throw new Error('Expected to take over');
        await store.takeOver(rival(request, { captured: newer }), taken.held, 'running');
        expect(await requestIn(request)).toEqual(newer);
      });

      it('does not stand for another request, once its run has released the key', async () => {
        const request = fresh({ captured });
        await store.settle(await win(request), released);
        const { captured: _, ...corrected } = rival(request, { fingerprints: ['s1:bbbb'] });
        const held = await win(corrected);
        expect(await read(request)).not.toHaveProperty('request');
        await store.settle(held, released);
        await win(rival(request, { captured: newer }));
        expect(await requestIn(request)).toEqual(newer);
      });

      it('is gone with a new life', async () => {
        const request = fresh({ leaseMs: -1, abandonedRetentionMs: 0, captured });
        await win(request);
        const { captured: _, ...next } = rival(request, { leaseMs: 30_000, abandonedRetentionMs: 60_000 });
        await win(next);
        expect(await read(request)).not.toHaveProperty('request');
      });

      it('of the claim that is sent again is the one that stands', async () => {
        const request = fresh({ captured });
        await win(request);
        await win({ ...request, captured: newer });
        expect(await requestIn(request)).toEqual(captured);
      });
    });

    describe('settle', () => {
      it('completes a running key', async () => {
        const request = fresh();
        const held = await win(request);
        expect(await store.settle(held, completed)).toEqual({ applied: true });
        const record = await read(request);
        expect(record).toMatchObject({
          state: 'completed',
          outcome: 'success',
          response: { format: 'test/1', body: '{"ok":true}', bytes: 11 },
          fingerprint: 's1:aaaa',
          owner: request.owner,
          fence: held.fence,
          history: [],
        });
        expect(record).not.toHaveProperty('leaseExpiresAt');
        const { completedAt, expiresAt } = record as KeyRecord & { completedAt: Date };
        expect(expiresAt.getTime() - completedAt.getTime()).toBe(60_000);
      });

      it('releases a running key, whose input may then be corrected', async () => {
        const request = fresh({ selections: ['s1:sel'] });
        const held = await win(request);
        expect(await store.settle(held, released)).toEqual({ applied: true });
        const record = await read(request);
        expect(record).toMatchObject({ state: 'released', owner: request.owner, fence: held.fence });
        for (const field of ['fingerprint', 'selection', 'leaseExpiresAt'])
          expect(record).not.toHaveProperty(field);
        expect(record.history).toEqual([
          {
            event: 'released',
            at: expect.any(Date),
            owner: held.owner,
            fence: held.fence,
            startedAt: record.startedAt,
            reason: 'not started',
          },
        ]);
      });

      it('leaves a running key in doubt, for as long as it says', async () => {
        for (const abandonedRetentionMs of [60_000, null]) {
          const request = fresh();
          const held = await win(request);
          expect(await store.settle(held, { ...doubted, abandonedRetentionMs })).toEqual({ applied: true });
          const record = await read(request);
          const [entry] = record.history as [HistoryEntry];
          expect(record).toMatchObject({ state: 'in_doubt', fingerprint: 's1:aaaa' });
          expect(record).not.toHaveProperty('leaseExpiresAt');
          expect(entry).toMatchObject({
            event: 'in_doubt',
            reason: 'timed out',
            startedAt: record.startedAt,
          });
          expect(record.expiresAt).toEqual(
            abandonedRetentionMs === null ? NEVER : new Date(entry.at.getTime() + abandonedRetentionMs),
          );
        }
      });

      it('a result that comes late still completes a key in doubt, and says so', async () => {
        const request = fresh();
        const held = await win(request);
        await store.settle(held, doubted);
        expect(await store.settle(held, completed)).toEqual({ applied: true });
        const record = await read(request);
        expect(record).toMatchObject({
          state: 'completed',
          history: [{ event: 'in_doubt' }, { event: 'late', owner: held.owner, fence: held.fence }],
        });
        expect(record.history[1]).not.toHaveProperty('reason');
        expect(record.history[1]).not.toHaveProperty('startedAt');
      });

      it('a key in doubt is not released by its run', async () => {
        const request = fresh();
        const held = await win(request);
        await store.settle(held, doubted);
        const before = await read(request);
        expect(stands(await store.settle(held, released))).toEqual({
          owner: held.owner,
          fence: held.fence,
          state: 'in_doubt',
        });
        expect(await read(request)).toEqual(before);
      });

      it('the first outcome stands', async () => {
        const request = fresh();
        const held = await win(request);
        await store.settle(held, completed);
        const before = await read(request);
        await store.settle(held, { ...completed, outcome: 'error' });
        expect(stands(await store.settle(held, doubted))).toMatchObject({ state: 'completed' });
        expect(stands(await store.settle(held, released))).toMatchObject({ state: 'completed' });
        expect(await read(request)).toEqual(before);
      });

      it.each<[string, (held: Held) => Held]>([
        ['owner', (held) => ({ ...held, owner: 'somebody else' })],
        ['fence', (held) => ({ ...held, fence: held.fence + 1 })],
      ])('another %s settles nothing, and is told what stands', async (_, change) => {
        const request = fresh();
        const held = await win(request);
        const before = await read(request);
        for (const settlement of [completed, released, doubted]) {
          expect(stands(await store.settle(change(held), settlement))).toEqual({
            owner: held.owner,
            fence: held.fence,
            state: 'running',
          });
        }
        expect(await read(request)).toEqual(before);
      });

      it('nothing stands where there is no record', async () => {
        const { scope, key, owner } = fresh();
        const held = { scope, key, owner, fence: 1, life: 1, attempts: 1 };
        expect(await store.settle(held, completed)).toEqual({ applied: false, stands: null });
        expect(await store.renew(held, { leaseMs: 1_000, abandonedRetentionMs: null })).toEqual({
          applied: false,
          stands: null,
        });
      });

      it(`the history keeps the last ${HISTORY_LIMIT} attempts`, async () => {
        const request = fresh();
        for (let attempt = 1; attempt <= HISTORY_LIMIT + 3; attempt++) {
          const held = await win(rival(request));
          expect(held.attempts).toBe(attempt);
          await store.settle(held, { ...released, reason: `attempt ${attempt}` });
        }
        const { history, attempts } = await read(request);
        expect(attempts).toBe(HISTORY_LIMIT + 3);
        expect(history.map(({ reason }) => reason)).toEqual(
          Array.from({ length: HISTORY_LIMIT }, (_, index) => `attempt ${index + 4}`),
        );
      });

      it('a body comes back as it was, up to the largest that may be kept', async () => {
        const bodies = ['', '{"a.b":1,"$set":{"x":null}}', '\u0000"😀\u2028', 'é'.repeat(7_864_320)];
        for (const body of bodies) {
          const request = fresh();
          const held = await win(request);
          const response = { format: 'test/1', body, bytes: Buffer.byteLength(body) };
          expect(await store.settle(held, { ...completed, response })).toEqual({ applied: true });
          const answer = await store.claim(rival(request));
          const { response: stored } = (answer.won ? {} : answer.record) as { response: typeof response };
          expect(stored.body === body && stored.bytes === response.bytes).toBe(true);
        }
      });

      it('a body that was omitted is not there', async () => {
        const request = fresh();
        const response = { format: 'test/1', bytes: 99, omitted: 'too_large' } as const;
        await store.settle(await win(request), { ...completed, response });
        expect((await read(request)) as { response?: unknown }).toHaveProperty('response', response);
      });
    });

    describe('renew', () => {
      const lease = { leaseMs: 90_000, abandonedRetentionMs: 10_000 };

      it('moves the lease on, and the date of expiry with it', async () => {
        const request = fresh();
        const held = await win(request);
        const before = (await read(request)) as KeyRecord & { leaseExpiresAt: Date };
        expect(await store.renew(held, lease)).toEqual({ applied: true });
        const after = (await read(request)) as KeyRecord & { leaseExpiresAt: Date };
        expect(after.leaseExpiresAt.getTime()).toBeGreaterThanOrEqual(
          before.leaseExpiresAt.getTime() + 60_000,
        );
        expect(after).toEqual({
          ...before,
          leaseExpiresAt: after.leaseExpiresAt,
          expiresAt: new Date(after.leaseExpiresAt.getTime() + 10_000),
        });
      });

      it('never moves the lease back', async () => {
        const request = fresh();
        const held = await win(request);
        const before = await read(request);
        const terms = { leaseMs: 1, abandonedRetentionMs: request.abandonedRetentionMs };
        expect(await store.renew(held, terms)).toEqual({ applied: true });
        expect(await read(request)).toEqual(before);
      });

      it('a lease that has lapsed is renewed, as long as nobody took over', async () => {
        const request = fresh({ ...LAPSED });
        const held = await win(request);
        expect(await store.renew(held, lease)).toEqual({ applied: true });
        expect((await store.claim(rival(request))).won).toBe(false);
      });

      it('a settled key has no lease to renew', async () => {
        for (const settlement of [completed, released, doubted]) {
          const held = await win(fresh());
          await store.settle(held, settlement);
          expect(stands(await store.renew(held, lease))).toMatchObject({ state: settlement.to });
        }
      });

      it('another owner or fence renews nothing', async () => {
        const held = await win(fresh());
        const standing = { owner: held.owner, fence: held.fence, state: 'running' };
        expect(stands(await store.renew({ ...held, owner: 'x' }, lease))).toEqual(standing);
        expect(stands(await store.renew({ ...held, fence: 1 }, lease))).toEqual(standing);
      });
    });

    describe('recordStep', () => {
      const charged = { name: 'charge', value: { format: 'step/1', body: '{"id":"ch_1"}', bytes: 13 } };
      const shipped = { name: 'ship', value: { format: 'step/1', body: '', bytes: 0 } };
      const namesIn = ({ steps = [] }: Pick<KeyRecord, 'steps'>) => steps.map(({ name }) => name);

      it('adds the step, its time and its attempt, and leaves the rest of the record as it is', async () => {
        const request = fresh();
        const held = await win(request);
        const before = await read(request);
        expect(await store.recordStep(held, charged)).toEqual({ applied: true });
        expect(await read(request)).toEqual({
          ...before,
          steps: [{ ...charged, at: expect.any(Date), attempt: 1 }],
        });
      });

      it('sent again it is recorded once, with its first value and time', async () => {
        const request = fresh();
        const held = await win(request);
        await store.recordStep(held, charged);
        const before = await read(request);
        const again = { name: 'charge', value: { ...charged.value, body: '{"id":"ch_2"}' } };
        expect(await store.recordStep(held, again)).toEqual({ applied: true });
        expect(await read(request)).toEqual(before);
      });

      it('of 50 steps at the same time, each sent twice, each is recorded once', async () => {
        const request = fresh();
        const held = await win(request);
        const names = Array.from({ length: 50 }, (_, index) => `step ${index}`);
        await Promise.all([...names, ...names].map((name) => store.recordStep(held, { ...charged, name })));
        expect(namesIn(await read(request)).sort()).toEqual(names.sort());
      });

      it('next to a renewal both are recorded', async () => {
        const request = fresh();
        const held = await win(request);
        const terms = { leaseMs: 90_000, abandonedRetentionMs: 60_000 };
        const answers = await Promise.all([store.recordStep(held, charged), store.renew(held, terms)]);
        expect(answers).toEqual([{ applied: true }, { applied: true }]);
        const { startedAt, leaseExpiresAt, ...record } = (await read(request)) as RunningRecord;
        expect(leaseExpiresAt.getTime() - startedAt.getTime()).toBeGreaterThanOrEqual(90_000);
        expect(namesIn(record)).toEqual(['charge']);
      });

      it('a key that is settled takes no more steps', async () => {
        for (const settlement of [completed, released, doubted]) {
          const request = fresh();
          const held = await win(request);
          await store.settle(held, settlement);
          const before = await read(request);
          expect(stands(await store.recordStep(held, charged))).toMatchObject({ state: settlement.to });
          expect(await read(request)).toEqual(before);
        }
      });

      it('another owner or fence records nothing, and is told what stands', async () => {
        const request = fresh();
        const held = await win(request);
        const standing = { owner: held.owner, fence: held.fence, state: 'running' };
        expect(stands(await store.recordStep({ ...held, owner: 'x' }, charged))).toEqual(standing);
        expect(stands(await store.recordStep({ ...held, fence: 1 }, charged))).toEqual(standing);
        expect(stands(await store.recordStep({ ...held, key: 'not there' }, charged))).toBeNull();
        expect(await read(request)).not.toHaveProperty('steps');
      });

      it('who takes over gets the steps, and the run that was taken over adds none', async () => {
        const request = fresh({ ...LAPSED });
        const first = await win(request);
        await store.recordStep(first, charged);
        const other = rival(request, { leaseMs: 30_000 });
        const taken = await store.takeOver(other, first, 'running');
        expect(taken).toMatchObject({ won: true, held: { steps: [{ ...charged, attempt: 1 }] } });
        expect(stands(await store.recordStep(first, shipped))).toMatchObject({ owner: other.owner });
        const { held } = taken as Extract<typeof taken, { won: true }>;
        expect(await store.recordStep(held, shipped)).toEqual({ applied: true });
        expect((await read(request)).steps).toMatchObject([
          { ...charged, attempt: 1 },
          { ...shipped, attempt: 2 },
        ]);
      });

      it.each<[string, Settlement]>([
        ['completed', completed],
        ['in doubt', doubted],
      ])('a key that is %s keeps its steps', async (_, settlement) => {
        const request = fresh();
        const held = await win(request);
        await store.recordStep(held, charged);
        await store.settle(held, settlement);
        expect(namesIn(await read(request))).toEqual(['charge']);
      });

      it('a key that lapses into doubt keeps its steps', async () => {
        const request = fresh({ ...LAPSED });
        const held = await win(request);
        await store.recordStep(held, charged);
        await store.takeOver(rival(request), held, 'in_doubt');
        expect(namesIn(await read(request))).toEqual(['charge']);
      });

      it('a key that is released with steps is for the same input only, whose next attempt gets them', async () => {
        const request = fresh({ selections: ['s1:sel'] });
        const held = await win(request);
        await store.recordStep(held, charged);
        await store.settle(held, released);
        const record = await read(request);
        expect(record).toMatchObject({ state: 'released', fingerprint: 's1:aaaa' });
        expect(record).not.toHaveProperty('selection');
        expect(await store.claim(rival(request, { fingerprints: ['s1:bbbb'] }))).toMatchObject({
          won: false,
        });
        expect(await win(rival(request))).toMatchObject({ attempts: 2, steps: [{ ...charged, attempt: 1 }] });
      });

      it('a claim that is given up leaves the steps of earlier attempts, and the input that they belong to', async () => {
        const request = fresh();
        const held = await win(request);
        await store.recordStep(held, charged);
        await store.settle(held, released);
        const second = rival(request);
        const claimed = await win(second);
        const { expiresAt } = await read(request);
        store.abandon(second);
        await store.watch(claimed, new AbortController().signal);
        const record = await read(request);
        expect(record).toMatchObject({ state: 'released', fingerprint: 's1:aaaa' });
        expect(record.expiresAt.getTime()).toBeGreaterThanOrEqual(expiresAt.getTime());
        expect(await win(rival(request))).toMatchObject({ attempts: 3, steps: [charged] });
      });

      it('a new life begins without steps', async () => {
        const request = fresh();
        const held = await win(request);
        await store.recordStep(held, charged);
        await store.settle(held, { ...completed, retentionMs: -1 });
        expect(await win(rival(request))).not.toHaveProperty('steps');
        expect(await read(request)).not.toHaveProperty('steps');
      });

      it('its own claim sent again is answered with the steps of earlier attempts', async () => {
        const request = fresh();
        const held = await win(request);
        await store.recordStep(held, charged);
        await store.settle(held, released);
        const second = rival(request);
        const first = await win(second);
        expect(first.steps).toMatchObject([charged]);
        expect(await win(second)).toEqual(first);
      });

      it.each(['$$ROOT', '$owner', 'a.b', '__proto__', '{"$gt":""}', 'x'.repeat(255)])(
        'a name or value %s is a text like any other',
        async (text) => {
          const request = fresh();
          const held = await win(request);
          const value = { format: text, body: text, bytes: Buffer.byteLength(text) };
          expect(await store.recordStep(held, { name: text, value })).toEqual({ applied: true });
          expect(await store.recordStep(held, { ...shipped, name: `${text} ` })).toEqual({ applied: true });
          expect((await read(request)).steps).toMatchObject([{ name: text, value }, { name: `${text} ` }]);
        },
      );
    });

    describe('takeOver', () => {
      it('a lapsed run is taken over with a new fence, in the same life', async () => {
        const request = fresh({ ...LAPSED });
        const first = await win(request);
        const other = rival(request, { leaseMs: 30_000, seed: 1 });
        const answer = await store.takeOver(other, first, 'running');
        expect(answer).toMatchObject({
          won: true,
          held: { owner: other.owner, fence: first.fence + 1, life: first.life, attempts: 2 },
        });
        const record = await read(request);
        expect(record).toMatchObject({ state: 'running', owner: other.owner });
        expect(record.history).toEqual([
          {
            event: 'taken_over',
            at: record.startedAt,
            owner: first.owner,
            fence: first.fence,
            startedAt: record.createdAt,
          },
        ]);
      });

      it('a lapsed run becomes doubtful, and its owner and fence stay for a late result', async () => {
        const request = fresh({ ...LAPSED });
        const held = await win(request);
        const answer = await store.takeOver(rival(request), held, 'in_doubt');
        expect(answer).toMatchObject({
          won: false,
          record: { state: 'in_doubt', owner: held.owner, fence: held.fence },
        });
        expect((await read(request)).history).toMatchObject([{ event: 'in_doubt', reason: 'lease lapsed' }]);
        expect(await store.settle(held, completed)).toEqual({ applied: true });
      });

      it('a key in doubt is taken over to ask about it', async () => {
        const request = fresh();
        const held = await win(request);
        await store.settle(held, doubted);
        const asking = rival(request, { onAbandoned: 'ask' });
        expect(await store.takeOver(asking, held, 'running')).toMatchObject({
          won: true,
          held: { attempts: 2 },
        });
      });

      it('a key that its owner put in doubt after its lease was seen to lapse is not run again', async () => {
        const request = fresh({ ...LAPSED });
        const held = await win(request);
        await store.settle(held, doubted);
        const rerunning = rival(request, { onAbandoned: 'rerun' });
        expect(await store.takeOver(rerunning, held, 'running')).toMatchObject({
          won: false,
          record: { state: 'in_doubt', owner: held.owner },
        });
      });

      it('a key in doubt stays as it is when it is put in doubt again', async () => {
        const request = fresh();
        const held = await win(request);
        await store.settle(held, doubted);
        const before = await read(request);
        expect(await store.takeOver(rival(request), held, 'in_doubt')).toMatchObject({
          won: false,
          record: before,
        });
        expect(await read(request)).toEqual(before);
      });

      it('a live, finished, released or missing key is not taken over', async () => {
        const missing = fresh();
        expect(await store.takeOver(missing, nobody, 'running')).toMatchObject({ won: false, record: null });
        for (const settlement of [undefined, completed, released]) {
          const request = fresh();
          const held = await win(request);
          if (settlement) await store.settle(held, settlement);
          const before = await read(request);
          for (const to of ['running', 'in_doubt'] as const) {
            expect(await store.takeOver(rival(request), held, to)).toMatchObject({
              won: false,
              record: before,
            });
          }
          expect(await read(request)).toEqual(before);
        }
      });

      it('is refused to a caller that saw another owner or fence', async () => {
        const request = fresh({ ...LAPSED });
        const held = await win(request);
        const before = await read(request);
        for (const seen of [
          { ...held, owner: 'x' },
          { ...held, fence: 1 },
        ]) {
          expect(await store.takeOver(rival(request), seen, 'running')).toMatchObject({ won: false });
          expect(await store.takeOver(rival(request), seen, 'in_doubt')).toMatchObject({ won: false });
        }
        expect(await read(request)).toEqual(before);
      });

      it('of 50 concurrent takeovers one wins', async () => {
        const request = fresh({ ...LAPSED });
        const held = await win(request);
        const rivals = Array.from({ length: 50 }, () => rival(request, { leaseMs: 30_000 }));
        const answers = await Promise.all(rivals.map((one) => store.takeOver(one, held, 'running')));
        expect(answers.filter(({ won }) => won)).toHaveLength(1);
        expect((await read(request)).history).toHaveLength(1);
      });

      it('the run that was taken over settles and renews nothing', async () => {
        const request = fresh({ ...LAPSED });
        const first = await win(request);
        const other = rival(request, { leaseMs: 30_000 });
        const taken = await store.takeOver(other, first, 'running');
        const standing = { owner: other.owner, fence: taken.won && taken.held.fence, state: 'running' };
        expect(stands(await store.settle(first, completed))).toEqual(standing);
        expect(stands(await store.renew(first, { leaseMs: 1, abandonedRetentionMs: null }))).toEqual(
          standing,
        );
        expect(await read(request)).toMatchObject({ state: 'running', owner: other.owner });
      });
    });

    describe('watch', () => {
      const signal = () => new AbortController().signal;

      it.each<[string, Settlement]>([
        ['completed', completed],
        ['released', released],
        ['in_doubt', doubted],
      ])('resolves once the run is %s, with the whole record', async (state, settlement) => {
        const request = fresh();
        const held = await win(request);
        const watched = Promise.all([store.watch(held, signal()), store.watch(held, signal())]);
        await store.settle(held, settlement);
        for (const { record, now } of await watched) {
          expect(record).toMatchObject({ state, owner: held.owner });
          expect(now).toBeInstanceOf(Date);
        }
      });

      it('resolves once the lease has lapsed', async () => {
        const request = fresh({ leaseMs: 100 });
        const held = await win(request);
        const { record, now } = await store.watch(held, signal());
        expect(record).toMatchObject({ state: 'running', owner: held.owner });
        expect(decide(record, rival(request), now)).toMatchObject({ do: 'take_over' });
      });

      it('resolves at once for a key that has changed hands, or is not there', async () => {
        const request = fresh();
        const held = await win(request);
        const { record } = await store.watch({ ...held, fence: held.fence - 1 }, signal());
        expect(record).toMatchObject({ state: 'running', fence: held.fence });
        expect(await store.watch({ ...held, key: 'not there' }, signal())).toMatchObject({ record: null });
      });

      it('goes on while the lease is renewed', async () => {
        const request = fresh({ leaseMs: 150 });
        const held = await win(request);
        const watched = store.watch(held, signal());
        await store.renew(held, { leaseMs: 60_000, abandonedRetentionMs: 60_000 });
        // Long enough for the first lease to lapse, as another watch of the same length shows.
        const other = await win(fresh({ leaseMs: 300 }));
        await store.watch(other, signal());
        await store.settle(held, completed);
        expect((await watched).record).toMatchObject({ state: 'completed' });
      });

      it('rejects with the reason of its signal', async () => {
        const held = await win(fresh());
        const waiting = new AbortController();
        const watched = store.watch(held, waiting.signal);
        waiting.abort(new Error('enough'));
        await expect(watched).rejects.toThrow('enough');
        await expect(store.watch(held, AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
      });
    });

    describe('abandon', () => {
      it('gives back a claim that won, and another caller may use the key at once', async () => {
        const request = fresh();
        const held = await win(request);
        store.abandon(request);
        const { record } = await store.watch(held, new AbortController().signal);
        expect(record).toMatchObject({ state: 'released', history: [{ reason: 'given up' }] });
        expect(await win(rival(request))).toMatchObject({ attempts: 2 });
      });

      it('leaves the key of another caller alone', async () => {
        const request = fresh();
        const held = await win(request);
        const before = await read(request);
        const other = rival(request);
        store.abandon(other);
        const third = await win(fresh());
        store.abandon({ ...request, key: third.key, owner: third.owner });
        await store.watch(third, new AbortController().signal);
        expect(await read(request)).toEqual(before);
        expect(await store.settle(held, completed)).toEqual({ applied: true });
      });

      it('a copy of the claim that comes after it wins nothing', async () => {
        const request = fresh();
        const held = await win(request);
        store.abandon(request);
        await store.watch(held, new AbortController().signal);
        expect(await store.claim(request)).toMatchObject({ won: false, record: { state: 'released' } });
      });
    });

    describe('addresses and texts', () => {
      const texts = [
        '$$NOW',
        '$$ROOT',
        '$fingerprint',
        '$owner',
        'a.b',
        '.',
        '__proto__',
        'constructor',
        '{"$gt":""}',
        ' ',
        '00123',
        'a/b?c#d%2F',
        '😀\u202E',
        'x'.repeat(255),
      ];

      it.each(texts)('%s is a text like any other', async (text) => {
        const request = fresh({ scope: text, key: text, operation: text, selections: [text] });
        const held = await win(request);
        expect(await read(request)).toMatchObject({
          scope: text,
          key: text,
          operation: text,
          selection: text,
        });
        await store.settle(held, { ...doubted, reason: text });
        await store.settle(held, { ...completed, response: { format: text, body: text, bytes: 1 } });
        expect(await read(request)).toMatchObject({
          state: 'completed',
          response: { format: text, body: text },
          history: [{ reason: text }, { event: 'late' }],
        });
      });

      it('an owner and fingerprints that look like expressions are compared as texts', async () => {
        const request = fresh({ owner: '$owner', fingerprints: ['$fingerprint'] });
        await win(request);
        expect(await win(request)).toMatchObject({ owner: '$owner' });
        expect(await store.claim(rival(request, { owner: '$$owner' }))).toMatchObject({ won: false });
      });

      it.each([
        [
          ['s', 'AbC'],
          ['s', 'abc'],
        ],
        [
          ['S', 'k'],
          ['s', 'k'],
        ],
        [
          ['s', 'é'],
          ['s', 'e\u0301'],
        ],
        [
          ['s', 'a'],
          ['s', 'a '],
        ],
        [
          ['a:b', 'c'],
          ['a', 'b:c'],
        ],
        [
          ['a', 'bc'],
          ['ab', 'c'],
        ],
        [
          ['x', 'same'],
          ['y', 'same'],
        ],
      ])('%j and %j are two keys', async (one, other) => {
        const unique = ++serial;
        const address = ([scope, key]: string[]) => ({ scope: `${scope}`, key: `${key}-${unique}` });
        const first = fresh(address(one));
        const second = fresh(address(other));
        await win(first);
        await win(second);
        const [held] = await Promise.all([store.claim(first), store.claim(second)]);
        if (held.won) await store.settle(held.held, completed);
        expect(await read(first)).toMatchObject({ state: 'completed', ...address(one) });
        expect(await read(second)).toMatchObject({ state: 'running', ...address(other) });
      });
    });

    describe('close', () => {
      it('every operation is refused afterwards', async () => {
        await using closing = await open();
        const { store: closed } = closing;
        await closed.ready();
        const request = claimOf();
        const answer = await closed.claim(request);
        const held = (answer as Extract<typeof answer, { won: true }>).held;
        await closed.close(1_000);

        const refused = { code: 'STORE_UNAVAILABLE', reason: 'closing' };
        const calls: Record<string, () => Promise<unknown>> = {
          ready: () => closed.ready(),
          claim: () => closed.claim(claimOf({ key: 'other' })),
          takeOver: () => closed.takeOver(request, held, 'running'),
          settle: () => closed.settle(held, completed),
          renew: () => closed.renew(held, { leaseMs: 1, abandonedRetentionMs: 1 }),
          recordStep: () =>
            closed.recordStep(held, { name: 'x', value: { format: 'step/1', body: '', bytes: 0 } }),
          watch: () => closed.watch(held, new AbortController().signal),
          close: () => closed.close(1_000).then(() => Promise.reject(refused)),
        };
        for (const call of Object.values(calls)) await expect(call()).rejects.toMatchObject(refused);
        closed.abandon(request);
      });

      it('what was sent before is answered, and who watches is told', async () => {
        await using closing = await open();
        const { store: closed } = closing;
        await closed.ready();
        const answer = await closed.claim(claimOf());
        const { held } = answer as Extract<typeof answer, { won: true }>;
        const watched = expect(closed.watch(held, new AbortController().signal)).rejects.toMatchObject({
          code: 'STORE_UNAVAILABLE',
          reason: 'closing',
        });
        const settled = closed.settle(held, completed);
        await closed.close(5_000);
        expect(await settled).toEqual({ applied: true });
        await watched;
      });
    });
  });
}
