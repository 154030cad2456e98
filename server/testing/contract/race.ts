import type { Held, Store, WriteAnswer } from '../../engine/store.ts';
import { expect } from './expect.ts';
import { type Ground, LAPSED, released } from './ground.ts';
import { completed } from './requests.ts';

/** A write that reads, decides and then writes loses one of these races; so each is run several times, in both orders. */
const ROUNDS = Array.from({ length: 6 }, (_, round) => round);

export function races(ground: Ground): void {
  const { describe, it, fresh, rival, win, read } = ground;
  const lease = { leaseMs: 90_000, unresolvedRetentionMs: 60_000 };
  const step = { name: 'charge', value: { format: 'step/1', body: '"ch_1"', bytes: 6 } };

  /** Sends two writes at the same time; the second is sent first in each other round. */
  async function atOnce<One, Other>(round: number, one: () => Promise<One>, other: () => Promise<Other>) {
    if (round % 2 === 0) return Promise.all([one(), other()]);
    const sent = other();
    return Promise.all([one(), sent]);
  }

  describe('writes at the same time', () => {
    it.each<[string, (store: Store, held: Held) => Promise<WriteAnswer>]>([
      ['renewal', (store, held) => store.renew(held, lease)],
      ['step', (store, held) => store.recordStep(held, step)],
    ])('a %s does not bring back a run that has settled', async (_, write) => {
      for (const round of ROUNDS) {
        const request = fresh();
        const held = await win(request);
        const settle = () => ground.store.settle(held, completed);
        const [, settled] = await atOnce(round, () => write(ground.store, held), settle);
        expect(settled).toEqual({ applied: true });
        expect(await read(request)).toMatchObject({ state: 'completed', response: completed.response });
      }
    });

    it('of two settlements of one run one is applied, and stands', async () => {
      for (const round of ROUNDS) {
        const request = fresh();
        const held = await win(request);
        const [completion, release] = await atOnce(
          round,
          () => ground.store.settle(held, completed),
          () => ground.store.settle(held, released),
        );
        expect(completion.applied).not.toBe(release.applied);
        expect(await read(request)).toMatchObject({ state: completion.applied ? 'completed' : 'released' });
      }
    });

    it.each<[string, string, (store: Store, held: Held) => Promise<WriteAnswer>]>([
      ['late result', 'completed', (store, held) => store.settle(held, completed)],
      ['late renewal', 'running', (store, held) => store.renew(held, lease)],
    ])('of a %s and a takeover one is applied, and stands', async (_, state, write) => {
      for (const round of ROUNDS) {
        const request = fresh({ ...LAPSED });
        const held = await win(request);
        const other = rival(request, { leaseMs: 30_000 });
        const [late, taken] = await atOnce(
          round,
          () => write(ground.store, held),
          () => ground.store.takeOver(other, held, 'running'),
        );
        expect(taken.won).toBe(!late.applied);
        const standing = taken.won
          ? { state: 'running', owner: other.owner }
          : { state, owner: held.owner, fence: held.fence };
        expect(await read(request)).toMatchObject(standing);
      }
    });
  });
}
