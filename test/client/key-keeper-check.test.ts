import { describe, expect, test, vi } from 'vitest';
import { KeyKeeper } from '../../plugin/client/key-keeper.ts';
import { FakeBrowser } from './support/browser.ts';

const lost = () => Promise.reject(new TypeError('fetch failed'));

/** A keeper whose first attempt was lost. */
async function afterLoss() {
  const keeper = new KeyKeeper();
  await keeper.run({ amount: 5 }, lost).catch(() => {});
  return { keeper, key: String(keeper.state().key) };
}

describe('check asks about the operation under way, and sends nothing', () => {
  test('without one it asks nothing', async () => {
    const ask = vi.fn(async () => ({ state: 'unknown' }));
    expect(await new KeyKeeper().check(ask)).toBeUndefined();
    expect(ask).not.toHaveBeenCalled();
  });

  test.each<[string, object, { settled: boolean; sameKey: boolean }]>([
    ['succeeded', { state: 'completed', outcome: 'success' }, { settled: true, sameKey: false }],
    [
      'succeeded, in the words of GraphQL',
      { state: 'COMPLETED', outcome: 'SUCCESS' },
      { settled: true, sameKey: false },
    ],
    ['failed', { state: 'completed', outcome: 'error' }, { settled: true, sameKey: true }],
    ['was released', { state: 'released' }, { settled: true, sameKey: true }],
    ['runs', { state: 'running' }, { settled: false, sameKey: true }],
    ['is in doubt', { state: 'in_doubt' }, { settled: false, sameKey: true }],
    ['is not known', { state: 'unknown' }, { settled: false, sameKey: true }],
  ])('when the operation %s', async (_, answer, { settled, sameKey }) => {
    const { keeper, key } = await afterLoss();
    expect(keeper.state()).toMatchObject({ key, unsettled: true });
    const ask = vi.fn(async () => answer as { state: string });
    expect(await keeper.check(ask)).toBe(answer);
    expect(ask).toHaveBeenCalledExactlyOnceWith(key);
    expect(keeper.state().unsettled).toBe(!settled);
    const keys: string[] = [];
    await keeper.run({ amount: 5 }, async (sent) => keys.push(sent));
    expect(keys).toEqual(sameKey ? [key] : [expect.not.stringMatching(key)]);
  });

  test('a changed input is sent without a question to the user, once the first attempt is known to have failed', async () => {
    const { keeper, key } = await afterLoss();
    await expect(keeper.run({ amount: 6 }, lost)).rejects.toMatchObject({ name: 'MustConfirmError' });
    await keeper.check(async () => ({ state: 'completed', outcome: 'error' }));
    expect(keeper.state()).toMatchObject({ unsettled: false, mustConfirm: false });
    expect(await keeper.run({ amount: 6 }, async (sent) => sent)).not.toBe(key);
  });

  test('a question that fails changes nothing', async () => {
    const { keeper } = await afterLoss();
    const before = keeper.state();
    await expect(keeper.check(lost)).rejects.toThrow('fetch failed');
    expect(keeper.state()).toEqual(before);
  });

  test('an attempt that is under way stays so, whatever the answer about it was', async () => {
    const keeper = new KeyKeeper();
    let answer: (value: string) => void = () => {};
    const sent = keeper.run({ amount: 5 }, () => new Promise<string>((resolve) => (answer = resolve)));
    await vi.waitFor(() => expect(keeper.state().unsettled).toBe(true));
    await keeper.check(async () => ({ state: 'completed', outcome: 'error' }));
    expect(keeper.state().unsettled).toBe(true);
    answer('done');
    expect(await sent).toBe('done');
    expect(keeper.state().unsettled).toBe(false);
  });

  test('a success that was found by a question is forgotten in the storage of the tab, too', async () => {
    const tab = new FakeBrowser().open();
    const keeper = new KeyKeeper(tab, 'pay');
    await keeper.run({ amount: 5 }, lost).catch(() => {});
    const reload = tab.reload();
    const reloaded = new KeyKeeper(reload, 'pay');
    const found = { state: 'completed', outcome: 'success' } as const;
    expect(await reloaded.check(async () => found)).toBe(found);
    expect(
      await new KeyKeeper(reload.reload(), 'pay').check(async () => ({ state: 'unknown' })),
    ).toBeUndefined();
  });
});
