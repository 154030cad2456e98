import { HISTORY_LIMIT, type HistoryEntry, type KeyRecord, NEVER } from '../../engine/record.ts';
import type { Held } from '../../engine/store.ts';
import { expect } from './expect.ts';
import { doubted, type Ground, released } from './ground.ts';
import { completed } from './requests.ts';

export function settlements(ground: Ground): void {
  const { describe, it, fresh, rival, win, read, stands } = ground;

  describe('settle', () => {
    it('completes a running key', async () => {
      const request = fresh();
      const held = await win(request);
      expect(await ground.store.settle(held, completed)).toEqual({ applied: true });
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
      expect(await ground.store.settle(held, released)).toEqual({ applied: true });
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
      for (const unresolvedRetentionMs of [60_000, null]) {
        const request = fresh();
        const held = await win(request);
        expect(await ground.store.settle(held, { ...doubted, unresolvedRetentionMs })).toEqual({
          applied: true,
        });
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
          unresolvedRetentionMs === null ? NEVER : new Date(entry.at.getTime() + unresolvedRetentionMs),
        );
      }
    });

    it('a result that comes late still completes a key in doubt, and says so', async () => {
      const request = fresh();
      const held = await win(request);
      await ground.store.settle(held, doubted);
      expect(await ground.store.settle(held, completed)).toEqual({ applied: true });
      const record = await read(request);
      expect(record).toMatchObject({
        state: 'completed',
        history: [{ event: 'in_doubt' }, { event: 'completed_late', owner: held.owner, fence: held.fence }],
      });
      expect(record.history[1]).not.toHaveProperty('reason');
      expect(record.history[1]).not.toHaveProperty('startedAt');
    });

    it('a key in doubt is not released by its run', async () => {
      const request = fresh();
      const held = await win(request);
      await ground.store.settle(held, doubted);
      const before = await read(request);
      expect(stands(await ground.store.settle(held, released))).toEqual({
        owner: held.owner,
        fence: held.fence,
        state: 'in_doubt',
      });
      expect(await read(request)).toEqual(before);
    });

    it('the first outcome stands', async () => {
      const request = fresh();
      const held = await win(request);
      await ground.store.settle(held, completed);
      const before = await read(request);
      await ground.store.settle(held, { ...completed, outcome: 'error' });
      expect(stands(await ground.store.settle(held, doubted))).toMatchObject({ state: 'completed' });
      expect(stands(await ground.store.settle(held, released))).toMatchObject({ state: 'completed' });
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
        expect(stands(await ground.store.settle(change(held), settlement))).toEqual({
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
      expect(await ground.store.settle(held, completed)).toEqual({ applied: false, stands: null });
      expect(await ground.store.renew(held, { leaseMs: 1_000, unresolvedRetentionMs: null })).toEqual({
        applied: false,
        stands: null,
      });
    });

    it(`the history keeps the last ${HISTORY_LIMIT} attempts`, async () => {
      const request = fresh();
      for (let attempt = 1; attempt <= HISTORY_LIMIT + 3; attempt++) {
        const held = await win(rival(request));
        expect(held.attempts).toBe(attempt);
        await ground.store.settle(held, { ...released, reason: `attempt ${attempt}` });
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
        expect(await ground.store.settle(held, { ...completed, response })).toEqual({ applied: true });
        const answer = await ground.store.claim(rival(request));
        const { response: stored } = (answer.won ? {} : answer.record) as { response: typeof response };
        expect(stored.body === body && stored.bytes === response.bytes).toBe(true);
      }
    });

    it('a body that was omitted is not there', async () => {
      const request = fresh();
      const response = { format: 'test/1', bytes: 99, omitted: 'too_large' } as const;
      await ground.store.settle(await win(request), { ...completed, response });
      expect((await read(request)) as { response?: unknown }).toHaveProperty('response', response);
    });
  });
}
