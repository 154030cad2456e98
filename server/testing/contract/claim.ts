import { NEVER, type StoredRecord } from '../../engine/record.ts';
import type { ClaimAnswer } from '../../engine/store.ts';
import type { Settlement } from '../../engine/transitions.ts';
import { expect } from './expect.ts';
import { doubted, type Ground, LAPSED, released } from './ground.ts';
import { completed } from './requests.ts';

/** Says what is expected as the answer to a claim that lost to this record. A store whose records operators can find also names the record. */
const lostTo = (record: StoredRecord, answer: ClaimAnswer) => ({
  won: false,
  record,
  now: expect.any(Date),
  ...('id' in answer && { id: expect.any(String) }),
});

export function claims(ground: Ground): void {
  const { describe, it, fresh, rival, win, read } = ground;

  describe('claim', () => {
    it('a fresh key is won, and the record says by whom', async () => {
      const request = fresh({ selections: ['s1:sel'], transactional: true });
      const sentFrom = performance.now();
      const answer = await ground.store.claim(request);

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
      const request = fresh({ unresolvedRetentionMs: null });
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
      const answer = await ground.store.claim(rival(request));
      expect(answer).toEqual(lostTo(before, answer));
      expect(await read(request)).toEqual(before);
    });

    it.each<[string, Settlement]>([
      ['completed', completed],
      ['in doubt', doubted],
    ])('a key that is %s is not won, and the whole record is told', async (_, settlement) => {
      const request = fresh();
      const held = await win(request);
      await ground.store.settle(held, settlement);
      const before = await read(request);
      const answer = await ground.store.claim(rival(request));
      expect(answer).toEqual(lostTo(before, answer));
      expect(await read(request)).toEqual(before);
    });

    it('a released key is won by another caller, who continues its life with a higher fence', async () => {
      const request = fresh({ seed: 5 });
      const first = await win(request);
      await ground.store.settle(first, released);
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
      await ground.store.settle(await win(request), released);
      const before = await read(request);
      const answer = await ground.store.claim(request);
      expect(answer).toEqual(lostTo(before, answer));
      expect(await read(request)).toEqual(before);
    });

    it('other arguments do not win a key, whatever its state but released', async () => {
      const request = fresh({ ...LAPSED });
      const held = await win(request);
      const other = rival(request, { fingerprints: ['s1:bbbb'] });
      expect(await ground.store.claim(other)).toMatchObject({ won: false, record: { state: 'running' } });
      await ground.store.settle(held, completed);
      expect(await ground.store.claim(other)).toMatchObject({ won: false, record: { state: 'completed' } });
    });

    it('a record whose rule this caller does not know stays as it is, even when it has expired', async () => {
      const request = fresh({ fingerprints: ['s9:aaaa'], leaseMs: -1, unresolvedRetentionMs: 0 });
      await win(request);
      const answer = await ground.store.claim(rival(request, { fingerprints: ['s1:aaaa'] }));
      expect(answer).toMatchObject({ won: false, record: { fingerprint: 's9:aaaa' } });
    });

    it('an expired key starts a new life, with a fence above the old one', async () => {
      const request = fresh({ seed: 5_000, leaseMs: -1, unresolvedRetentionMs: 0 });
      await win(request);
      const other = rival(request, { seed: 1_000, leaseMs: 30_000, fingerprints: ['s1:bbbb'] });
      expect(await win(other)).toMatchObject({ fence: 5_001, life: 5_001, attempts: 1 });
      const record = await read(request);
      expect(record).toMatchObject({ owner: other.owner, fingerprint: 's1:bbbb', history: [] });
      expect(record.createdAt).toEqual(record.startedAt);
    });

    it('what an expired record held is gone', async () => {
      const request = fresh();
      await ground.store.settle(await win(request), { ...completed, retentionMs: -60_000 });
      await win(rival(request));
      const record = await read(request);
      for (const field of ['response', 'outcome', 'completedAt']) expect(record).not.toHaveProperty(field);
    });

    it('of 100 concurrent claims of a fresh key one wins', async () => {
      const request = fresh();
      const rivals = Array.from({ length: 100 }, () => rival(request));
      const answers = await Promise.all(rivals.map((one) => ground.store.claim(one)));
      const winners = answers.filter(({ won }) => won);
      expect(winners).toHaveLength(1);
      const { owner } = await read(request);
      for (const answer of answers) {
        if (answer.won) expect(answer.held.owner).toBe(owner);
        else expect(answer.record).toMatchObject({ state: 'running', owner });
      }
    });

    it('of 100 concurrent claims of an expired key one wins', async () => {
      const request = fresh({ leaseMs: -1, unresolvedRetentionMs: 0 });
      const { fence } = await win(request);
      const live = { leaseMs: 30_000, unresolvedRetentionMs: 60_000 };
      const rivals = Array.from({ length: 100 }, () => rival(request, live));
      const answers = await Promise.all(rivals.map((one) => ground.store.claim(one)));
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
}
