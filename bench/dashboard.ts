import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { MongoClient } from 'mongodb';
import { createDashboard, type KeyFilter, toNodeHandler } from '../server/admin/index.ts';
import { createIdempotency } from '../server/index.ts';
import { createMongoStore } from '../server/mongodb/index.ts';
import { startMongod } from '../test/support/mongod/start-mongod.ts';
import { seedKeys, seedStats } from './seed-keys.ts';
import { markdownTable } from './table.ts';

/** The dashboard's queries over HTTP, on a collection of two million keys: `tsx bench/dashboard.ts [--keys 2000000] [--requests 100]`. */
const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '2000000' },
    requests: { type: 'string', default: '100' },
  },
});
const count = Number(values.keys);
const requests = Number(values.requests);

const mongod = process.env.MONGODB_URI ? undefined : await startMongod();
const client = new MongoClient(process.env.MONGODB_URI ?? (mongod?.uri as string));
const db = client.db('latchkey_bench_dashboard');
const store = createMongoStore({ db, storeTimeoutMs: 300_000 });
const idempotency = createIdempotency({ store });
const dashboard = createDashboard({ idempotency, authorize: () => ({ id: 'bench', role: 'admin' }) });
const server = createServer(toNodeHandler(dashboard));
try {
  const keys = db.collection('idempotency_keys');
  if ((await keys.estimatedDocumentCount()) !== count) {
    console.error(`seeding ${count} keys…`);
    await keys.drop().catch(() => {});
    await seedKeys(keys, count);
  }
  await seedStats(db.collection('idempotency_keys_stats'), 15 * 60_000);
  await idempotency.ready();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await measure(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
} finally {
  server.closeAllConnections();
  server.close();
  await dashboard.close();
  await idempotency.close({ timeoutMs: 0 });
  await client.close();
  await mongod?.stop();
}

async function measure(origin: string): Promise<void> {
  const newest = (await query(origin, 'keys.list', { filter: {} })) as { rows: { id: string }[] };
  const id = newest.rows[0]?.id as string;
  const old = await db
    .collection('idempotency_keys')
    .find()
    .sort({ _id: 1 })
    .skip(count / 10)
    .limit(1)
    .toArray();
  const lists: [string, { filter: KeyFilter; cursor?: string }][] = [
    ['newest', { filter: {} }],
    ['a page far back', { filter: {}, cursor: String(old[0]?._id) }],
    ['needs attention', { filter: { state: 'attention' } }],
    ['in doubt', { filter: { state: 'in_doubt' } }],
    ['lapsed', { filter: { state: 'lapsed' } }],
    ['failed', { filter: { error: true } }],
    ['completed', { filter: { state: 'completed' } }],
    ['released (no index)', { filter: { state: 'released' } }],
    ['damaged (no index)', { filter: { state: 'unreadable' } }],
    ['a rare operation (no index)', { filter: { operation: 'rare.operation' } }],
    ['a scope', { filter: { scope: 'customer-7' } }],
    ['a scope and a key', { filter: { scope: 'customer-7919', key: 'key-1' } }],
    ['a key alone, of 10,000 scopes', { filter: { key: `key-${Math.floor(count / 2)}` } }],
    ['older than 20 days', { filter: { olderThanMs: 20 * 86_400_000 } }],
  ];
  const row = markdownTable(`${count} keys, ${requests} requests each, load ${loadavg()[0]?.toFixed(1)}`);
  for (const [name, input] of lists)
    row(await timed(`list: ${name}`, () => query(origin, 'keys.list', input)));
  row(await timed('new rows', () => query(origin, 'keys.newer', { filter: {}, newest: id })));
  row(await timed('key', () => query(origin, 'keys.get', { id })));
  row(await timed('overview, 24 h', () => query(origin, 'overview', { window: '24h' })));
}

async function query(origin: string, path: string, input: object): Promise<unknown> {
  const url = `${origin}/api/trpc/${path}?input=${encodeURIComponent(JSON.stringify(input))}`;
  const response = await fetch(url, { headers: { 'x-latchkey': '1' } });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  const { result } = (await response.json()) as { result: { data: unknown } };
  return result.data;
}

async function timed(name: string, work: () => Promise<unknown>) {
  const times: number[] = [];
  for (let request = 0; request < requests; request++) {
    const startedAt = performance.now();
    await work();
    times.push(performance.now() - startedAt);
  }
  times.sort((one, other) => one - other);
  const at = (share: number) => `${Math.round(times[Math.ceil(times.length * share) - 1] ?? 0)} ms`;
  return { query: name, p50: at(0.5), p95: at(0.95), slowest: at(1) };
}
