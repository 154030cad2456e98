import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createIdempotency, currentRun, type Run } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { createTelemetry } from '../../server/otel/index.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { gate } from '../support/gate.ts';
import { until } from '../support/until.ts';
import { startSdk } from './spans.ts';

let database: FreshDatabase;
let client: MongoClient;
beforeAll(async () => {
  database = await freshDatabase();
  client = await new MongoClient(database.uri).connect();
});
afterAll(async () => {
  await client.close();
  await database[Symbol.asyncDispose]();
});

function setUp(collection: string) {
  const sdk = startSdk();
  const { meterProvider, tracerProvider } = sdk;
  const idempotency = createIdempotency({
    store: createMongoStore({ db: client.db(database.name), collection }),
    telemetry: createTelemetry({ meterProvider, tracerProvider }),
  });
  const run = (key: string, fn: (run: Run) => unknown, operation = 'ship') =>
    idempotency.run({ scope: 's', key, operation }, fn).catch(() => {});
  return {
    idempotency,
    sdk,
    run,
    async [Symbol.asyncDispose]() {
      await idempotency.close({ timeoutMs: 0 });
      await sdk[Symbol.asyncDispose]();
    },
  };
}

const histogram = (count: number, attributes: object) =>
  expect.objectContaining({ attributes, value: expect.objectContaining({ count }) });
const number = (value: number, attributes: object) => expect.objectContaining({ attributes, value });

test('a run is measured in seconds, with its operation and outcome, and never with its scope or key', async () => {
  await using app = setUp('runs');
  await app.run('k1', () => 1);
  await app.run('k1', () => 1);
  await app.run('k2', () => Promise.reject(new Error('down')));
  await app.run('k3', (run) => run.release('busy'));
  const operation = { 'latchkey.operation': 'ship' };
  const points = await app.sdk.points('latchkey.run.duration');
  expect(points).toHaveLength(3);
  expect(points).toEqual(
    expect.arrayContaining([
      histogram(1, { ...operation, 'latchkey.outcome': 'success' }),
      histogram(1, { ...operation, 'latchkey.outcome': 'in_doubt', 'error.type': 'outcome_unknown' }),
      histogram(1, { ...operation, 'latchkey.outcome': 'released', 'error.type': 'asked' }),
    ]),
  );
  const [{ value }] = points as unknown as [{ value: { buckets: { boundaries: number[] } } }];
  expect(value.buckets.boundaries).toEqual([
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
  ]);
  expect(await app.sdk.points('latchkey.events')).toEqual(
    expect.arrayContaining([
      number(3, { ...operation, 'latchkey.event': 'started', 'latchkey.how': 'claimed' }),
      number(1, { ...operation, 'latchkey.event': 'replayed' }),
      number(1, { ...operation, 'latchkey.event': 'released', 'latchkey.reason': 'asked' }),
    ]),
  );
  expect(JSON.stringify(await app.sdk.points('latchkey.events'))).not.toMatch(/k1|"s"/);
});

test('a wait is measured, a refusal is counted with its code, and spans tell nothing of the key unless asked', async () => {
  await using app = setUp('waits');
  const [started, release] = [gate(), gate()];
  const first = app.run('k', async () => {
    started.open();
    await release;
  });
  await started;
  const second = app.run('k', () => 1);
  await until(async () =>
    expect(await app.sdk.points('latchkey.events')).toContainEqual(
      number(1, { 'latchkey.event': 'joined', 'latchkey.operation': 'ship' }),
    ),
  );
  release.open();
  await Promise.all([first, second]);
  await app.run('k', () => 1, 'bill');
  expect(await app.sdk.points('latchkey.wait.duration')).toEqual([
    histogram(1, { 'latchkey.operation': 'ship', 'latchkey.wait.result': 'ended' }),
  ]);
  expect(await app.sdk.points('latchkey.events')).toContainEqual(
    number(1, {
      'latchkey.event': 'refused',
      'latchkey.operation': 'bill',
      'error.type': 'IDEMPOTENCY_KEY_REUSED',
    }),
  );
  for (const { attributes } of app.sdk.spans()) {
    expect(attributes).not.toHaveProperty('latchkey.key');
    expect(attributes).not.toHaveProperty('latchkey.scope');
  }
});

