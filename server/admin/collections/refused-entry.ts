import { createHash } from 'node:crypto';
import type { Actor } from '../contract/operator.ts';
import { type Entry, type EntryServices, recordFor } from './entry-record.ts';

/**
 * A refused command has this entry. It is not the command's own: the same command may be sent again, and be carried
 * out.
 */
type RefusedEntry = Omit<Entry, 'commandKey' | 'note'> & { readonly why: string };

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
