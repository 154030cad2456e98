import { createServer } from 'node:http';
import { mock } from 'node:test';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createIdempotentFetch } from '../../plugin/client/fetch.ts';
import { createIdempotencyHandler, toNodeHandler } from '../../plugin/http/index.ts';
import { internalsOf } from '../../server/adapter/internals.ts';
import { createIdempotency, type Idempotency, type Policy, requireRun } from '../../server/index.ts';
import { type CrashPoint, createTestkit, type TestkitOptions } from '../../server/testing/index.ts';
import { gate } from '../support/gate.ts';
import { listen } from '../support/listen.ts';

/** Makes an application with one operation, whose effects are counted. */
function createShop(idempotency: Idempotency, policy: Policy = {}) {
  const charges: string[] = [];
  const pay = (key: string, before: Promise<unknown> = Promise.resolve()) =>
    idempotency.run(
      { scope: 'ada', key, operation: 'pay' },
      async (run) => {
        await before;
        await run.step('reserve', () => 'reserved');
        return run.step('charge', () => `ch_${charges.push(run.downstreamKey('charge'))}`);
      },
      policy,
    );
  const charge = async () => `ch_${charges.push(requireRun().downstreamKey('charge'))}`;
  return { charges, pay, charge };
}

const open = (options: TestkitOptions = {}) => {
  const kit = createTestkit(options);
  const shop = createShop(kit.idempotency);
  return { kit, ...shop, find: (key: string) => kit.find({ scope: 'ada', key }) };
};

const code = (wanted: string, reason?: string) =>
  expect.objectContaining({ code: wanted, ...(reason !== undefined && { reason }) });

const styles: [name: string, begin: () => void, end: () => void][] = [
  ['real timers', () => {}, () => {}],
  ['the fake timers of Vitest', () => vi.useFakeTimers(), () => vi.useRealTimers()],
  [
    'the mock timers of node:test',
    () => mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] }),
    () => mock.timers.reset(),
  ],
];

