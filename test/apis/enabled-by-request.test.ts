import { describe, expect, test } from 'vitest';
import { currentRun, requireRun } from '../../server/index.ts';
import { PAY, startByRequest } from './by-request.ts';

type Options = NonNullable<Parameters<typeof startByRequest>[0]>;

const OFF: readonly (readonly [string, Options])[] = [
  ['createIdempotency has `enabled: false`', { engine: { enabled: false } }],
  ['the adapter has `enabled: false`', { enabled: false }],
  ['its `enabled` function says false', { enabled: async () => false }],
];

describe.each(Object.entries(PAY))('%s', (_, pay) => {
  describe.each(OFF)('where %s', (_, off) => {
    test('each call runs, and nothing is recorded', async () => {
      await using shop = await startByRequest(off);
      for (const run of [1, 2])
        expect(await pay({ url: shop.url, key: 'k' })).toMatchObject({ replayed: false, receipt: { run } });
      expect(await shop.records()).toEqual([]);
    });

    test('no key is looked at, and none is required', async () => {
      await using shop = await startByRequest({ ...off, require: true });
      expect(await pay({ url: shop.url, key: '"' })).toMatchObject({ status: 200 });
      expect(await pay({ url: shop.url })).toMatchObject({ status: 200 });
      expect(await pay({ url: shop.url, key: 'k', user: '' })).toMatchObject({ status: 200 });
    });

    test('a handler that counts on a run has one that records nothing, and there is no current run', async () => {
      const keys: string[] = [];
      await using shop = await startByRequest({
        ...off,
        async onRun() {
          expect(currentRun()).toBeUndefined();
          const run = requireRun();
          expect(requireRun()).toBe(run);
          expect(await run.step('charge', ({ key }) => key)).toBe(run.downstreamKey('charge'));
          run.release('nothing happened');
          expect(() => requireRun({ transaction: true })).toThrow('`enabled` is false for it');
          keys.push(run.downstreamKey('charge'));
        },
      });
      for (const run of [1, 2])
        expect(await pay({ url: shop.url, key: 'k' })).toMatchObject({ receipt: { run } });
      expect(new Set(keys).size).toBe(2); // as without a key: each call is one of its own
    });
  });

  test('an `enabled` function decides for each call', async () => {
    await using shop = await startByRequest({ enabled: (header) => header('x-pilot') === 'yes' });
    const pilot = { url: shop.url, key: 'k', headers: { 'x-pilot': 'yes' } };
    const first = await pay(pilot);
    expect(await pay({ url: shop.url, key: 'k' })).toMatchObject({ replayed: false, receipt: { run: 2 } });
    expect(await pay(pilot)).toEqual({ ...first, replayed: true });
    expect(await shop.records()).toHaveLength(1);
  });

  test.each(['yes', undefined, 1])(
    'an `enabled` function that gives %j lets nothing run',
    async (verdict) => {
      await using shop = await startByRequest({ enabled: () => verdict as never });
      await pay({ url: shop.url, key: 'k' }).catch(() => 'failed');
      expect(shop.runs).toEqual([]);
      expect(await shop.records()).toEqual([]);
    },
  );
});
