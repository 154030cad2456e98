import { expect } from './expect.ts';
import type { Ground } from './ground.ts';
import { claimOf, completed } from './requests.ts';

export function reads(ground: Ground): void {
  const { describe, it, fresh, win } = ground;

  describe('read', () => {
    const step = { name: 'charge', value: { format: 'step/1', body: '"ch_1"', bytes: 6 } };
    const captured = { format: 'test/1', body: 'sent', bytes: 4 };

    it('gives the whole record, or its head without what a client or a handler has sent', async () => {
      const request = fresh({ captured });
      const held = await win(request);
      await ground.store.recordStep(held, step);
      await ground.store.settle(held, completed);
      const whole = await ground.store.read(request, 'whole');
      expect(whole.record).toMatchObject({
        state: 'completed',
        request: captured,
        response: completed.response,
      });
      const { request: _, response, steps, history, ...head } = whole.record ?? {};
      const read = await ground.store.read(request, 'head');
      expect(read.record).toEqual(head);
      expect(read.now).toBeInstanceOf(Date);
    });

    it.each(['head', 'whole'] as const)(
      'finds no record (%s) for a key or a scope that has none',
      async (part) => {
        const request = fresh();
        await win(request);
        for (const other of [
          { ...request, key: 'nobody' },
          { ...request, scope: 'else' },
        ])
          expect(await ground.store.read(other, part)).toMatchObject({ record: null });
      },
    );

    it('sees a claim and a settlement as soon as they are answered', async () => {
      const request = fresh();
      const held = await win(request);
      expect((await ground.store.read(request, 'head')).record).toMatchObject({ state: 'running' });
      await ground.store.settle(held, completed);
      expect((await ground.store.read(request, 'head')).record).toMatchObject({ state: 'completed' });
    });

    it('changes nothing', async () => {
      const request = fresh();
      await win(request);
      const { record } = await ground.store.read(request, 'whole');
      await ground.store.read(request, 'head');
      expect((await ground.store.read(request, 'whole')).record).toEqual(record);
    });

    it('reads many keys at once, each by its own name', async () => {
      const requests = Array.from({ length: 20 }, () => fresh());
      await Promise.all(requests.map(win));
      const heads = await Promise.all(requests.map((request) => ground.store.read(request, 'head')));
      expect(heads.map(({ record }) => record?.key)).toEqual(requests.map(({ key }) => key));
      expect(await ground.store.read(claimOf({ key: 'none of them' }), 'head')).toMatchObject({
        record: null,
      });
    });
  });
}