describe.each(styles)('with %s', (_, begin, end) => {
  beforeEach(begin);
  afterEach(end);

  test('a run that crashed keeps its key until its lease lapses, and is in doubt then', async () => {
    const { kit, pay, charges, find } = open({ leaseMs: 30_000, concurrent: 'reject' });
    await using _ = kit;
    await kit.crash(() => pay('k'));
    await kit.advance(29_000);
    await expect(pay('k')).rejects.toEqual(code('IDEMPOTENCY_IN_PROGRESS'));
    await kit.advance(1_001);
    await expect(pay('k')).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
    expect(find('k')).toMatchObject({ state: 'in_doubt', attempts: 1 });
    expect(charges).toHaveLength(1);
  });

  test.each<[CrashPoint, object, number]>([
    [{ at: 'start' }, { state: 'running', steps: [] }, 1],
    [{ during: 'reserve' }, { state: 'running', steps: [] }, 1],
    [{ after: 'reserve' }, { state: 'running', steps: ['reserve'] }, 1],
    [{ during: 'charge' }, { state: 'running', steps: ['reserve'] }, 2],
    [{ after: 'charge' }, { state: 'running', steps: ['reserve', 'charge'] }, 1],
    [{ at: 'end' }, { state: 'running', steps: ['reserve', 'charge'] }, 1],
    [{ at: 'answer' }, { state: 'completed', outcome: 'success', steps: ['reserve', 'charge'] }, 1],
  ])('after a crash at %j a retry goes on from there', async (point, record, times) => {
    const { kit, pay, charges, find } = open({ onCrash: 'retry' });
    await using _ = kit;
    await kit.crash(() => pay('k'), point);
    expect(find('k')).toMatchObject(record);
    await kit.advance(30_001);
    expect(await pay('k')).toBe(`ch_${times}`);
    expect(charges).toHaveLength(times);
    expect(new Set(charges).size).toBe(1); // the provider is asked with the same key
  });

  test('what a dead process still does reaches no record, and its calls get no answer', async () => {
    const { kit, pay, charges, find } = open();
    await using _ = kit;
    const provider = gate();
    const lost = expect(pay('k', provider)).rejects.toThrow(/^kit.crash\(\) ended this call/);
    await reached(() => find('k'));
    await kit.crash();
    provider.open();
    await lost;
    await kit.advance(30_001);
    await expect(pay('k')).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
    expect(find('k')).toMatchObject({ state: 'in_doubt', steps: [] });
    expect(charges).toHaveLength(0);
  });

  test('a run that is under way keeps its lease, however far the clock moves', async () => {
    const { kit, pay, find } = open({ leaseMs: 30_000, concurrent: 'reject' });
    await using _ = kit;
    const provider = gate();
    const paid = pay('k', provider);
    await reached(() => find('k'));
    await kit.advance(3_600_000);
    await expect(pay('k')).rejects.toEqual(code('IDEMPOTENCY_IN_PROGRESS'));
    provider.open();
    expect(await paid).toBe('ch_1');
    expect(find('k')).toMatchObject({ state: 'completed', attempts: 1 });
  });

  test('a retry that waits for a run that crashed is answered when the lease lapses', async () => {
    const { kit, pay } = open({ leaseMs: 30_000 });
    await using _ = kit;
    await kit.crash(() => pay('k'), { at: 'start' });
    const waits = expect(pay('k')).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
    await turns();
    await kit.advance(30_001);
    await waits;
  });

  test('a record is forgotten when its retention is over', async () => {
    const { kit, pay, charges, find } = open({ retentionMs: 3_600_000 });
    await using _ = kit;
    await pay('k');
    await kit.advance(3_599_000);
    expect(await pay('k')).toBe('ch_1');
    await kit.advance(1_001);
    expect(find('k')).toBeUndefined();
    expect(kit.records()).toEqual([]);
    expect(await pay('k')).toBe('ch_2');
    expect(charges[0]).not.toBe(charges[1]);
  });

  test('while the store is down nothing runs', async () => {
    const { kit, pay, charges } = open();
    await using _ = kit;
    kit.storeDown();
    await expect(pay('k')).rejects.toEqual(code('IDEMPOTENCY_STORE_UNAVAILABLE', 'unreachable'));
    expect(charges).toEqual([]);
    kit.storeUp();
    expect(await pay('k')).toBe('ch_1');
  });

  test('a run whose process lost the store loses its key, and its process does not know', async () => {
    const { kit, pay, find } = open({ leaseMs: 30_000 });
    await using _ = kit;
    const provider = gate();
    const paid = pay('k', provider);
    await reached(() => find('k'));
    kit.storeDown();
    await kit.advance(30_001);
    kit.storeUp();
    const other = createShop(createIdempotency({ store: kit.store }));
    await expect(other.pay('k')).rejects.toEqual(code('IDEMPOTENCY_IN_DOUBT'));
    provider.open();
    await expect(paid).rejects.toEqual(code('IDEMPOTENCY_LEASE_LOST'));
  });

  test('a lost answer is one after the effect, and the client gets it by a retry', async () => {
    const { kit, pay, charges } = open();
    await using _ = kit;
    const send = kit.lossy(pay);
    kit.dropAnswer();
    await expect(send('k')).rejects.toThrow(new TypeError('fetch failed'));
    expect(charges).toHaveLength(1);
    expect(await send('k')).toBe('ch_1');
    expect(charges).toHaveLength(1);
  });

  test('a disposed testkit takes no calls, and waits for no run', async () => {
    const { kit, pay, find } = open();
    void pay('held', new Promise(() => {}));
    await reached(() => find('held'));
    await kit[Symbol.asyncDispose]();
    await expect(pay('k')).rejects.toEqual(code('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing'));
  });

  test('an application with an Idempotency of its own starts again on the store of the next process', async () => {
    await using kit = createTestkit();
    const provider = gate();
    const first = createShop(createIdempotency({ store: kit.store, onCrash: 'retry' }));
    void first.pay('k', provider);
    await reached(() => kit.find({ scope: 'ada', key: 'k' }));
    await kit.crash();
    provider.open();
    await kit.advance(30_001);
    const next = createShop(createIdempotency({ store: kit.store, onCrash: 'retry' }));
    expect(await next.pay('k')).toBe('ch_1');
    expect(first.charges).toEqual([]);
    expect(kit.find({ scope: 'ada', key: 'k' })).toMatchObject({ state: 'completed', attempts: 2 });
  });
});

/** Lets promises settle that need no timer. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

/** Waits, without a timer, until there is a record. */
async function reached(find: () => object | undefined): Promise<void> {
  for (let turn = 0; turn < 50 && !find(); turn++) await turns();
  expect(find()).toMatchObject({ state: 'running' });
}