test('claims that share a command are counted, and each command of the store is measured', async () => {
  await using app = setUp('commands');
  await app.idempotency.ready();
  await Promise.all(Array.from({ length: 50 }, (_, index) => app.run(`k${index}`, () => 1)));
  const [batch] = (await app.sdk.points('latchkey.claim.batch.size')) as unknown as [
    { value: { sum: number; count: number } },
  ];
  expect(batch.value.sum).toBe(50);
  expect(batch.value.count).toBeLessThan(50);
  expect(await app.sdk.points('latchkey.store.command.duration')).toEqual(
    expect.arrayContaining([
      histogram(batch.value.count, { 'latchkey.store.command': 'claim' }),
      expect.objectContaining({ attributes: { 'latchkey.store.command': 'settle' } }),
    ]),
  );
});

describe('keys that need attention are counted when somebody reads the metric:', () => {
  test('those in doubt, lapsed, and expired for long', async () => {
    await using app = setUp('attention');
    await app.run('doubt', () => Promise.reject(new Error('down')));
    for (const key of ['lapsed', 'old', 'fine']) await app.run(key, () => 1);
    const records = database.db.collection('attention');
    await records.updateOne({ key: 'lapsed' }, { $set: { state: 'running', leaseExpiresAt: new Date(0) } });
    await records.updateOne({ key: 'old' }, { $set: { expiresAt: new Date(Date.now() - 3_600_000) } });
    const points = await app.sdk.points('latchkey.keys.attention');
    // The TTL monitor may have come by.
    const expired = await records.countDocuments({ key: 'old' });
    expect(points).toEqual([
      number(1, { 'latchkey.state': 'in_doubt' }),
      number(1, { 'latchkey.state': 'lapsed' }),
      number(expired, { 'latchkey.state': 'expired' }),
    ]);
  });

  test('those that have expired are not in doubt or lapsed any more, whenever the TTL monitor comes by', async () => {
    await using app = setUp('forgotten');
    await app.run('doubt', () => Promise.reject(new Error('down')));
    await app.run('lapsed', () => 1);
    const records = database.db.collection('forgotten');
    await records.dropIndex('expiresAt_1');
    await records.updateOne({ key: 'lapsed' }, { $set: { state: 'running', leaseExpiresAt: new Date(0) } });
    await records.updateMany({}, { $set: { expiresAt: new Date(Date.now() - 3_600_000) } });
    expect(await app.sdk.points('latchkey.keys.attention')).toEqual([
      number(0, { 'latchkey.state': 'in_doubt' }),
      number(0, { 'latchkey.state': 'lapsed' }),
      number(2, { 'latchkey.state': 'expired' }),
    ]);
  });

  test('those of each store, once, with a store for each tenant', async () => {
    await using app = setUp('tenants_1');
    await using again = app.idempotency.with({
      store: createMongoStore({ db: client.db(database.name), collection: 'tenants_2' }),
    });
    await using sibling = again.with({ store: createMemoryStore() });
    for (const one of [app.idempotency, again, sibling, sibling])
      await one
        .run({ scope: 's', key: 'doubt', operation: 'ship' }, () => Promise.reject(new Error('down')))
        .catch(() => {});
    expect(await app.sdk.points('latchkey.keys.attention')).toContainEqual(
      number(3, { 'latchkey.state': 'in_doubt' }),
    );
    await sibling.close();
    expect(await app.sdk.points('latchkey.keys.attention')).toContainEqual(
      number(2, { 'latchkey.state': 'in_doubt' }),
    );
  });

  test('also where somebody has dropped the index', async () => {
    await using app = setUp('no_index');
    await app.run('doubt', () => Promise.reject(new Error('down')));
    await database.db.collection('no_index').dropIndex('state_1__id_-1');
    expect(await app.sdk.points('latchkey.keys.attention')).toContainEqual(
      number(1, { 'latchkey.state': 'in_doubt' }),
    );
  });

  test('by an index that holds no more than them', async () => {
    await using app = setUp('plan');
    await Promise.all(Array.from({ length: 30 }, (_, index) => app.run(`k${index}`, () => 1)));
    await app.run('doubt', () => Promise.reject(new Error('down')));
    await database.db.command({ profile: 2 });
    await app.sdk.points('latchkey.keys.attention');
    await database.db.command({ profile: 0 });
    const seen = await database.db
      .collection('system.profile')
      .find({ 'command.aggregate': 'plan' })
      .toArray();
    expect(seen.map(({ keysExamined, docsExamined }) => Math.max(keysExamined, docsExamined))).toEqual(
      expect.arrayContaining([1, 0, 0]),
    );
    expect(seen.every(({ docsExamined }) => docsExamined <= 1)).toBe(true);
  });
});

