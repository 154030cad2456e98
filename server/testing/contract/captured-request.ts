import type { ClaimRequest } from '../../engine/decide.ts';
import { expect } from './expect.ts';
import { doubted, type Ground, LAPSED, released } from './ground.ts';
import { completed } from './requests.ts';

export function capturedRequests(ground: Ground): void {
  const { describe, it, fresh, rival, win, read } = ground;

  describe('a captured request', () => {
    const captured = { format: 'test/1', body: '{"$set":"$$NOW"}', bytes: 16 };
    const newer = { ...captured, body: '{"$set":"$owner"}', bytes: 17 };
    const requestIn = async (request: ClaimRequest) => (await read(request)).request;

    it('is in the record from the claim on, whatever becomes of it', async () => {
      for (const settlement of [completed, released, doubted]) {
        const request = fresh({ captured });
        const held = await win(request);
        expect(await requestIn(request)).toEqual(captured);
        await ground.store.settle(held, settlement);
        expect(await requestIn(request)).toEqual(captured);
      }
    });

    it('stays when the same request is taken over, unless it is captured again', async () => {
      const request = fresh({ ...LAPSED, captured });
      const { owner, fence } = await win(request);
      const second = rival(request, { ...LAPSED });
      const { captured: _, ...uncaptured } = second;
      const taken = await ground.store.takeOver(uncaptured, { owner, fence }, 'running');
      expect(await requestIn(request)).toEqual(captured);
      if (!taken.won) throw new Error('Expected to take over');
      await ground.store.takeOver(rival(request, { captured: newer }), taken.held, 'running');
      expect(await requestIn(request)).toEqual(newer);
    });

    it('does not stand for another request, once its run has released the key', async () => {
      const request = fresh({ captured });
      await ground.store.settle(await win(request), released);
      const { captured: _, ...corrected } = rival(request, { fingerprints: ['s1:bbbb'] });
      const held = await win(corrected);
      expect(await read(request)).not.toHaveProperty('request');
      await ground.store.settle(held, released);
      await win(rival(request, { captured: newer }));
      expect(await requestIn(request)).toEqual(newer);
    });

    it('is gone with a new life', async () => {
      const request = fresh({ leaseMs: -1, unresolvedRetentionMs: 0, captured });
      await win(request);
      const { captured: _, ...next } = rival(request, { leaseMs: 30_000, unresolvedRetentionMs: 60_000 });
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
}
