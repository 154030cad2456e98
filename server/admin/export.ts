import type { KeyFilter, KeyRow, Operator } from './contract.ts';
import type { Dashboard } from './dashboard.ts';
import { listKeys } from './list.ts';
import { addEntry } from './reveal.ts';

const MOST_ROWS = 10_000;
const ROWS_PER_READ = 500;
/** A filter without an index looks at so many bounded stretches. */
const MOST_READS = 50;

interface Export {
  readonly filter: KeyFilter;
  readonly format: 'ndjson' | 'csv';
  readonly reason: string;
  readonly commandKey: string;
}

/** The rows that a list would show: no bodies. Audited before they are read. */
export async function exportKeys(dashboard: Dashboard, operator: Operator, request: Export) {
  const { filter, format, reason, commandKey } = request;
  const note = `${format} ${JSON.stringify(filter)}`;
  await addEntry(dashboard, operator, { action: 'export', reason, commandKey, note });
  const { rows, capped } = await readRows(dashboard, operator, filter);
  const text = format === 'csv' ? csv(rows) : rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  return { filename: `keys.${format}`, text, rows: rows.length, capped };
}

/** Everything that a filter finds, newest first, up to a bound. */
export async function readRows({ records }: Dashboard, { scopes }: Operator, filter: KeyFilter) {
  const rows: KeyRow[] = [];
  let cursor: string | undefined;
  for (let reads = 0; reads < MOST_READS && rows.length < MOST_ROWS; reads++) {
    const limit = Math.min(ROWS_PER_READ, MOST_ROWS - rows.length);
    const page = await listKeys(records, { filter, scopes, cursor, limit });
    rows.push(...page.rows);
    if (page.next === null) return { rows, capped: false };
    cursor = page.next;
  }
  return { rows, capped: true };
}

const TIMES = ['createdAt', 'startedAt', 'completedAt', 'leaseExpiresAt', 'expiresAt'];
const COLUMNS = [
  'id',
  'state',
  'outcome',
  'scope',
  'key',
  'operation',
  'owner',
  'fence',
  'life',
  'attempts',
  'replays',
  ...TIMES,
  'durationMs',
] as const;

/** RFC 4180. */
function csv(rows: readonly KeyRow[]): string {
  const lines = rows.map((row) => COLUMNS.map((name) => cell(row[name as keyof KeyRow], name)));
  return [COLUMNS, ...lines].map((cells) => `${cells.join(',')}\r\n`).join('');
}

function cell(value: string | number | null, name: string): string {
  if (value === null) return '';
  const text = TIMES.includes(name) ? new Date(Number(value)).toISOString() : String(value);
  // A spreadsheet takes a text that begins so for a formula.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
