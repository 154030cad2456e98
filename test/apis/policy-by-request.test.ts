import { describe, expect, test } from 'vitest';
import type { RequestPolicy } from '../../server/index.ts';
import { gate } from '../support/gate.ts';
import { PAY, startByRequest } from './by-request.ts';

const keptMs = ({ completedAt, expiresAt }: Record<string, unknown>) =>
  (expiresAt as Date).getTime() - (completedAt as Date).getTime();

describe.each(Object.entries(PAY))('%s: a `policy` function', (_, pay) => {
  test('decides for each call, and a retry gets the answer whatever is decided for it', async () => {
    await using shop = await startByRequest({
      decide: async (header) => ({
        retentionMs: header('x-tier') === 'gold' ? 5_000_000 : 2_000_000,
        captureRequest: header('x-sample') !== undefined,
      }),
    });
    const gold = await pay({ url: shop.url, key: 'a', headers: { 'x-tier': 'gold', 'x-sample': 'yes' } });
    const retry = await pay({ url: shop.url, key: 'a', headers: { 'x-tier': 'plain' } });
    await pay({ url: shop.url, key: 'b', headers: { 'x-tier': 'plain' } });
    expect(retry).toEqual({ ...gold, replayed: true });
    const [a, b] = await shop.records();
    expect([keptMs(a ?? {}), keptMs(b ?? {})]).toEqual([5_000_000, 2_000_000]);
    expect([a?.request !== undefined, b?.request !== undefined]).toEqual([true, false]);
  });

  test.each<[string, Parameters<typeof startByRequest>[0], number]>([
    ['createIdempotency', {}, 1_000_000],
    ['that of all operations', { decide: () => ({ retentionMs: 2_000_000 }) }, 2_000_000],
    [
      'what the operation has for every call',
      { decide: () => ({ retentionMs: 2_000_000 }), policy: { retentionMs: 3_000_000 } },
      3_000_000,
    ],
    [
      'that of the operation',
      {
        decide: () => ({ retentionMs: 2_000_000 }),
        policy: { retentionMs: 3_000_000 },
        decideOne: () => ({ retentionMs: 4_000_000 }),
      },
      4_000_000,
    ],
    [
      'that of all operations, where the operation says nothing of the option',
      { decide: () => ({ retentionMs: 2_000_000 }), decideOne: () => ({ retain: 'outcome' }) },
      2_000_000,
    ],
  ])('%s goes before the ones above', async (_, options, expected) => {
    await using shop = await startByRequest({ engine: { retentionMs: 1_000_000 }, ...options });
    expect(await pay({ url: shop.url, key: 'k' })).toMatchObject({ status: 200 });
    const [record] = await shop.records();
    expect(keptMs(record ?? {})).toBe(expected);
  });

  test('turns one duplicate away at once, while another one waits', async () => {
    const [entered, end] = [gate(), gate()];
    await using shop = await startByRequest({
      decideOne: (header) => (header('x-hurry') ? { concurrent: 'reject' } : {}),
      onRun: () => {
        entered.open();
        return end;
      },
    });
    const first = pay({ url: shop.url, key: 'k' });
    await entered;
    const patient = pay({ url: shop.url, key: 'k' });
    const hurried = await pay({ url: shop.url, key: 'k', headers: { 'x-hurry': 'yes' } });
    expect(hurried).toMatchObject({ status: 409, code: 'IDEMPOTENCY_IN_PROGRESS' });
    end.open();
    expect(await patient).toEqual({ ...(await first), replayed: true });
    expect(shop.runs).toHaveLength(1);
  });

  test('is not asked about a call without a key', async () => {
    await using shop = await startByRequest({
      decide: () => {
        throw new Error('asked');
      },
    });
    expect(await pay({ url: shop.url })).toMatchObject({ status: 200, receipt: { run: 1 } });
  });

  test.each<[string, (header: (name: string) => string | undefined) => RequestPolicy]>([
    ['throws', (header) => JSON.parse(header('x-broken') ?? '{}')],
    ['gives nothing', (header) => (header('x-broken') ? undefined : {}) as RequestPolicy],
    ['decides the lease', (header) => (header('x-broken') ? { leaseMs: 5_000 } : {}) as RequestPolicy],
    ['misspells an option', (header) => (header('x-broken') ? { retentionMS: 1 } : {}) as RequestPolicy],
    ['is out of range', (header) => ({ retentionMs: header('x-broken') ? 1 : 5_000 })],
    [
      'contradicts itself',
      (header) => (header('x-broken') ? { concurrent: 'reject', waitTimeoutMs: 5 } : {}) as RequestPolicy,
    ],
  ])('that %s fails its call before anything runs, and leaves the key free', async (_, decide) => {
    for (const level of ['decide', 'decideOne'] as const) {
      await using shop = await startByRequest({ [level]: decide });
      const failed = await pay({ url: shop.url, key: 'k', headers: { 'x-broken': '{' } }).catch(
        () => 'failed',
      );
      expect(failed).not.toMatchObject({ receipt: expect.anything() });
      expect(shop.runs).toEqual([]);
      expect(await shop.records()).toEqual([]);
      expect(await pay({ url: shop.url, key: 'k' })).toMatchObject({ status: 200, receipt: { run: 1 } });
    }
  });
});
