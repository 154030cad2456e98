import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Job, JobItem } from '../../admin/contract/job.ts';
import { hintFor } from '../asked.ts';
import { type KeysSession, refuse } from '../session/session.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { endText, keysText, planText, printItems } from './job-text.ts';

/** The options that confirm a job. */
export interface Flags {
  readonly confirm?: number;
  readonly yesExpire?: boolean;
  readonly yesMayRepeat?: boolean;
}

interface CarryOutOptions extends Flags {
  /** The reason of a cancellation by Ctrl-C. */
  readonly reason: string;
  readonly json?: boolean;
}

/**
 * Starts a planned job, runs it to its end, and prints what has become of each key. One that was started before, by the same command say, is
 * gone on with.
 */
export async function carryOut(
  session: KeysSession,
  terminal: Terminal,
  planned: Job,
  options: CarryOutOptions,
): Promise<void> {
  const { json } = options;
  terminal.note(planText(planned.action, planned, planned.sample));
  if (planned.state !== 'planned') return runToItsEnd(session, terminal, planned, options);
  if (planned.total === 0 && options.confirm === undefined) return terminal.note('There is nothing to do.');
  const confirmed = await confirmations(terminal, planned, options);
  if (await start(session, terminal, { planned, confirmed, json }))
    await runToItsEnd(session, terminal, planned, options);
}

/** Runs a job that was started, and prints what has become of each key. */
export async function runToItsEnd(
  session: KeysSession,
  terminal: Terminal,
  started: Job,
  { reason, json }: Pick<CarryOutOptions, 'reason' | 'json'>,
): Promise<void> {
  const job = await follow(session, terminal, started, reason);
  if (job.state !== 'done' || job.refused > 0) terminal.refuse();
  await printJob(session, terminal, job, json);
}

/** Prints a job: what has become of each key, and beside it how far it is. */
export async function printJob(
  session: KeysSession,
  terminal: Terminal,
  job: Job,
  json: boolean | undefined,
): Promise<void> {
  const items = await itemsOf(session, job.id);
  if (json) terminal.out(JSON.stringify({ job, items }, null, 2));
  else printItems(terminal, items);
  terminal.note(endText(job));
}

interface Confirmations {
  readonly count: number;
  readonly confirm?: string;
  readonly mayRepeat: boolean;
}

/** Gets what the page's dialog asks for: from the options, or from whoever sits at the terminal. */
async function confirmations(
  terminal: Terminal,
  { total, confirm: word, mayRepeat }: Job,
  { confirm: count, yesExpire = false, yesMayRepeat = false }: Flags,
): Promise<Confirmations> {
  const isAsked = count === undefined;
  const typed = async (question: string) => (await terminal.ask(question)).trim();
  const number = isAsked ? await typed(`Type the number of keys, ${total}, to start: `) : '';
  const isGoing = !isAsked || number === String(total);
  const asks = isAsked && isGoing;
  const given = asks && word !== null && !yesExpire ? await typed(`Type the word ${word}: `) : '';
  const repeats =
    asks && mayRepeat > 0 && !yesMayRepeat
      ? await typed(`The effect of ${keysText(mayRepeat)} may happen twice. Type yes to go on: `)
      : '';
  const confirm = yesExpire ? word : given;
  return {
    count: count ?? (/^\d+$/.test(number) ? Number(number) : 0),
    ...(confirm && { confirm }),
    mayRepeat: yesMayRepeat || repeats === 'yes',
  };
}

interface Starting {
  readonly planned: Job;
  readonly confirmed: Confirmations;
  readonly json: boolean | undefined;
}

/** Starts a planned job. @returns false when it was refused */
async function start(
  { api }: KeysSession,
  terminal: Terminal,
  { planned, confirmed, json }: Starting,
): Promise<boolean> {
  const { refusalIn } = await import('../../admin/api/caller.ts');
  try {
    await api.bulk.start({ id: planned.id, commandKey: randomUUID(), ...confirmed });
    return true;
  } catch (error) {
    const refusal = refusalIn(error);
    if (!refusal) throw error;
    refuse(terminal, json, { ...refusal, why: `${refusal.why}${hintFor(refusal.code, planned.confirm)}` });
    return false;
  }
}

const POLL_MS = 200;
const TOLD_EVERY_MS = 2_000;

/** Runs a job to its end, unless a process with a dashboard was first, and tells how far it is. */
async function follow(
  { api, services }: KeysSession,
  terminal: Terminal,
  { id, total }: Job,
  reason: string,
): Promise<Job> {
  const { JobRunner } = await import('../../admin/bulk/job-runner.ts');
  const runner = new JobRunner(services, { only: id });
  let isInterrupted = false;
  using _ = terminal.onInterrupt(() => {
    isInterrupted = true;
  });
  let toldAt = Date.now();
  try {
    for (;;) {
      runner.wake();
      await pause(POLL_MS);
      if (isInterrupted) await cancel(api, id, reason);
      const { job } = await api.bulk.get({ id });
      if (job.state !== 'running') return job;
      if (Date.now() - toldAt < TOLD_EVERY_MS) continue;
      toldAt = Date.now();
      terminal.note(`${job.done + job.refused} of ${keysText(total)} …`);
    }
  } finally {
    await runner.close();
  }
}

/** A job that has ended meanwhile is none to cancel. */
async function cancel(api: KeysSession['api'], id: string, reason: string): Promise<void> {
  const { refusalIn } = await import('../../admin/api/caller.ts');
  try {
    await api.bulk.cancel({ id, reason, commandKey: randomUUID() });
  } catch (error) {
    if (!refusalIn(error)) throw error;
  }
}

async function itemsOf({ api }: KeysSession, id: string): Promise<JobItem[]> {
  const items: JobItem[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: JobItem[]; next: string | null } = await api.bulk.get({
      id,
      ...(cursor !== null && { cursor }),
    });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return items;
}