test('operations beyond a bound share one name', async () => {
  await using sdk = startSdk();
  const { meterProvider, tracerProvider } = sdk;
  const telemetry = createTelemetry({ meterProvider, tracerProvider });
  await using idempotency = createIdempotency({ store: createMemoryStore(), telemetry });
  for (let index = 0; index < 230; index++)
    await idempotency.run({ scope: 's', key: `k${index}`, operation: `op-${index}` }, () => 1);
  const points = await sdk.points('latchkey.run.duration');
  expect(points).toHaveLength(201);
  expect(points).toContainEqual(
    histogram(30, { 'latchkey.operation': '_OTHER', 'latchkey.outcome': 'success' }),
  );
});

describe('a tracing system that fails changes no answer', () => {
  const broken = () => {
    throw new Error('no tracing');
  };
  test.each<[string, object]>([
    ['before it follows a call', { follow: broken }],
    ['at each event', { onEvent: broken, onStoreCommand: broken }],
    [
      'around the handler',
      { follow: () => ({ traceparent: undefined, onEvent: broken, end: broken, around: broken }) },
    ],
    [
      'after the handler, which runs once',
      {
        follow: () => ({
          traceparent: undefined,
          onEvent: () => {},
          end: () => {},
          around: (work: () => unknown) => {
            work();
            return broken();
          },
        }),
      },
    ],
    [
      'later, around the handler',
      {
        follow: () => ({
          traceparent: undefined,
          onEvent: () => {},
          end: () => {},
          around: async (work: () => unknown) => {
            await null;
            return work();
          },
        }),
      },
    ],
    ['later, before it follows a call', { follow: async () => broken() }],
    ['later, at each event', { onEvent: async () => broken() }],
    [
      'later, at each event of a call',
      {
        follow: () => ({
          traceparent: undefined,
          onEvent: async () => broken(),
          end: () => {},
          around: (work: () => unknown) => work(),
        }),
      },
    ],
    [
      'later, at the end of a call',
      {
        follow: () => ({
          traceparent: undefined,
          onEvent: () => {},
          end: async () => broken(),
          around: (work: () => unknown) => work(),
        }),
      },
    ],
  ])('%s', async (_, telemetry) => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    await using idempotency = createIdempotency({ store: createMemoryStore(), telemetry });
    let runs = 0;
    const pay = () =>
      idempotency.run({ scope: 's', key: 'k', operation: 'pay' }, () => ({
        run: ++runs,
        key: currentRun()?.key,
      }));
    expect(await pay()).toEqual({ run: 1, key: 'k' });
    expect(await pay()).toEqual({ run: 1, key: 'k' });
    expect(runs).toBe(1);
    expect(warned).toHaveBeenCalled();
    warned.mockRestore();
  });

  test.each<[string, object]>([
    ['of the application', { onStoreCommand: async () => broken() }],
    ['of a telemetry', { telemetry: { onStoreCommand: async () => broken() } }],
  ])('an async listener %s that rejects at a command of the store is a warning', async (_, options) => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const store = createMongoStore({ db: client.db(database.name), collection: 'async_listener' });
    await using idempotency = createIdempotency({ store, ...options });
    await idempotency.run({ scope: 's', key: crypto.randomUUID(), operation: 'pay' }, () => 1);
    expect(warned).toHaveBeenCalledWith(
      expect.objectContaining({ message: 'no tracing' }),
      expect.anything(),
    );
    warned.mockRestore();
  });
});

test.each<[object, string]>([
  [{ tracer: 1 }, 'tracer'],
  [{ tracerProvider: {} }, 'TracerProvider'],
  [{ spanAttributes: ['key', 'args'] }, "array of 'scope' and 'key'"],
])('%j is refused at construction', (options, text) => {
  expect(() => createTelemetry(options)).toThrow(text);
});
