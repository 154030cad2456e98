import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PAYMENT_APIS } from '../support/payment-client.ts';
import { type PaymentServer, startFleet } from '../support/payment-fleet.ts';
import type { PaymentWorkerOptions } from '../support/payment-worker.ts';

// A lease of the shortest length: a retry that waits learns from the server when it lapsed.
const LEASE = { leaseMs: 1_000, waitTimeoutMs: 20_000 };

// Each waits for leases, deadlines and processes of its own.
const ASIDE = { concurrent: true, timeout: 120_000 };

describe.each(Object.entries(PAYMENT_APIS))(
  '%s: a worker killed in the middle of a mutation',
  ASIDE,
  (api, pay) => {
    async function killed(policy: Pick<PaymentWorkerOptions, 'onCrash' | 'resolution'> = {}) {
      const fleet = await startFleet(2, { ...LEASE, ...policy });
      const [first, second] = fleet.servers as [PaymentServer, PaymentServer];
      const lost = pay({ url: first.url, key: 'k', mode: 'hold' }).catch(() => 'lost');
      await first.holding();
      first.process.kill('SIGKILL');
      expect(await lost).toBe('lost');
      return { fleet, retry: () => pay({ url: second.url, key: 'k' }) };
    }

    test('leaves the key in doubt after its lease, by default: nothing runs again', async () => {
      const { fleet, retry } = await killed();
      await using _ = fleet;
      expect(await retry()).toMatchObject({ status: 409, retryAfter: null });
      expect(await retry()).toMatchObject({ status: 409, retryAfter: null });
      expect(await fleet.executions()).toHaveLength(1);
      expect(await fleet.database.db.collection('idempotency_keys').findOne()).toMatchObject({
        state: 'in_doubt',
      });
    });

    test('runs again under `rerun`, once, and not before the lease has lapsed', async () => {
      const { fleet, retry } = await killed({ onCrash: 'retry' });
      await using _ = fleet;
      const answers = await Promise.all(Array.from({ length: 10 }, retry));
      expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
      expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
      const [first, second, ...more] = await fleet.executions();
      expect([first?.attempt, second?.attempt, more]).toEqual([1, 2, []]);
      expect(second?.fence).toBeGreaterThan(first?.fence as number);
      expect((second?.at.getTime() as number) - (first?.at.getTime() as number)).toBeGreaterThanOrEqual(
        1_000 - 100,
      );
    });

    test('is answered by a `resolve` function', async () => {
      const { fleet, retry } = await killed({
        resolution: { action: 'complete', data: RESOLVED[api as keyof typeof RESOLVED] },
      });
      await using _ = fleet;
      expect(await retry()).toMatchObject({ status: 200, receipt: { id: 'by provider', amount: 1 } });
      expect(await retry()).toMatchObject({
        status: 200,
        receipt: { id: 'by provider', amount: 1 },
        replayed: true,
      });
      expect(await fleet.executions()).toHaveLength(1);
    });
  },
);

const RESOLVED = {
  GraphQL: { pay: { id: 'by provider', amount: 1 } },
  tRPC: { id: 'by provider', amount: 1 },
  HTTP: { id: 'by provider', amount: 1 },
};

describe.each(Object.entries(PAYMENT_APIS))('%s: a worker that does not get to run', ASIDE, (_, pay) => {
  test('stopped past its lease, taken over and resumed: its completion is refused, the newer result stands', async () => {
    await using fleet = await startFleet(2, { ...LEASE, onCrash: 'retry' });
    const [first, second] = fleet.servers as [PaymentServer, PaymentServer];
    const late = pay({ url: first.url, key: 'k', mode: 'hold' });
    await first.holding();
    await first.process.kill('SIGSTOP');
    const newer = await pay({ url: second.url, key: 'k' });
    expect(newer.status).toBe(200);
    first.process.kill('SIGCONT');
    first.go();
    expect(await late).toMatchObject({ status: 409, receipt: undefined });
    expect(await pay({ url: first.url, key: 'k' })).toEqual({ ...newer, replayed: true });
    expect((await fleet.executions()).map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  test('whose event loop stalls: a retry finds the key in doubt, then the true result settles it', async () => {
    await using fleet = await startFleet(2, LEASE);
    const [first, second] = fleet.servers as [PaymentServer, PaymentServer];
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-'));
    try {
      const file = join(folder, 'go-on');
      const stalled = pay({ url: first.url, key: 'k', mode: `stall-until:${file}` });
      await first.holding();
      expect(await pay({ url: second.url, key: 'k' })).toMatchObject({ status: 409 });
      await writeFile(file, '');
      const answer = await stalled;
      expect(answer.status).toBe(200);
      expect(await pay({ url: second.url, key: 'k' })).toEqual({ ...answer, replayed: true });
    } finally {
      await rm(folder, { recursive: true });
    }
    expect(await fleet.executions()).toHaveLength(1);
  });
});

describe.each(Object.entries(PAYMENT_APIS))('case 18, %s: a rolling deploy', ASIDE, (_, pay) => {
  test('SIGTERM: the result is stored before the process ends, past several leases, and no new key is taken', async () => {
    await using fleet = await startFleet(2, LEASE);
    const [first, second] = fleet.servers as [PaymentServer, PaymentServer];
    const running = pay({ url: first.url, key: 'k', mode: 'hold' });
    await first.holding();
    first.process.kill('SIGTERM');
    expect(await refusedEventually(() => pay({ url: first.url, key: crypto.randomUUID() }))).toMatchObject({
      status: 503,
      retryAfter: '1',
    });
    const collection = fleet.database.db.collection('idempotency_keys');
    const leases = new Set<number>();
    while (leases.size < 4) {
      const record = await collection.findOne({ key: 'k' });
      expect(record).toMatchObject({ state: 'running' });
      leases.add(record?.leaseExpiresAt.getTime());
    }
    first.go();
    const answer = await running;
    expect(answer.status).toBe(200);
    expect(await first.process.exit).toMatchObject({ code: 0, signal: null });
    expect(await pay({ url: second.url, key: 'k' })).toEqual({ ...answer, replayed: true });
  });
});

/** The first answer that is a refusal: how many calls it takes for a signal to arrive is not ours to say. */
async function refusedEventually<T extends { status: number }>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    const answer = await call();
    if (answer.status !== 200) return answer;
  }
}
