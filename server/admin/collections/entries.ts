import { createHash, randomUUID } from 'node:crypto';
import { TRPCError } from '@trpc/server';
import type { Actor } from '../contract.ts';
import { refusalSentence } from '../refusal.ts';
import type { Audit, AuditRecord } from './audit.ts';
import type { Records } from './records.ts';

/** An entry needs these services. */
interface EntryServices {
  readonly audit: Audit;
  readonly records: Records;
  readonly readOnly: boolean;
}

/** An entry is what the audit says of a command, beside who sent it, when, and how it ended. */
export type Entry = Omit<AuditRecord, 'at' | 'by' | 'role' | 'via' | 'result'>;

const MAJORITY = { w: 'majority' };

/**
 * Writes down that something was read, before it is shown. The same command, sent again, reads again: each time has an entry.
 * @throws TRPCError CONFLICT when the command key was used for another command
 */
export async function addEntry(
  services: EntryServices,
  actor: Actor,
  entry: Entry,
): Promise<{ commandKey: string }> {
  const { audit } = services;
  const record = await recordFor(services, actor, entry, 'done');
  if (await audit.add(record, undefined, MAJORITY)) return record;
  await requireSame(services, record);
  const again = { ...record, commandKey: `${entry.commandKey}:${randomUUID()}` };
  await audit.add(again, undefined, MAJORITY);
  return again;
}

/**
 * Writes down that a command begins.
 * @returns how the same command ended when it was sent before; undefined when it is new, or was cut off
 * @throws TRPCError CONFLICT when the command key was used for another command
 */
export async function beginEntry(
  services: EntryServices,
  actor: Actor,
  entry: Entry,
): Promise<AuditRecord | undefined> {
  const record = await recordFor(services, actor, entry, 'intended');
  if (await services.audit.add(record, undefined, MAJORITY)) return undefined;
  const earlier = await requireSame(services, record);
  return earlier.result === 'intended' ? undefined : earlier;
}

/**
 * A refused command has this entry. It is not the command's own: the same command may be sent again, and be carried
 * out.
 */
export type RefusedEntry = Omit<Entry, 'commandKey' | 'note'> & { readonly why: string };

const MINUTE_MS = 60_000;

/**
 * Writes down what somebody tried and was refused; the same of the same person at most once a minute, for the audit is kept for
 * good. A failure is a warning only: the command is refused in either case.
 */
export async function recordRefusal(
  services: EntryServices,
  actor: Actor,
  { why, ...entry }: RefusedEntry,
): Promise<void> {
  if (services.readOnly) return;
  try {
    const record = await recordFor(services, actor, { ...entry, note: why, commandKey: '' }, 'refused');
    const minute = Math.floor(record.at.getTime() / MINUTE_MS);
    const what = [actor.id, entry.action, entry.keyId, entry.jobId, entry.reason, why, minute];
    const hash = createHash('sha256').update(JSON.stringify(what)).digest('base64url');
    await services.audit.add({ ...record, commandKey: `refused:${hash}` });
  } catch (error) {
    const message = `A refused ${entry.action} could not be written into the audit: ${(error as Error).message}`;
    process.emitWarning(message, { type: 'LatchkeyWarning' });
  }
}

async function recordFor(
  { audit, records }: EntryServices,
  { id, role, via }: Actor,
  entry: Entry,
  result: AuditRecord['result'],
): Promise<AuditRecord> {
  await audit.prepare();
  const at = await records.now();
  return { at, by: id, role, ...(via !== undefined && { via }), result, ...entry };
}

async function requireSame({ audit }: EntryServices, record: AuditRecord): Promise<AuditRecord> {
  const earlier = await audit.find(record.commandKey);
  const names = ['by', 'action', 'reason', 'keyId', 'jobId', 'command'] as const;
  if (earlier && names.every((name) => earlier[name] === record[name])) return earlier;
  throw new TRPCError({ code: 'CONFLICT', message: refusalSentence({ code: 'command_key_used' }) });
}
