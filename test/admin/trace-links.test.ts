import { expect, test, vi } from 'vitest';
import { createIdempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { createOperator } from '../../server/operator/index.ts';
import { createTelemetry } from '../../server/otel/index.ts';
import { startSdk } from '../otel/spans.ts';
import { startAdmin } from './support.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const traceparent = `00-${TRACE}-${SPAN}-01`;
const traceUrl = ({ traceId, spanId, sampled }: { traceId: string; spanId: string; sampled: boolean }) =>
  sampled ? `https://traces.example/${traceId}?span=${spanId}` : null;

test('the page of a key links to the trace of its last run', async () => {
  await using admin = await startAdmin({ traceUrl });
  await using sdk = startSdk();
  const telemetry = createTelemetry({
    tracerProvider: sdk.tracerProvider,
    meterProvider: sdk.meterProvider,
    spanAttributes: ['key'],
  });
  await using idempotency = createIdempotency({ store: createMongoStore({ db: admin.db }), telemetry });
  await idempotency.run({ scope: 's', key: 'k', operation: 'ship' }, () => 1);
  const { rows } = await admin.vic.keys.list.query({ filter: {} });
  const detail = await admin.vic.keys.get.query({ id: String(rows[0]?.id) });
  const [run] = sdk.named('latchkey.run', 'k');
  const { traceId, spanId } = run?.spanContext() ?? {};
  expect(detail.traceUrl).toBe(`https://traces.example/${traceId}?span=${spanId}`);
});

test.each<[string, object]>([
  ['that was not traced', {}],
  ['whose trace is damaged', { traceparent: `${traceparent}-more` }],
  ['whose trace is no text', { traceparent: { traceId: TRACE } }],
  ['whose trace was not kept', { traceparent: `00-${TRACE}-${SPAN}-00` }],
])('a key %s has a page without a link', async (_, fields) => {
  await using admin = await startAdmin({ traceUrl });
  const id = await admin.put(fields);
  expect((await admin.vic.keys.get.query({ id })).traceUrl).toBeNull();
});

test.each<[string, () => never]>([
  ['gives a script', () => 'javascript:alert(1)' as never],
  ['gives no text', () => undefined as never],
  [
    'throws',
    () => {
      throw new Error('no traces');
    },
  ],
])('a `traceUrl` that %s costs the link and is a warning, and the page is there', async (_, broken) => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  await using admin = await startAdmin({ traceUrl: broken });
  const id = await admin.put({ traceparent });
  expect(await admin.vic.keys.get.query({ id })).toMatchObject({ id, traceUrl: null });
  expect(warned).toHaveBeenCalledTimes(1);
  warned.mockRestore();
});

test('nothing of a trace is left when its scope has been erased', async () => {
  await using admin = await startAdmin({ traceUrl });
  await admin.put({ traceparent, scope: 'gone', key: 'k', state: 'in_doubt' });
  const operator = createOperator({ idempotency: admin.idempotency, by: 'ada' });
  const reason = 'asked to be forgotten';
  await operator.allowRetry({ scope: 'gone', key: 'k' }, { reason, mayRepeat: true });
  const collections = () =>
    Promise.all(
      ['idempotency_keys', 'idempotency_keys_audit', 'idempotency_keys_jobs'].map((name) =>
        admin.db.collection(name).find().toArray(),
      ),
    );
  expect(JSON.stringify(await collections())).toContain(TRACE);
  await operator.erase({ scope: 'gone', reason });
  expect(JSON.stringify(await collections())).not.toContain(TRACE);
});
