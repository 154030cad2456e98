import { MongoClient } from 'mongodb';
import { createIdempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { createTelemetry } from '../../server/otel/index.ts';
import { type Payment, startPaymentApp } from '../support/payment-app.ts';
import { startSdk } from './spans.ts';

/** A `TracedMessage` is what a traced worker tells its parent. */
export type TracedMessage =
  | { readonly url: string }
  | { readonly holding: true }
  | {
      readonly spans: readonly { readonly name: string; readonly traceId: string; readonly spanId: string }[];
    };

/** A server process whose runs are traced. Its parent may hold a payment, kill it, or ask which spans it has made. */
const { uri, database } = JSON.parse(process.argv[2] ?? '') as { uri: string; database: string };
const client = await new MongoClient(uri).connect();
const { tracerProvider, meterProvider, spans } = startSdk();
const idempotency = createIdempotency({
  store: createMongoStore({ db: client.db(database) }),
  leaseMs: 1_000,
  telemetry: createTelemetry({ tracerProvider, meterProvider }),
});
const send = (message: TracedMessage) => process.send?.(message);
const app = await startPaymentApp(idempotency, async ({ mode }: Payment) => {
  if (mode !== 'hold') return;
  send({ holding: true });
  await new Promise(() => {});
});
process.on('message', () => {
  send({ spans: spans().map((span) => ({ name: span.name, ...span.spanContext() })) });
});

process.send?.('ready');
send({ url: app.url });
