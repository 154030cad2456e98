import { SpanStatusCode, trace } from '@opentelemetry/api';
import { MongoClient } from 'mongodb';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { httpResponse } from '../../plugin/http/index.ts';
import { createIdempotency, currentRun, type IdempotencyEvent, type Policy } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { createOperator } from '../../server/operator/index.ts';
import { createTelemetry } from '../../server/otel/index.ts';
import { freshDatabase } from '../support/database.ts';
import { gate } from '../support/gate.ts';
import { startPaymentApp } from '../support/payment-app.ts';
import { PAYMENT_APIS } from '../support/payment-client.ts';
import { until } from '../support/until.ts';
import { startWorker } from '../support/worker.ts';
import { linksOf, startSdk, traceparentOf } from './spans.ts';
import type { TracedMessage } from './traced-worker.ts';

const database = await freshDatabase();
const records = database.db.collection('idempotency_keys');
let handler: () => Promise<void>;
beforeEach(() => {
  handler = async () => {};
});

/** Starts a traced server of the three APIs, with a client and an SDK of its own. */
async function startServer(policy: Policy = {}) {
  const client = await new MongoClient(database.uri).connect();
  const sdk = startSdk();
  const { tracerProvider, meterProvider } = sdk;
  const events: IdempotencyEvent[] = [];
  const idempotency = createIdempotency({
    ...policy,
    store: createMongoStore({ db: client.db(database.name) }),
    telemetry: createTelemetry({ tracerProvider, meterProvider, spanAttributes: ['scope', 'key'] }),
    onEvent: (event) => events.push(event),
  });
  const app = await startPaymentApp(idempotency, () => handler());
  return {
    url: app.url,
    sdk,
    idempotency,
    span: (name: string, key: string) => sdk.named(name, key)[0],
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
afterAll(async () => {
  for (const server of [one, other]) await server[Symbol.asyncDispose]();
  await one.sdk[Symbol.asyncDispose]();
  await other.sdk[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const recordOf = (key: string) => records.findOne({ key });

describe.each(Object.entries(PAYMENT_APIS))('%s', (api, pay) => {
  test('a run has a span, in which those of the handler nest, and its record names it', async () => {
    const key = `${api}-run`;
    handler = () => one.sdk.inSpan(`charge ${key}`, async () => {});
    await pay({ url: one.url, key });
    const run = one.span('latchkey.run', key);
    const charge = one.sdk.spans().find(({ name }) => name === `charge ${key}`);
    expect(run).toMatchObject({
      attributes: {
        'latchkey.operation': api === 'HTTP' ? 'POST' : 'pay',
        'latchkey.scope': 'alice',
        'latchkey.outcome': 'success',
        'latchkey.attempt': 1,
      },
      status: { code: SpanStatusCode.UNSET },
      links: [],
    });
    expect(charge?.parentSpanContext?.spanId).toBe(run?.spanContext().spanId);
    expect(charge?.spanContext().traceId).toBe(run?.spanContext().traceId);
    expect((await recordOf(key))?.traceparent).toBe(traceparentOf(run));
    const claim = one.sdk
      .spans()
      .find(({ parentSpanContext }) => parentSpanContext?.spanId === run?.spanContext().spanId);
    expect(claim?.name).toBe('latchkey.claim');
  });

  test('a replay links to the run that made the answer, in whatever process that was', async () => {
    const key = `${api}-replay`;
    await pay({ url: one.url, key });
    const run = traceparentOf(one.span('latchkey.run', key));
    await pay({ url: other.url, key });
    const claim = other.span('latchkey.claim', key);
    expect(claim?.attributes).toMatchObject({
      'latchkey.outcome': 'replayed',
      'latchkey.replay.age': expect.any(Number),
    });
    expect(linksOf(claim)).toEqual([{ to: run, as: 'replayed' }]);
    expect(other.span('latchkey.run', key)).toBeUndefined();
  });

  test('a duplicate that joins a run has a span for its wait, and both link to the run', async () => {
    const key = `${api}-wait`;
    const [started, release] = [gate(), gate()];
    handler = async () => {
      started.open();
      await release;
    };
    const first = pay({ url: one.url, key });
    await started;
    const second = pay({ url: one.url, key });
    await until(() => expect(one.types(key)).toContain('joined'));
    release.open();
    await Promise.all([first, second]);
    const run = traceparentOf(one.span('latchkey.run', key));
    const claim = one.span('latchkey.claim', key);
    const wait = one.sdk.spans().findLast(({ name }) => name === 'latchkey.wait');
    expect(wait?.parentSpanContext?.spanId).toBe(claim?.spanContext().spanId);
    expect(linksOf(wait)).toEqual([{ to: run, as: 'waited' }]);
    expect(linksOf(claim)).toEqual([{ to: run, as: 'replayed' }]);
  });

  test('a refusal has a span that failed, with its code', async () => {
    const key = `${api}-refused`;
    await pay({ url: one.url, key, amount: 1 });
    await pay({ url: one.url, key, amount: 2 });
    expect(one.span('latchkey.claim', key)).toMatchObject({
      attributes: { 'latchkey.outcome': 'refused', 'error.type': 'IDEMPOTENCY_KEY_REUSED' },
      status: { code: SpanStatusCode.ERROR },
      events: [],
    });
  });

  test('a run in doubt has a span that failed; the answer that an operator gives links to it', async () => {
    const key = `${api}-repaired`;
    handler = async () => currentRun()?.inDoubt('timed out');
    await pay({ url: one.url, key });
    const run = one.span('latchkey.run', key);
    expect(run).toMatchObject({
      attributes: { 'latchkey.outcome': 'in_doubt', 'error.type': 'asked' },
      status: { code: SpanStatusCode.ERROR },
    });
    const operator = createOperator({ idempotency: one.idempotency, by: 'support' });
    const data = { id: '1', amount: 1 };
    const given = { data: api === 'GraphQL' ? { pay: data } : data, reason: 'the provider has it' };
    const answer = { ...given, api: api.toLowerCase() as 'graphql' | 'trpc' | 'http' };
    expect(await operator.complete({ scope: 'alice', key }, answer)).toMatchObject({ done: true });
    await pay({ url: other.url, key });
    expect(linksOf(other.span('latchkey.claim', key))).toEqual([{ to: traceparentOf(run), as: 'replayed' }]);
  });

  test('a takeover links to the run that had crashed, and a replay to the takeover', async () => {
    const key = `${api}-crash`;
    await using worker = await startWorker(new URL('./traced-worker.ts', import.meta.url), {
      args: [JSON.stringify({ uri: database.uri, database: database.name })],
    });
    const { url } = await worker.next<{ url: string }>();
    const held = pay({ url, key, mode: 'hold' }).catch(() => {});
    await worker.next<TracedMessage>();
    worker.kill('SIGKILL');
    await held;
    const lost = (await recordOf(key))?.traceparent;
    expect(lost).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-01$/);
    await records.updateOne({ key }, { $set: { leaseExpiresAt: new Date(0) } });
    await using eager = await startServer({ onCrash: 'retry' });
    expect(await pay({ url: eager.url, key })).toMatchObject({ status: 200 });
    const run = eager.span('latchkey.run', key);
    expect(run?.attributes).toMatchObject({ 'latchkey.attempt': 2, 'latchkey.how': 'taken_over' });
    expect(linksOf(run)).toContainEqual({ to: lost, as: 'taken_over' });
    await pay({ url: other.url, key });
    expect(linksOf(other.span('latchkey.claim', key))).toEqual([{ to: traceparentOf(run), as: 'replayed' }]);
  });

  test('a replay in another process links to a span that its process has made', async () => {
    const key = `${api}-process`;
    await using worker = await startWorker(new URL('./traced-worker.ts', import.meta.url), {
      args: [JSON.stringify({ uri: database.uri, database: database.name })],
    });
    const { url } = await worker.next<{ url: string }>();
    await pay({ url, key });
    worker.send('spans');
    const { spans } = await worker.next<Extract<TracedMessage, { spans: unknown }>>();
    const [run] = spans.filter(({ name }) => name === 'latchkey.run');
    await pay({ url: other.url, key });
    expect(linksOf(other.span('latchkey.claim', key))).toEqual([
      { to: `00-${run?.traceId}-${run?.spanId}-01`, as: 'replayed' },
    ]);
  });
});

test('an answer that `resolve` finds links to the lost run, and a replay to the call that asked', async () => {
  const key = 'resolved';
  await PAYMENT_APIS.HTTP({ url: one.url, key });
  await records.updateOne({ key }, { $set: { state: 'running', leaseExpiresAt: new Date(0) } });
  const inside: (string | undefined)[] = [];
  await using asking = await startServer({
    resolve: () => {
      inside.push(trace.getActiveSpan()?.spanContext().spanId);
      return { action: 'complete', data: httpResponse('paid') };
    },
  });
  expect(await PAYMENT_APIS.HTTP({ url: asking.url, key })).toMatchObject({ status: 200, body: 'paid' });
  const claim = asking.span('latchkey.claim', key);
  expect(inside).toEqual([claim?.spanContext().spanId]);
  expect(linksOf(claim)).toEqual([{ to: traceparentOf(one.span('latchkey.run', key)), as: 'taken_over' }]);
  await PAYMENT_APIS.HTTP({ url: other.url, key });
  expect(linksOf(other.span('latchkey.claim', key))).toEqual([{ to: traceparentOf(claim), as: 'replayed' }]);
});

test('a call that is refused as in doubt links to the run whose lease it found lapsed', async () => {
  const key = 'lapsed';
  await PAYMENT_APIS.HTTP({ url: one.url, key });
  await records.updateOne({ key }, { $set: { state: 'running', leaseExpiresAt: new Date(0) } });
  await PAYMENT_APIS.HTTP({ url: other.url, key });
  expect(linksOf(other.span('latchkey.claim', key))).toEqual([
    { to: traceparentOf(one.span('latchkey.run', key)), as: 'in_doubt' },
  ]);
});

test.each(['00-zz', 7, { $numberInt: 1 }])(
  'a record whose trace is damaged (%j) costs a link, not the replay',
  async (traceparent) => {
    const key = `damaged-${typeof traceparent}`;
    await PAYMENT_APIS.HTTP({ url: one.url, key });
    await records.updateOne({ key }, { $set: { traceparent } });
    expect(await PAYMENT_APIS.HTTP({ url: other.url, key })).toMatchObject({ status: 200, replayed: true });
    expect(linksOf(other.span('latchkey.claim', key))).toEqual([]);
  },
);
