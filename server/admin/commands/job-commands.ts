import { TRPCError } from '@trpc/server';
import { CONFIRM_WORDS } from '../../engine/operator.ts';
import type { Document } from '../../mongodb/database.ts';
import { beginEntry } from '../collections/entries.ts';
import type { Entry } from '../collections/entry-record.ts';
import { type JobRecord, mayRepeatIn } from '../collections/job-record.ts';
import { recordRefusal } from '../collections/refused-entry.ts';
import type { Job, JobState } from '../contract/job.ts';
import { leftText } from '../contract/left-text.ts';
import type { Actor } from '../contract/operator.ts';
import { type ActionRefusal, refusalSentence } from '../contract/refusal.ts';
import type { AdminServices } from '../services/services.ts';
import { CommandRefused } from './command-refused.ts';
import { filterText } from './export.ts';

export interface StartRequest {
  readonly id: string;
  /** The operator typed this number: how many keys the job is about. */
  readonly count: number;
  readonly confirm?: string;
  readonly mayRepeat?: boolean;
  readonly commandKey: string;
}

/** Starts a planned job. It needs the same confirmations as the action on one key, and the number of its keys. */
export async function startJob(
  services: AdminServices,
  actor: Actor,
  { id, count, commandKey, ...confirmed }: StartRequest,
): Promise<Job> {
  const { jobs, records } = services;
  const job = await jobs.require(id, actor);
  const entry = { action: 'bulk_start', reason: job.reason, commandKey, note: planText(job), jobId: id };
  const refusal = missingConfirmation(job, count, confirmed);
  if (refusal) {
    const why = refusalSentence(refusal);
    await recordRefusal(services, actor, { action: entry.action, reason: entry.reason, jobId: id, why });
    throw new TRPCError({ code: 'BAD_REQUEST', message: why, cause: new CommandRefused(refusal) });
  }
  const startedBy = { id: actor.id, role: actor.role, ...(actor.via !== undefined && { via: actor.via }) };
  const changes = { state: 'running', startedAt: await records.now(), startedBy, confirmed };
  await changeState(services, actor, entry, { from: ['planned'], changes });
  services.wakeJobs();
  return jobs.shown(await jobs.require(id, actor));
}

function missingConfirmation(
  job: JobRecord,
  count: number,
  { confirm, mayRepeat }: Pick<StartRequest, 'confirm' | 'mayRepeat'>,
): ActionRefusal | null {
  const total = Number(job.total);
  const word = CONFIRM_WORDS[job.action];
  const keys = mayRepeatIn(job);
  if (count !== total) return { code: 'confirm_count', total, count };
  if (word !== null && confirm !== word) return { code: 'confirm_word', word };
  return keys > 0 && mayRepeat !== true ? { code: 'may_repeat', keys } : null;
}

export async function cancelJob(
  services: AdminServices,
  actor: Actor,
  { id, reason, commandKey }: { id: string; reason: string; commandKey: string },
): Promise<Job> {
  const { jobs, records } = services;
  const job = await jobs.require(id, actor);
  const entry = { action: 'bulk_cancel', reason, commandKey, note: planText(job), jobId: id };
  const changes = { state: 'cancelled', endedAt: await records.now() };
  await changeState(services, actor, entry, { from: ['planned', 'running', 'paused'], changes });
  return jobs.shown(await jobs.require(id, actor));
}

/** Resumes a job, which pauses when the database refuses its writes. */
export async function resumeJob(
  services: AdminServices,
  actor: Actor,
  { id, commandKey }: { id: string; commandKey: string },
): Promise<Job> {
  const { jobs } = services;
  const job = await jobs.require(id, actor);
  const entry = { action: 'bulk_resume', reason: job.reason, commandKey, note: planText(job), jobId: id };
  await changeState(services, actor, entry, { from: ['paused'], changes: { state: 'running' } });
  services.wakeJobs();
  return jobs.shown(await jobs.require(id, actor));
}

/**
 * Writes the intent into the audit, then the new state by a compare-and-set, then what came of it. The same command,
 * sent again, changes nothing more.
 * @throws TRPCError CONFLICT when the job is in another state
 */
async function changeState(
  services: AdminServices,
  actor: Actor,
  entry: Entry & { readonly jobId: string },
  { from, changes }: { readonly from: readonly JobState[]; readonly changes: Document },
): Promise<void> {
  const { audit, jobs } = services;
  const { commandKey, jobId } = entry;
  const earlier = await beginEntry(services, actor, entry);
  if (earlier?.result === 'done') return;
  if (earlier) throw new TRPCError({ code: 'CONFLICT', message: earlier.note });
  if (!(await jobs.change(jobId, from, { ...changes, lastCommand: commandKey }))) {
    const { state, lastCommand } = await jobs.require(jobId, actor);
    // Otherwise it is this very command, which was cut off or sent twice at once.
    if (lastCommand !== commandKey) {
      const why = refusalSentence({ code: 'wrong_job_state', state: String(state), from });
      await audit.conclude(commandKey, { result: 'refused', note: why });
      throw new TRPCError({ code: 'CONFLICT', message: why });
    }
  }
  await audit.conclude(commandKey, { result: 'done' });
}

/** Writes for the audit what a job is about. */
function planText(job: JobRecord): string {
  const { action, total, filter, selected, left } = job as JobRecord &
    Pick<Job, 'filter' | 'selected' | 'left'>;
  const origin = filter === null ? `${selected} selected keys` : filterText(filter);
  const count = Number(total) === 1 ? '1 key' : `${total} keys`;
  return `${action} of ${count}, from ${origin}.${leftText(left ?? null)}`;
}
