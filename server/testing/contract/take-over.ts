import { expect } from './expect.ts';
import { doubted, type Ground, LAPSED, nobody, released } from './ground.ts';
import { completed } from './requests.ts';

export function takeovers(ground: Ground): void {
  const { describe, it, fresh, rival, win, read, stands } = ground;

  describe('takeOver', () => {
    it('a lapsed run is taken over with a new fence, in the same life', async () => {
      const request = fresh({ ...LAPSED });
      const first = await win(request);
      const other = rival(request, { leaseMs: 30_000, seed: 1 });
      const answer = await ground.store.takeOver(other, first, 'running');
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
      const answer = await ground.store.takeOver(rival(request), held, 'in_doubt');
      expect(answer).toMatchObject({
        won: false,
        putInDoubt: true,
        record: { state: 'in_doubt', owner: held.owner, fence: held.fence },
      });
      const later = await ground.store.takeOver(rival(request), held, 'in_doubt');
      expect('putInDoubt' in later && later.putInDoubt === true).toBe(false);
      expect((await read(request)).history).toMatchObject([{ event: 'in_doubt', reason: 'lease lapsed' }]);
      expect(await ground.store.settle(held, completed)).toEqual({ applied: true });
    });

    it('a key in doubt is taken over to ask about it', async () => {
      const request = fresh();
      const held = await win(request);
      await ground.store.settle(held, doubted);
      expect(await ground.store.takeOver(rival(request), held, 'asking')).toMatchObject({
        won: true,
        held: { attempts: 2 },
      });
    });

    it('a key that its owner put in doubt after its lease was seen to lapse is not run again', async () => {
      const request = fresh({ ...LAPSED });
      const held = await win(request);
      await ground.store.settle(held, doubted);
      const rerunning = rival(request, { onCrash: 'retry', resolves: true });
      expect(await ground.store.takeOver(rerunning, held, 'running')).toMatchObject({
        won: false,
        record: { state: 'in_doubt', owner: held.owner },
      });
    });

    it('a key in doubt stays as it is when it is put in doubt again', async () => {
      const request = fresh();
      const held = await win(request);
      await ground.store.settle(held, doubted);
      const before = await read(request);
      expect(await ground.store.takeOver(rival(request), held, 'in_doubt')).toMatchObject({
        won: false,
        record: before,
      });
      expect(await read(request)).toEqual(before);
    });

    it('a live, finished, released or missing key is not taken over', async () => {
      const missing = fresh();
      expect(await ground.store.takeOver(missing, nobody, 'running')).toMatchObject({
        won: false,
        record: null,
      });
      for (const settlement of [undefined, completed, released]) {
        const request = fresh();
        const held = await win(request);
        if (settlement) await ground.store.settle(held, settlement);
        const before = await read(request);
        for (const to of ['running', 'in_doubt', 'asking'] as const) {
          expect(await ground.store.takeOver(rival(request), held, to)).toMatchObject({
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
        expect(await ground.store.takeOver(rival(request), seen, 'running')).toMatchObject({ won: false });
        expect(await ground.store.takeOver(rival(request), seen, 'in_doubt')).toMatchObject({ won: false });
      }
      expect(await read(request)).toEqual(before);
    });

    it('of 50 concurrent takeovers one wins', async () => {
      const request = fresh({ ...LAPSED });
      const held = await win(request);
      const rivals = Array.from({ length: 50 }, () => rival(request, { leaseMs: 30_000 }));
      const answers = await Promise.all(rivals.map((one) => ground.store.takeOver(one, held, 'running')));
      expect(answers.filter(({ won }) => won)).toHaveLength(1);
      expect((await read(request)).history).toHaveLength(1);
    });

    it('the run that was taken over settles and renews nothing', async () => {
      const request = fresh({ ...LAPSED });
      const first = await win(request);
      const other = rival(request, { leaseMs: 30_000 });
      const taken = await ground.store.takeOver(other, first, 'running');
      const standing = { owner: other.owner, fence: taken.won && taken.held.fence, state: 'running' };
      expect(stands(await ground.store.settle(first, completed))).toEqual(standing);
      expect(stands(await ground.store.renew(first, { leaseMs: 1, unresolvedRetentionMs: null }))).toEqual(
        standing,
      );
      expect(await read(request)).toMatchObject({ state: 'running', owner: other.owner });
    });
  });
}
