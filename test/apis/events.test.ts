import { type CommandStartedEvent, MongoClient } from 'mongodb';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createIdempotency, currentRun, type IdempotencyEvent, type Policy } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { createOperator } from '../../server/operator/index.ts';
import { freshDatabase } from '../support/database.ts';
import { gate } from '../support/gate.ts';
import { startPaymentApp } from '../support/payment-app.ts';
import { PAYMENT_APIS } from '../support/payment-client.ts';
import { until } from '../support/until.ts';

type Handler = () => Promise<void>;

const database = await freshDatabase();
const records = database.db.collection('idempotency_keys');
let handler: Handler;
beforeEach(() => {
  handler = async () => {};
});

/** Starts a server of the three APIs with a MongoDB client of its own, as in another process. */
async function startServer(policy: Policy = {}, options: { require?: boolean } = {}) {
  const client = await new MongoClient(database.uri, { monitorCommands: true }).connect();
  const reads: string[] = [];
  client.on('commandStarted', ({ command }: CommandStartedEvent) => {
    if ('find' in command) reads.push(String(command.filter.key));
  });
  const events: IdempotencyEvent[] = [];
  const store = createMongoStore({ db: client.db(database.name) });
  const idempotency = createIdempotency({ ...policy, store, onEvent: (event) => events.push(event) });
  const app = await startPaymentApp(idempotency, () => handler(), options);
  return {
    url: app.url,
    idempotency,
    /** How often a record was read. */
    reads: (key: string) => reads.filter((read) => read === key).length,
    /** Takes what the listener was told of a key, without what differs from run to run. */
    told(key: string) {
      return events.filter((event) => event.key === key).map(({ scope, key, operation, ...rest }) => rest);
    },
    of: <Type extends IdempotencyEvent['type']>(type: Type) =>
      events.filter((event): event is Extract<IdempotencyEvent, { type: Type }> => event.type === type),
    types: (key: string) => events.filter((event) => event.key === key).map(({ type }) => type),
    async [Symbol.asyncDispose]() {
      await idempotency.close({ timeoutMs: 0 });
      await app[Symbol.asyncDispose]();
      await client.close();
    },
  };
}