test('a client that retries by itself gets over a lost answer, and its server runs once', async () => {
  await using kit = createTestkit();
  const shop = createShop(kit.idempotency);
  const handler = createIdempotencyHandler({ idempotency: kit.idempotency, scope: () => 'ada' })(async () =>
    Response.json(await shop.charge()),
  );
  await using server = await listen(createServer(toNodeHandler(handler)));
  const line = kit.lossy(fetch);
  let requests = 0;
  const client = createIdempotentFetch(
    (...args: Parameters<typeof fetch>) => {
      requests++;
      return line(...args);
    },
    { retries: 1, sleep: async () => {} },
  );
  kit.dropAnswer();
  const answer = await client(server.url, { method: 'POST', body: '{}' });
  expect(await answer.json()).toBe('ch_1');
  expect(answer.headers.get('idempotent-replayed')).toBe('true');
  expect([requests, shop.charges.length]).toEqual([2, 1]);
});

describe('with a fake clock', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('a slow store answers later, and its effect is at once', async () => {
    const { kit, pay, find } = open();
    await using _ = kit;
    await kit.idempotency.ready();
    kit.slow(200);
    const paid = pay('k');
    await vi.advanceTimersByTimeAsync(100);
    expect(find('k')).toMatchObject({ state: 'running', steps: [] });
    await vi.advanceTimersByTimeAsync(100 + 3 * 200);
    expect(await paid).toBe('ch_1');
    kit.slow(0);
    expect(await pay('k')).toBe('ch_1');
  });

  test('a result that the store did not take is recorded once it is back', async () => {
    const { kit, pay, find } = open();
    await using _ = kit;
    const paid = kit.idempotency.run({ scope: 'ada', key: 'k', operation: 'pay' }, () => {
      kit.storeDown();
      return 'paid';
    });
    expect(await paid).toBe('paid');
    expect(find('k')).toMatchObject({ state: 'running' });
    kit.storeUp();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(find('k')).toMatchObject({ state: 'completed' });
    expect(await pay('k')).toBe('paid');
  });

  test('the time of the store goes on with the time of the test runner, and never back', async () => {
    await using kit = createTestkit();
    const before = kit.now().getTime();
    vi.setSystemTime(Date.now() + 5_000);
    await kit.advance(1_000);
    expect(kit.now().getTime() - before).toBe(6_000);
    vi.setSystemTime(0);
    await kit.advance(500);
    expect(kit.now().getTime() - before).toBe(6_500);
  });
});

describe('what a testkit can not do', () => {
  test('is refused where a time or a point is none', async () => {
    await using kit = createTestkit();
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY, '1' as never]) {
      await expect(kit.advance(ms)).rejects.toThrow('Expected a time in ms (a number ≥ 0), got');
      expect(() => kit.slow(ms)).toThrow(TypeError);
    }
    for (const point of [{}, { at: 'noon' }, { during: '' }, { at: 'end', after: 'charge' }, null]) {
      await expect(kit.crash(() => {}, point as never)).rejects.toThrow('Expected a crash point such as');
    }
  });

  test('crashing at a point that its work does not come to is an error, which tells why', async () => {
    const { kit, pay } = open();
    await using _ = kit;
    await expect(kit.crash(() => pay('k'), { after: 'ship' })).rejects.toThrow(
      'Expected the work of kit.crash(...) to come to { after: "ship" }, but it ended',
    );
    const cause = new Error('no network');
    await expect(kit.crash(() => Promise.reject(cause))).rejects.toMatchObject({ cause });
    expect(await pay('k')).toBe('ch_1'); // and nothing has crashed
  });

  test('losing an answer where no client sends by a lossy line is an error', async () => {
    await using kit = createTestkit();
    expect(() => kit.dropAnswer()).toThrow('Expected a client that sends by kit.lossy(send)');
  });

  test('a transaction is refused, for there are none in memory', async () => {
    await using kit = createTestkit();
    const run = kit.idempotency.run(
      { scope: 'ada', key: 'k', operation: 'pay' },
      () => requireRun({ transaction: true }).key,
      { transaction: true },
    );
    await expect(run).rejects.toEqual(code('IDEMPOTENCY_STORE_UNAVAILABLE', 'misconfigured'));
    expect(kit.records()).toEqual([]);
  });
});

test('what an operation needs is known in the next process, too', async () => {
  await using kit = createTestkit();
  const policy = internalsOf(kit.idempotency).policy({ transaction: true });
  expect(policy.transaction).toBe(true);
  await kit.crash();
  await expect(kit.idempotency.ready()).rejects.toThrow('A policy has `transaction: true`');
});
