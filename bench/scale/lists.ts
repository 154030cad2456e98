import type { KeyFilter } from '../../server/admin/contract/contract.ts';
import { query, timed } from '../dashboard-queries.ts';
import type { Database } from '../measure/database.ts';
import type { Row } from '../report/table.ts';
import { serveDashboard } from '../serve-dashboard.ts';
import { collectionOf } from './by-size.ts';
import { keyOf } from './seeded-keys.ts';

const REQUESTS = 50;

/** The dashboard's lists over HTTP, on a collection of this many keys of version 7. */
export async function lists({ db }: Database, size: number): Promise<Row[]> {
  const name = collectionOf(7, size);
  await using dashboard = await serveDashboard(db, name);
  const back = Math.floor(size / 10);
  const [old] = await db.collection(name).find().sort({ _id: 1 }).skip(back).limit(1).toArray();
  const inputs: Record<string, { filter: KeyFilter; cursor?: string }> = {
    newest: { filter: {} },
    'a page far back': { filter: {}, cursor: String(old?._id) },
    'needs attention': { filter: { state: 'attention' } },
    completed: { filter: { state: 'completed' } },
    'a scope and a key': { filter: { scope: 'global', key: keyOf(back, 7) } },
    'a key alone': { filter: { key: keyOf(back, 7) } },
  };
  const rows: Row[] = [];
  for (const [list, input] of Object.entries(inputs)) {
    const row = await timed(REQUESTS, list, () => query(dashboard.origin, 'keys.list', input));
    rows.push({ keys: size, ...row });
  }
  return rows;
}