const one = await startServer();
const other = await startServer();
const strict = await startServer({ keyFormat: 'uuid' }, { require: true });
afterAll(async () => {
  for (const server of [one, other, strict]) await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** Sends a payment and waits until its handler has begun. The handler goes on until the test ends it. */
async function holdPayment(pay: (typeof PAYMENT_APIS)[keyof typeof PAYMENT_APIS], key: string) {
  const [started, release] = [gate(), gate()];
  handler = async () => {
    started.open();
    await release;
  };
  const answer = pay({ url: one.url, key });
  await started;
  return {
    end() {
      release.open();
      return answer;
    },
  };
}

const ms = expect.any(Number);
const ofRun = { attempt: 1, fence: expect.any(Number) };

describe.each(Object.entries(PAYMENT_APIS))('%s: the listener is told', (api, pay) => {
  const operation = api === 'HTTP' ? 'POST' : 'pay';

  test('of a run and its replay how long the one took, and how old the other is', async () => {
    const key = `${api}-story`;
    await pay({ url: one.url, key });
    await pay({ url: one.url, key });
    expect(one.told(key)).toEqual([
      { type: 'started', how: 'claimed', ...ofRun },
      { type: 'completed', outcome: 'success', durationMs: ms, ...ofRun },
      { type: 'replayed', ageMs: ms },
    ]);
    expect(one.of('started').at(-1)).toMatchObject({ scope: 'alice', key, operation });
  });

  test.each<[string, Handler, object]>([
    [
      'was released',
      async () => currentRun()?.release('rate limited'),
      { type: 'released', reason: 'asked', detail: 'rate limited' },
    ],
    [
      'is in doubt',
      async () => currentRun()?.inDoubt('timed out'),
      { type: 'in_doubt', reason: 'asked', detail: 'timed out' },
    ],
  ])('why a run %s: a word for metrics, and a text for people', async (name, handle, end) => {
    const key = `${api}-${name}`;
    handler = handle;
    await pay({ url: one.url, key });
    expect(one.told(key)[1]).toEqual({ ...end, durationMs: ms, ...ofRun });
  });

  test('of a duplicate that joined a run of its process, and how long it waited', async () => {
    const key = `${api}-joined`;
    const first = await holdPayment(pay, key);
    const second = pay({ url: one.url, key });
    await until(() => expect(one.types(key)).toContain('joined'));
    await Promise.all([first.end(), second]);
    expect(one.types(key)).toEqual(['started', 'joined', 'completed', 'waited', 'replayed']);
    const [waited, replayed] = one.told(key).slice(3) as [{ waitedMs: number }, object];
    expect(waited).toEqual({ type: 'waited', result: 'ended', waitedMs: ms });
    expect(replayed).toEqual({ type: 'replayed', ageMs: ms, waitedMs: waited.waitedMs });
  });

  test('of a duplicate that waited for a run of another process', async () => {
    const key = `${api}-waited`;
    const first = await holdPayment(pay, key);
    const second = pay({ url: other.url, key });
    await until(() => expect(other.reads(key)).toBeGreaterThan(1)); // the first one is the claim's
    await Promise.all([first.end(), second]);
    expect(other.told(key)).toEqual([
      { type: 'waited', result: 'ended', waitedMs: ms },
      { type: 'replayed', ageMs: ms, waitedMs: ms },
    ]);
  });

  test('of a duplicate that gave up waiting, with the time in its refusal', async () => {
    const key = `${api}-gave up`;
    await using hasty = await startServer({ waitTimeoutMs: 50 });
    const first = await holdPayment(pay, key);
    await pay({ url: hasty.url, key });
    await first.end();
    expect(hasty.told(key)).toEqual([
      { type: 'waited', result: 'gave_up', waitedMs: ms },
      { type: 'refused', code: 'IDEMPOTENCY_IN_PROGRESS', error: expect.any(Error), waitedMs: ms },
    ]);
  });

  test('once of a crashed run that is in doubt, by the process that found it', async () => {
    const key = `${api}-crashed`;
    await pay({ url: one.url, key });
    const past = new Date(0);
    await records.updateOne(
      { key },
      {
        $set: { state: 'running', leaseExpiresAt: past },
        $unset: { outcome: 1, response: 1, completedAt: 1 },
      },
    );
    const fence = Number((await records.findOne({ key }))?.fence);
    const servers = [one, other, one, other, one, other];
    const answers = await Promise.all(servers.map(({ url }) => pay({ url, key })));
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(['IDEMPOTENCY_IN_DOUBT']));
    const doubts = [one, other].flatMap(({ told }) => told(key)).filter(({ type }) => type === 'in_doubt');
    expect(doubts).toEqual([
      { type: 'in_doubt', reason: 'lease_lapsed', detail: 'lease lapsed', attempt: 1, fence },
    ]);
  });

  test('of a crashed run that runs again', async () => {
    const key = `${api}-again`;
    await using eager = await startServer({ onCrash: 'retry' });
    await pay({ url: one.url, key });
    await records.updateOne(
      { key },
      { $set: { state: 'running', leaseExpiresAt: new Date(0) }, $unset: { outcome: 1, response: 1 } },
    );
    await pay({ url: eager.url, key });
    expect(eager.told(key)).toMatchObject([
      { type: 'started', how: 'taken_over', attempt: 2 },
      { type: 'completed', attempt: 2 },
    ]);
  });

  test('of a mutation without a key that goes on unprotected', async () => {
    const before = one.of('passed').length;
    await pay({ url: one.url });
    expect(one.of('passed').slice(before)).toEqual([{ type: 'passed', scope: '', key: '', operation }]);
  });

  test.each<[string, Parameters<typeof pay>[0], object]>([
    ['a key is missing', { url: strict.url }, { code: 'IDEMPOTENCY_KEY_MISSING' }],
    [
      'a key is too long',
      { url: strict.url, key: 'k'.repeat(300) },
      { code: 'IDEMPOTENCY_KEY_INVALID', reason: 'too_long' },
    ],
    [
      'a key has another format',
      { url: strict.url, key: 'k' },
      { code: 'IDEMPOTENCY_KEY_INVALID', reason: 'format' },
    ],
    [
      'a scope is missing',
      { url: strict.url, key: '6b7a2f0e-7a0e-4c8a-9a1e-0c8f5f1d2b3c', user: '' },
      { code: 'IDEMPOTENCY_SCOPE_MISSING' },
    ],
  ])('once of a refusal before the claim: %s', async (_, call, refused) => {
    const before = strict.of('refused').length;
    await pay(call);
    expect(strict.of('refused').slice(before)).toEqual([
      { type: 'refused', scope: '', key: '', operation, error: expect.any(Error), ...refused },
    ]);
  });

  test('once of a refusal by the record', async () => {
    const key = `${api}-reused`;
    await pay({ url: one.url, key, amount: 1 });
    await pay({ url: one.url, key, amount: 2 });
    expect(one.told(key).at(-1)).toMatchObject({ type: 'refused', code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(one.types(key)).toEqual(['started', 'completed', 'refused']);
  });

  test('of a question about a key, and of what an operator did', async () => {
    const key = `${api}-asked`;
    handler = async () => currentRun()?.inDoubt('timed out');
    await pay({ url: one.url, key });
    await one.idempotency.peek({ scope: 'alice', key });
    const operator = createOperator({ idempotency: one.idempotency, by: 'webhook' });
    const command = { reason: 'the provider knows of none', commandKey: key, mayRepeat: true };
    await operator.allowRetry({ scope: 'alice', key }, command);
    await operator.allowRetry({ scope: 'alice', key }, command);
    expect(one.told(key).slice(2)).toEqual([
      { type: 'asked', state: 'in_doubt' },
      { type: 'operator_action', action: 'allow_retry', by: 'webhook' },
    ]);
  });
});

describe('idempotency.run tells the listener', () => {
  const call = { scope: 's', key: 'run-1', operation: 'ship' };
  test.each<[string, object, object]>([
    ['no key', { ...call, key: undefined }, { code: 'IDEMPOTENCY_KEY_MISSING' }],
    ['an empty key', { ...call, key: '' }, { code: 'IDEMPOTENCY_KEY_INVALID', reason: 'empty' }],
    ['no scope', { ...call, scope: undefined }, { code: 'IDEMPOTENCY_SCOPE_MISSING' }],
  ])('once of a refusal for %s', async (_, given, refused) => {
    const before = one.of('refused').length;
    await expect(one.idempotency.run(given as typeof call, () => 1)).rejects.toMatchObject(refused);
    expect(one.of('refused').slice(before)).toMatchObject([{ operation: 'ship', ...refused }]);
  });

  test('of a handler that rejected', async () => {
    const failing = one.idempotency.run(call, () => Promise.reject(new Error('down')));
    await expect(failing).rejects.toThrow('down');
    expect(one.of('in_doubt').at(-1)).toMatchObject({ key: 'run-1', reason: 'outcome_unknown' });
  });
});
