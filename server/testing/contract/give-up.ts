import { expect } from './expect.ts';
import { doubted, type Ground, released } from './ground.ts';
import { completed } from './requests.ts';

export function givenUpClaims(ground: Ground): void {
  const { describe, it, fresh, rival, win, read } = ground;

  describe('giveUp', () => {
    it('gives back a claim that won, and another caller may use the key at once', async () => {
      const request = fresh();
      const held = await win(request);
      ground.store.giveUp(request);
      const { record } = await ground.store.watch(held, new AbortController().signal);
      expect(record).toMatchObject({ state: 'released', history: [{ reason: 'given up' }] });
      expect(await win(rival(request))).toMatchObject({ attempts: 2 });
    });

    it('leaves the key of another caller alone', async () => {
      const request = fresh();
      const held = await win(request);
      const before = await read(request);
      const other = rival(request);
      ground.store.giveUp(other);
      const third = await win(fresh());
      ground.store.giveUp({ ...request, key: third.key, owner: third.owner });
      await ground.store.watch(third, new AbortController().signal);
      expect(await read(request)).toEqual(before);
      expect(await ground.store.settle(held, completed)).toEqual({ applied: true });
    });

    it('leaves a key that its caller has settled as it is', async () => {
      for (const settlement of [completed, released, doubted]) {
        const request = fresh();
        await ground.store.settle(await win(request), settlement);
        const before = await read(request);
        const last = fresh();
        const held = await win(last);
        ground.store.giveUp(request);
        ground.store.giveUp(last);
        await ground.store.watch(held, new AbortController().signal);
        expect(await read(request)).toEqual(before);
      }
    });

    it('a copy of the claim that comes after it wins nothing', async () => {
      const request = fresh();
      const held = await win(request);
      ground.store.giveUp(request);
      await ground.store.watch(held, new AbortController().signal);
      expect(await ground.store.claim(request)).toMatchObject({ won: false, record: { state: 'released' } });
    });
  });
}
