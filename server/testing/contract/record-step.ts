import type { KeyRecord, RunningRecord } from '../../engine/record.ts';
import type { Settlement } from '../../engine/transitions.ts';
import { expect } from './expect.ts';
import { doubted, type Ground, LAPSED, released } from './ground.ts';
import { completed } from './requests.ts';

export function recordedSteps(ground: Ground): void {
  const { describe, it, fresh, rival, win, read, stands } = ground;

  describe('recordStep', () => {
    const charged = { name: 'charge', value: { format: 'step/1', body: '{"id":"ch_1"}', bytes: 13 } };
    const shipped = { name: 'ship', value: { format: 'step/1', body: '', bytes: 0 } };
    const namesIn = ({ steps = [] }: Pick<KeyRecord, 'steps'>) => steps.map(({ name }) => name);

    it('adds the step, its time and its attempt, and leaves the rest of the record as it is', async () => {
      const request = fresh();
      const held = await win(request);
      const before = await read(request);
      expect(await ground.store.recordStep(held, charged)).toEqual({ applied: true });
      expect(await read(request)).toEqual({
        ...before,
        steps: [{ ...charged, at: expect.any(Date), attempt: 1 }],
      });
    });

    it('sent again it is recorded once, with its first value and time', async () => {
      const request = fresh();
      const held = await win(request);
      await ground.store.recordStep(held, charged);
      const before = await read(request);
      const again = { name: 'charge', value: { ...charged.value, body: '{"id":"ch_2"}' } };
      expect(await ground.store.recordStep(held, again)).toEqual({ applied: true });
      expect(await read(request)).toEqual(before);
    });

    it('of 50 steps at the same time, each sent twice, each is recorded once', async () => {
      const request = fresh();
      const held = await win(request);
      const names = Array.from({ length: 50 }, (_, index) => `step ${index}`);
      await Promise.all(
        [...names, ...names].map((name) => ground.store.recordStep(held, { ...charged, name })),
      );
      expect(namesIn(await read(request)).sort()).toEqual(names.sort());
    });

    it('next to a renewal both are recorded', async () => {
      const request = fresh();
      const held = await win(request);
      const terms = { leaseMs: 90_000, unresolvedRetentionMs: 60_000 };
      const answers = await Promise.all([
        ground.store.recordStep(held, charged),
        ground.store.renew(held, terms),
      ]);
      expect(answers).toEqual([{ applied: true }, { applied: true }]);
      const { startedAt, leaseExpiresAt, ...record } = (await read(request)) as RunningRecord;
      expect(leaseExpiresAt.getTime() - startedAt.getTime()).toBeGreaterThanOrEqual(90_000);
      expect(namesIn(record)).toEqual(['charge']);
    });

    it('a key that is settled takes no more steps', async () => {
      for (const settlement of [completed, released, doubted]) {
        const request = fresh();
        const held = await win(request);
        await ground.store.settle(held, settlement);
        const before = await read(request);
        expect(stands(await ground.store.recordStep(held, charged))).toMatchObject({ state: settlement.to });
        expect(await read(request)).toEqual(before);
      }
    });

    it('another owner or fence records nothing, and is told what stands', async () => {
      const request = fresh();
      const held = await win(request);
      const standing = { owner: held.owner, fence: held.fence, state: 'running' };
      expect(stands(await ground.store.recordStep({ ...held, owner: 'x' }, charged))).toEqual(standing);
      expect(stands(await ground.store.recordStep({ ...held, fence: 1 }, charged))).toEqual(standing);
      expect(stands(await ground.store.recordStep({ ...held, key: 'not there' }, charged))).toBeNull();
      expect(await read(request)).not.toHaveProperty('steps');
    });

    it('who takes over gets the steps, and the run that was taken over adds none', async () => {
      const request = fresh({ ...LAPSED });
      const first = await win(request);
      await ground.store.recordStep(first, charged);
      const other = rival(request, { leaseMs: 30_000 });
      const taken = await ground.store.takeOver(other, first, 'running');
      expect(taken).toMatchObject({ won: true, held: { steps: [{ ...charged, attempt: 1 }] } });
      expect(stands(await ground.store.recordStep(first, shipped))).toMatchObject({ owner: other.owner });
      const { held } = taken as Extract<typeof taken, { won: true }>;
      expect(await ground.store.recordStep(held, shipped)).toEqual({ applied: true });
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
      await ground.store.recordStep(held, charged);
      await ground.store.settle(held, settlement);
      expect(namesIn(await read(request))).toEqual(['charge']);
    });

    it('a key that lapses into doubt keeps its steps', async () => {
      const request = fresh({ ...LAPSED });
      const held = await win(request);
      await ground.store.recordStep(held, charged);
      await ground.store.takeOver(rival(request), held, 'in_doubt');
      expect(namesIn(await read(request))).toEqual(['charge']);
    });

    it('a key that is released with steps is for the same input only, whose next attempt gets them', async () => {
      const request = fresh({ selections: ['s1:sel'] });
      const held = await win(request);
      await ground.store.recordStep(held, charged);
      await ground.store.settle(held, released);
      const record = await read(request);
      expect(record).toMatchObject({ state: 'released', fingerprint: 's1:aaaa' });
      expect(record).not.toHaveProperty('selection');
      expect(await ground.store.claim(rival(request, { fingerprints: ['s1:bbbb'] }))).toMatchObject({
        won: false,
      });
      expect(await win(rival(request))).toMatchObject({ attempts: 2, steps: [{ ...charged, attempt: 1 }] });
    });

    it('a claim that is given up leaves the steps of earlier attempts, and the input that they belong to', async () => {
      const request = fresh();
      const held = await win(request);
      await ground.store.recordStep(held, charged);
      await ground.store.settle(held, released);
      const second = rival(request);
      const claimed = await win(second);
      const { expiresAt } = await read(request);
      ground.store.giveUp(second);
      await ground.store.watch(claimed, new AbortController().signal);
      const record = await read(request);
      expect(record).toMatchObject({ state: 'released', fingerprint: 's1:aaaa' });
      expect(record.expiresAt.getTime()).toBeGreaterThanOrEqual(expiresAt.getTime());
      expect(await win(rival(request))).toMatchObject({ attempts: 3, steps: [charged] });
    });

    it('a new life begins without steps', async () => {
      const request = fresh();
      const held = await win(request);
      await ground.store.recordStep(held, charged);
      await ground.store.settle(held, { ...completed, retentionMs: -60_000 });
      expect(await win(rival(request))).not.toHaveProperty('steps');
      expect(await read(request)).not.toHaveProperty('steps');
    });

    it('its own claim sent again is answered with the steps of earlier attempts', async () => {
      const request = fresh();
      const held = await win(request);
      await ground.store.recordStep(held, charged);
      await ground.store.settle(held, released);
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
        expect(await ground.store.recordStep(held, { name: text, value })).toEqual({ applied: true });
        expect(await ground.store.recordStep(held, { ...shipped, name: `${text} ` })).toEqual({
          applied: true,
        });
        expect((await read(request)).steps).toMatchObject([{ name: text, value }, { name: `${text} ` }]);
      },
    );
  });
}
