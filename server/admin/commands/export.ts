import { walkRows } from '../bulk/walk.ts';
import { addEntry } from '../collections/entries.ts';
import type { KeyFilter, KeyRow } from '../contract/contract.ts';
import { leftText } from '../contract/left-text.ts';
import type { Operator } from '../contract/operator.ts';
import type { AdminServices } from '../services/services.ts';
import { csv, isoTime } from './csv.ts';

interface Export {
  readonly filter: KeyFilter;
  readonly format: 'ndjson' | 'csv';
  readonly reason: string;
  readonly commandKey: string;
}

/** Exports the rows that a list would show: no bodies. The export is in the audit before the rows are read. */
export async function exportKeys(services: AdminServices, operator: Operator, request: Export) {
  const { filter, format, reason, commandKey } = request;
  const note = `${format} of ${filterText(filter)}.`;
  const command = `${format} ${JSON.stringify(filter)}`;
  const entry = await addEntry(services, operator, { action: 'export', reason, commandKey, note, command });
  const { rows, left } = await walkRows(services.records, operator, filter);
  const found = ` It has ${rows.length === 1 ? '1 key' : `${rows.length} keys`}.${leftText(left)}`;
  await services.audit.conclude(entry.commandKey, { note: `${note}${found}` });
  const text = format === 'csv' ? csvOf(rows) : rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  return { filename: `keys.${format}`, text, rows: rows.length, left };
}

const TIMES = ['createdAt', 'startedAt', 'completedAt', 'leaseExpiresAt', 'expiresAt'] as const;
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

function csvOf(rows: readonly KeyRow[]): string {
  const withTimes = rows.map((row) => ({
    ...row,
    ...(Object.fromEntries(TIMES.map((name) => [name, isoTime(row[name])])) as Record<
      (typeof TIMES)[number],
      string | null
    >),
  }));
  return csv(COLUMNS, withTimes);
}

/** Writes for the audit which keys were asked for. */
export function filterText(filter: KeyFilter): string {
  const terms = Object.entries(filter).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return terms.length === 0 ? 'all keys' : `the keys with ${terms.join(', ')}`;
}
