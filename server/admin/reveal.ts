import { TRPCError } from '@trpc/server';
import type { AuditRecord } from './audit.ts';
import { type Part, readBody } from './bodies.ts';
import type { BodyText, Operator } from './contract.ts';
import { type Dashboard, requireDetail } from './dashboard.ts';

interface Reveal {
  readonly id: string;
  readonly part: Part;
  readonly reason: string;
  readonly commandKey: string;
}

/** A body with its secrets; who asked for it and why is in the audit before anything is shown. */
export async function reveal(
  dashboard: Dashboard,
  operator: Operator,
  { id, part, reason, commandKey }: Reveal,
): Promise<BodyText> {
  const { scope, key } = await requireDetail(dashboard, operator, id);
  await addEntry(dashboard, operator, {
    action: 'reveal',
    reason,
    commandKey,
    note: part,
    keyId: id,
    scope,
    key,
  });
  const body = await readBody(dashboard.records, id, {
    part,
    whole: true,
    isSecret: undefined,
    open: dashboard.open,
  });
  if (!body) throw new TRPCError({ code: 'NOT_FOUND', message: 'There is no such key' });
  return body;
}

/** An entry about what writes no record. @throws TRPCError CONFLICT when its command key was used for another command */
export async function addEntry(
  { audit, records }: Dashboard,
  { id, role }: Operator,
  entry: Omit<AuditRecord, 'at' | 'by' | 'role' | 'result'>,
): Promise<void> {
  await audit.prepare();
  const at = await records.now();
  const record: AuditRecord = { at, by: id, role, result: 'done', ...entry };
  if (await audit.add(record, undefined, { w: 'majority' })) return;
  const earlier = await audit.find(entry.commandKey);
  const isSame =
    earlier?.by === id &&
    earlier.action === entry.action &&
    earlier.note === entry.note &&
    earlier.keyId === entry.keyId;
  if (!isSame) {
    throw new TRPCError({ code: 'CONFLICT', message: 'This command key was used for another command' });
  }
}
