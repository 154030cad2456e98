import { loadavg } from 'node:os';
import { type Collection, MongoClient } from 'mongodb';
import type { KeyFilter } from '../server/admin/contract/contract.ts';
import { query, timed } from './dashboard-queries.ts';
import { markdownTable } from './report/table.ts';
import { seedKeys, seedStats } from './seed-keys.ts';
import { serveDashboard } from './serve-dashboard.ts';

export interface DashboardApiBenchOptions {
  readonly uri: string;
  readonly keys: number;
  readonly requests: number;
}

/** The dashboard's queries over HTTP. The keys stay, for another run on the same server. */
export async function benchDashboardApi({
  uri,
  keys: count,
  requests,
}: DashboardApiBenchOptions): Promise<void> {
  await using client = new MongoClient(uri);
  const db = client.db('latchkey_bench_dashboard');
  const keys = db.collection('idempotency_keys');
  if ((await keys.estimatedDocumentCount()) !== count) {
    console.error(`seeding ${count} keys…`);
    await keys.drop().catch(() => {});
    await seedKeys(keys, count);
  }
  await seedStats(db.collection('idempotency_keys_stats'), 15 * 60_000);
  await using dashboard = await serveDashboard(db);
  await measure(dashboard.origin, keys, { count, requests });
}

async function measure(
  origin: string,
  keys: Collection,
  { count, requests }: { count: number; requests: number },
): Promise<void> {
  const newest = (await query(origin, 'keys.list', { filter: {} })) as { rows: { id: string }[] };
  const id = newest.rows[0]?.id as string;
  const old = await keys
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
    row(await timed(requests, `list: ${name}`, () => query(origin, 'keys.list', input)));
  row(await timed(requests, 'new rows', () => query(origin, 'keys.newer', { filter: {}, newest: id })));
  row(await timed(requests, 'key', () => query(origin, 'keys.get', { id })));
  row(await timed(requests, 'overview, 24 h', () => query(origin, 'overview', { window: '24h' })));
}
