import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { byEachApi, PAYMENT_APIS } from '../support/payment-client.ts';
import { type PaymentServer, startFleet } from '../support/payment-fleet.ts';
import type { PaymentWorkerOptions } from '../support/payment-worker.ts';

// A lease of the shortest length: a retry that waits learns from the server when it lapsed.
const LEASE = { leaseMs: 1_000, waitTimeoutMs: 20_000 };

// Each waits for leases, deadlines and processes of its own.
const ASIDE = { concurrent: true, timeout: 120_000 };

/** Starts two processes, and in the first of them a payment by each API, with the API's name for its key. Returns when all have begun to run. */
async function startHeld(options: Omit<PaymentWorkerOptions, 'uri' | 'database'>) {
  const fleet = await startFleet(2, { ...LEASE, ...options });
  const [first, second] = fleet.servers as [PaymentServer, PaymentServer];
  const held = Object.entries(PAYMENT_APIS).map(([key, pay]) => pay({ url: first.url, key, mode: 'hold' }));
  for (const _ of held) await first.holding();
  return { fleet, first, second, held };
}

describe('a worker killed in the middle of a mutation, by each API', ASIDE, () => {
  async function killed(policy: Pick<PaymentWorkerOptions, 'onCrash' | 'resolutions'> = {}) {
    const { fleet, first, second, held } = await startHeld(policy);
    const lost = Promise.all(held.map((call) => call.catch(() => 'lost')));
    first.process.kill('SIGKILL');
    expect(await lost).toEqual(['lost', 'lost', 'lost']);
    return { fleet, second };
  }

  test('leaves the key in doubt after its lease, by default: nothing runs again', async () => {
    const { fleet, second } = await killed();
    await using _ = fleet;
    await byEachApi(async (pay, key) => {
      for (const _ of ['at once', 'again'])
        expect(await pay({ url: second.url, key }), key).toMatchObject({ status: 409, retryAfter: null });
      expect(await fleet.executions(key)).toHaveLength(1);
      const record = await fleet.database.db.collection('idempotency_keys').findOne({ key });
      expect(record).toMatchObject({ state: 'in_doubt' });
    });
  });

  test('runs again under `rerun`, once, and not before the lease has lapsed', async () => {
    const { fleet, second } = await killed({ onCrash: 'retry' });
    await using _ = fleet;
    await byEachApi(async (pay, key) => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => pay({ url: second.url, key })));
      expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
      expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
      const [lost, newer, ...more] = await fleet.executions(key);
      expect([lost?.attempt, newer?.attempt, more], key).toEqual([1, 2, []]);
      expect(newer?.fence).toBeGreaterThan(lost?.fence as number);
      expect((newer?.at.getTime() as number) - (lost?.at.getTime() as number)).toBeGreaterThanOrEqual(
        1_000 - 100,
      );
    });
  });

  test('is answered by a `resolve` function', async () => {
    const receipt = { id: 'by provider', amount: 1 };
    const data = { GraphQL: { pay: receipt }, tRPC: receipt, HTTP: receipt };
    const resolutions = Object.fromEntries(
      Object.entries(data).map(([key, data]) => [key, { action: 'complete', data } as const]),
    );
    const { fleet, second } = await killed({ resolutions });
    await using _ = fleet;
    await byEachApi(async (pay, key) => {
      expect(await pay({ url: second.url, key }), key).toMatchObject({ status: 200, receipt });
      expect(await pay({ url: second.url, key })).toMatchObject({ status: 200, receipt, replayed: true });
      expect(await fleet.executions(key)).toHaveLength(1);
    });
  });
});

describe('a worker that does not get to run, by each API', ASIDE, () => {
  test('stopped past its lease, taken over and resumed: its completion is refused, the newer result stands', async () => {
    const { fleet, first, second, held } = await startHeld({ onCrash: 'retry' });
    await using _ = fleet;
    await first.process.kill('SIGSTOP');
    const newer = await byEachApi((pay, key) => pay({ url: second.url, key }));
    expect(newer.map(({ status }) => status)).toEqual([200, 200, 200]);
    first.process.kill('SIGCONT');
    first.go();
    for (const late of await Promise.all(held))
      expect(late).toMatchObject({ status: 409, receipt: undefined });
    const retries = await byEachApi((pay, key) => pay({ url: first.url, key }));
    expect(retries).toEqual(newer.map((answer) => ({ ...answer, replayed: true })));
    await byEachApi(async (_, key) =>
      expect((await fleet.executions(key)).map(({ attempt }) => attempt)).toEqual([1, 2]),
    );
  });

  test('whose event loop stalls: a retry finds the key in doubt, then the true result settles it', async () => {
    const { fleet, first, second, held } = await startHeld({});
    await using _ = fleet;
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-'));
    try {
      const file = join(folder, 'go-on');
      const stalled = PAYMENT_APIS.GraphQL({ url: first.url, mode: `stall-until:${file}` });
      await first.holding();
      const doubts = await byEachApi((pay, key) => pay({ url: second.url, key }));
      expect(doubts.map(({ status }) => status)).toEqual([409, 409, 409]);
      await writeFile(file, '');
      first.go();
      expect((await stalled).status).toBe(200);
      const answers = await Promise.all(held);
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
      const retries = await byEachApi((pay, key) => pay({ url: second.url, key }));
      expect(retries).toEqual(answers.map((answer) => ({ ...answer, replayed: true })));
    } finally {
      await rm(folder, { recursive: true });
    }
    await byEachApi(async (_, key) => expect(await fleet.executions(key)).toHaveLength(1));
  });
});

describe('case 18: a rolling deploy, by each API', ASIDE, () => {
  test('SIGTERM: the result is stored before the process ends, past several leases, and no new key is taken', async () => {
    const { fleet, first, second, held } = await startHeld({});
    await using _ = fleet;
    first.process.kill('SIGTERM');
    await byEachApi(async (pay) =>
      expect(await refusedEventually(() => pay({ url: first.url, key: crypto.randomUUID() }))).toMatchObject({
        status: 503,
        retryAfter: '1',
      }),
    );
    const collection = fleet.database.db.collection('idempotency_keys');
    await byEachApi(async (_, key) => {
      const leases = new Set<number>();
      while (leases.size < 4) {
        const record = await collection.findOne({ key });
        expect(record).toMatchObject({ state: 'running' });
        leases.add(record?.leaseExpiresAt.getTime());
      }
    });
    first.go();
    const answers = await Promise.all(held);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await first.process.exit).toMatchObject({ code: 0, signal: null });
    const retries = await byEachApi((pay, key) => pay({ url: second.url, key }));
    expect(retries).toEqual(answers.map((answer) => ({ ...answer, replayed: true })));
  });
});

/** The first answer that is a refusal: how many calls it takes for a signal to arrive is not ours to say. */
async function refusedEventually<T extends { status: number }>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    const answer = await call();
    if (answer.status !== 200) return answer;
  }
}
