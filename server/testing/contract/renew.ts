import type { KeyRecord } from '../../engine/record.ts';
import { expect } from './expect.ts';
import { doubted, type Ground, LAPSED, released } from './ground.ts';
import { completed } from './requests.ts';

export function renewals(ground: Ground): void {
  const { describe, it, fresh, rival, win, read, stands } = ground;

  describe('renew', () => {
    const lease = { leaseMs: 90_000, unresolvedRetentionMs: 10_000 };

    it('moves the lease on, and the date of expiry with it', async () => {
      const request = fresh();
      const held = await win(request);
      const before = (await read(request)) as KeyRecord & { leaseExpiresAt: Date };
      expect(await ground.store.renew(held, lease)).toEqual({ applied: true });
      const after = (await read(request)) as KeyRecord & { leaseExpiresAt: Date };
      expect(after.leaseExpiresAt.getTime()).toBeGreaterThanOrEqual(before.leaseExpiresAt.getTime() + 60_000);
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
      const terms = { leaseMs: 1, unresolvedRetentionMs: request.unresolvedRetentionMs };
      expect(await ground.store.renew(held, terms)).toEqual({ applied: true });
      expect(await read(request)).toEqual(before);
    });

    it('a lease that has lapsed is renewed, as long as nobody took over', async () => {
      const request = fresh({ ...LAPSED });
      const held = await win(request);
      expect(await ground.store.renew(held, lease)).toEqual({ applied: true });
      expect((await ground.store.claim(rival(request))).won).toBe(false);
      expect(await ground.store.takeOver(rival(request), held, 'running')).toMatchObject({ won: false });
    });

    it('a settled key has no lease to renew', async () => {
      for (const settlement of [completed, released, doubted]) {
        const held = await win(fresh());
        await ground.store.settle(held, settlement);
        expect(stands(await ground.store.renew(held, lease))).toMatchObject({ state: settlement.to });
      }
    });

    it('another owner or fence renews nothing', async () => {
      const held = await win(fresh());
      const standing = { owner: held.owner, fence: held.fence, state: 'running' };
      expect(stands(await ground.store.renew({ ...held, owner: 'x' }, lease))).toEqual(standing);
      expect(stands(await ground.store.renew({ ...held, fence: 1 }, lease))).toEqual(standing);
    });
  });
}
