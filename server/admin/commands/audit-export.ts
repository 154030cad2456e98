import { addEntry } from '../collections/entries.ts';
import type { AuditEntry, AuditFilter } from '../contract/contract.ts';
import type { Operator } from '../contract/operator.ts';
import type { AdminServices } from '../services/services.ts';
import { csv, isoTime } from './csv.ts';

const MOST_ENTRIES = 10_000;
const ENTRIES_PER_READ = 500;

interface Export {
  readonly filter: AuditFilter;
  readonly format: 'ndjson' | 'csv';
  readonly reason: string;
  readonly commandKey: string;
}

/**
 * Exports the entries that the audit's page would show, newest first. The export has an entry of its own, which is
 * written before the others are read.
 */
export async function exportAudit(services: AdminServices, operator: Operator, request: Export) {
  const { filter, format, reason, commandKey } = request;
  const terms = Object.entries(filter).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  const note = `${format} of ${terms.length === 0 ? 'all entries' : `the entries with ${terms.join(', ')}`}.`;
  const command = `${format} ${JSON.stringify(filter)}`;
  await addEntry(services, operator, { action: 'audit_export', reason, commandKey, note, command });
  const { entries, full } = await readEntries(services, operator, filter);
  const text =
    format === 'csv' ? csvOf(entries) : entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
  return { filename: `audit.${format}`, text, rows: entries.length, full };
}

async function readEntries({ audit }: AdminServices, operator: Operator, filter: Export['filter']) {
  const entries: AuditEntry[] = [];
  let cursor: string | undefined;
  do {
    const page = await audit.list(
      { ...filter, ...(cursor !== undefined && { cursor }) },
      operator,
      ENTRIES_PER_READ,
    );
    entries.push(...page.entries);
    if (page.next === null) return { entries, full: false };
    cursor = page.next;
  } while (entries.length < MOST_ENTRIES);
  return { entries, full: true };
}

const COLUMNS = [
  'id',
  'at',
  'by',
  'role',
  'via',
  'action',
  'result',
  'reason',
  'note',
  'keyId',
  'scope',
  'key',
  'before',
  'after',
  'jobId',
] as const;

const csvOf = (entries: readonly AuditEntry[]): string =>
  csv(
    COLUMNS,
    entries.map((entry) => ({ ...entry, at: isoTime(entry.at) })),
  );
