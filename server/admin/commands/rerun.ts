import { standingOf } from '../../engine/operator.ts';
import { type KeyRecord, readRecord } from '../../engine/record.ts';
import { snapshot, summary } from '../actions/action-plan.ts';
import { openCaptured, type ReadRequest, readCaptured } from '../bodies/read-request.ts';
import { sendTo } from '../collections/transactions.ts';
import type { ActionRefusal } from '../contract/refusal.ts';
import { readStored } from '../keys/read-stored.ts';
import type { CapturedRequest, RerunCheck, Rerunner } from '../rerunners/rerunner.ts';
import type { AdminServices } from '../services/services.ts';

export type Rerun =
  | {
      readonly possible: true;
      readonly request: ReadRequest;
      readonly rerunner: Rerunner;
      readonly label: string;
    }
  | {
      readonly possible: false;
      readonly refusal: ActionRefusal;
      readonly request?: ReadRequest;
      readonly label?: string;
    };

/** Finds out what a re-run would send, and for whom; or why it can not be sent. Nothing is run. */
export async function prepareRerun({ records, rerunners, open }: AdminServices, id: string): Promise<Rerun> {
  const captured = await readCaptured(records, id);
  const stored = captured?.request as { readonly format?: unknown } | null | undefined;
  if (!captured || !stored) return impossible({ code: 'not_captured' });
  const rerunner = rerunners.find((known) => known.format === stored.format);
  if (!rerunner) return impossible({ code: 'no_rerunner', format: String(stored.format) });
  const request = await openCaptured(captured, open);
  if (!request) return impossible({ code: 'request_unreadable' });
  const check = await checkBy(rerunner, request);
  return check.possible ? { ...check, request, rerunner } : { ...check, request };
}

const impossible = (refusal: ActionRefusal) => ({ possible: false, refusal }) as const;

type Checked =
  | Extract<RerunCheck, { possible: true }>
  | { readonly possible: false; readonly refusal: ActionRefusal; readonly label?: string };

async function checkBy(rerunner: Rerunner, request: ReadRequest): Promise<Checked> {
  try {
    const check = await rerunner.check(request);
    if (check.possible) return check;
    const { why, ...rest } = check;
    return { ...rest, refusal: { code: 'rerunner_refused', sentence: why } };
  } catch (error) {
    return impossible({ code: 'rerunner_failed', message: messageOf(error) });
  }
}

/**
 * Sends the captured request of a key that was released for it, and writes into the audit what the key is afterwards.
 * @returns what came of it: first the key, then how the call was answered
 */
export async function sendRerun(
  services: AdminServices,
  { rerunner, request }: Extract<Rerun, { possible: true }>,
  { id, commandKey }: { readonly id: string; readonly commandKey: string },
): Promise<string> {
  const answer = await sendAgain(rerunner, request);
  const found = await readStored(services.records, id, sendTo(services.records.db));
  const record = found && readRecord(found.record);
  const note = `${becameOf(record, found?.now)} ${answer}`;
  await services.audit.conclude(commandKey, {
    note,
    after: found ? summary(found.record) : 'it is no longer there',
    ...(found && { afterRecord: snapshot(found.record) }),
  });
  return note;
}

async function sendAgain(rerunner: Rerunner, request: CapturedRequest): Promise<string> {
  try {
    return await rerunner.run(request);
  } catch (error) {
    return `The request could not be sent: ${messageOf(error)}`;
  }
}

/**
 * Says what became of the key, by its record: a call may be answered with a result whose effect is in doubt all the
 * same.
 */
function becameOf(record: KeyRecord | undefined, now = new Date()): string {
  if (!record) return 'The key can not be found any more.';
  switch (standingOf(record, now)) {
    case 'completed':
      return record.state === 'completed' && record.outcome === 'success'
        ? 'It ran, and succeeded: retries get its result.'
        : 'It ran, and failed: retries get its error.';
    case 'in_doubt':
      return 'The key is in doubt again: nobody knows whether the effect happened.';
    case 'lapsed':
      return 'The run did not end, and its lease has lapsed: nobody knows whether the effect happened.';
    case 'running':
      return 'It is running.';
    case 'released':
      return 'The key is released, and nothing is stored: the next request with it runs.';
    case 'expired':
      return 'The key has expired: the next request with it runs.';
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
