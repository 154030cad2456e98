import { decide } from '../../engine/decide.ts';
import type { Settlement } from '../../engine/transitions.ts';
import { expect } from './expect.ts';
import { doubted, type Ground, released } from './ground.ts';
import { completed } from './requests.ts';

export function watches(ground: Ground): void {
  const { describe, it, fresh, rival, win } = ground;

  describe('watch', () => {
    const signal = () => new AbortController().signal;

    it.each<[string, Settlement]>([
      ['completed', completed],
      ['released', released],
      ['in_doubt', doubted],
    ])('resolves once the run is %s, with the whole record', async (state, settlement) => {
      const request = fresh();
      const held = await win(request);
      const watched = Promise.all([ground.store.watch(held, signal()), ground.store.watch(held, signal())]);
      await ground.store.settle(held, settlement);
      for (const { record, now } of await watched) {
        expect(record).toMatchObject({ state, owner: held.owner });
        expect(now).toBeInstanceOf(Date);
      }
    });

    it('resolves once the lease has lapsed', async () => {
      const request = fresh({ leaseMs: 100 });
      const held = await win(request);
      const { record, now } = await ground.store.watch(held, signal());
      expect(record).toMatchObject({ state: 'running', owner: held.owner });
      expect(decide(record, rival(request), now)).toMatchObject({ do: 'take_over' });
    });

    it('resolves at once for a key that has changed hands, or is not there', async () => {
      const request = fresh();
      const held = await win(request);
      const { record } = await ground.store.watch({ ...held, fence: held.fence - 1 }, signal());
      expect(record).toMatchObject({ state: 'running', fence: held.fence });
      expect(await ground.store.watch({ ...held, key: 'not there' }, signal())).toMatchObject({
        record: null,
      });
    });

    it('goes on while the lease is renewed', async () => {
      const request = fresh({ leaseMs: 150 });
      const held = await win(request);
      const watched = ground.store.watch(held, signal());
      await ground.store.renew(held, { leaseMs: 60_000, unresolvedRetentionMs: 60_000 });
      // Long enough for the first lease to lapse, as another watch of the same length shows.
      const other = await win(fresh({ leaseMs: 300 }));
      await ground.store.watch(other, signal());
      await ground.store.settle(held, completed);
      expect((await watched).record).toMatchObject({ state: 'completed' });
    });

    it('rejects with the reason of its signal', async () => {
      const held = await win(fresh());
      const waiting = new AbortController();
      const watched = ground.store.watch(held, waiting.signal);
      waiting.abort(new Error('enough'));
      await expect(watched).rejects.toThrow('enough');
      await expect(ground.store.watch(held, AbortSignal.abort(new Error('before')))).rejects.toThrow(
        'before',
      );
    });
  });
}
