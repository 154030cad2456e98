import type { Held, Store } from '../../engine/store.ts';
import { expect } from './expect.ts';
import type { Ground } from './ground.ts';
import { claimOf, completed } from './requests.ts';

export function closing({ describe, it, open }: Ground): void {
  const refused = { code: 'IDEMPOTENCY_STORE_UNAVAILABLE', reason: 'closing' };
  const request = claimOf();

  /** Opens a store that holds one running key. */
  async function openWithRun() {
    const opened = await open();
    const { store } = opened;
    await store.ready();
    const answer = await store.claim(request);
    const { held } = answer as Extract<typeof answer, { won: true }>;
    return { store, held, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
  }

  /** Watches a running key until its store is closed. */
  const watchedToTheEnd = (store: Store, held: Held) =>
    expect(store.watch(held, new AbortController().signal)).rejects.toMatchObject(refused);

  describe('close', () => {
    it('every operation is refused afterwards', async () => {
      await using opened = await openWithRun();
      const { store: closed, held } = opened;
      await closed.close(1_000);

      const calls: Record<string, () => Promise<unknown>> = {
        ready: () => closed.ready(),
        claim: () => closed.claim(claimOf({ key: 'other' })),
        takeOver: () => closed.takeOver(request, held, 'running'),
        settle: () => closed.settle(held, completed),
        renew: () => closed.renew(held, { leaseMs: 1, unresolvedRetentionMs: 1 }),
        recordStep: () =>
          closed.recordStep(held, { name: 'x', value: { format: 'step/1', body: '', bytes: 0 } }),
        watch: () => closed.watch(held, new AbortController().signal),
        read: () => closed.read(request, 'head'),
      };
      for (const call of Object.values(calls)) await expect(call()).rejects.toMatchObject(refused);
      // Neither of these has anything left to do, and neither fails.
      closed.giveUp(request);
      await closed.close(1_000);
    });

    it('what was sent before is answered, and who watches is told', async () => {
      await using opened = await openWithRun();
      const { store: closed, held } = opened;
      const watched = watchedToTheEnd(closed, held);
      const settled = closed.settle(held, completed);
      await closed.close(5_000);
      expect(await settled).toEqual({ applied: true });
      await watched;
    });

    it('who watches a run that goes on is told', async () => {
      await using opened = await openWithRun();
      const { store: closed, held } = opened;
      const watched = watchedToTheEnd(closed, held);
      await closed.close(1_000);
      await watched;
    });
  });
}
