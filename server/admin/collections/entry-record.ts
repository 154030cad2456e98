import type { Actor } from '../contract/operator.ts';
import type { Audit, AuditRecord } from './audit.ts';
import type { Records } from './records.ts';

/** An entry needs these services. */
export interface EntryServices {
  readonly audit: Audit;
  readonly records: Records;
  readonly readOnly: boolean;
}

/** An entry is what the audit says of a command, beside who sent it, when, and how it ended. */
export type Entry = Omit<AuditRecord, 'at' | 'by' | 'role' | 'via' | 'result'>;

/** Makes the record of an entry, with the time of the server's clock. */
export async function recordFor(
  { audit, records }: Pick<EntryServices, 'audit' | 'records'>,
  { id, role, via }: Actor,
  entry: Entry,
  result: AuditRecord['result'],
): Promise<AuditRecord> {
  await audit.prepare();
  const at = await records.now();
  return { at, by: id, role, ...(via !== undefined && { via }), result, ...entry };
}
