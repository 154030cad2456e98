import { randomUUID } from 'node:crypto';
import { TRPCError } from '@trpc/server';
import type { Actor } from '../contract/operator.ts';
import { refusalSentence } from '../contract/refusal.ts';
import type { AuditRecord } from './audit.ts';
import { type Entry, type EntryServices, recordFor } from './entry-record.ts';

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

async function requireSame({ audit }: EntryServices, record: AuditRecord): Promise<AuditRecord> {
  const earlier = await audit.find(record.commandKey);
  const names = ['by', 'action', 'reason', 'keyId', 'jobId', 'command'] as const;
  if (earlier && names.every((name) => earlier[name] === record[name])) return earlier;
  throw new TRPCError({ code: 'CONFLICT', message: refusalSentence({ code: 'command_key_used' }) });
}
