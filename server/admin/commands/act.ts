import { TRPCError } from '@trpc/server';
import type { Action } from '../actions/action-plan.ts';
import { UnusableResponse } from '../actions/given-response.ts';
import type { Acted } from '../actions/take-action.ts';
import { takeGivenAction } from '../actions/take-given-action.ts';
import { bodyView } from '../bodies/body-view.ts';
import type { ReadRequest } from '../bodies/read-request.ts';
import { recordRefusal } from '../collections/refused-entry.ts';
import { requireLife } from '../collections/require-life.ts';
import type { ActionCommand, ActionResult, DryRun, KeyDetail } from '../contract/contract.ts';
import type { Actor } from '../contract/operator.ts';
import { type ActionRefusal, refusalSentence } from '../contract/refusal.ts';
import type { AdminServices } from '../services/services.ts';
import { denialOf } from './access.ts';
import { takenEvidence } from './evidence.ts';
import { findDetail } from './find-detail.ts';
import { prepareRerun, sendRerun } from './rerun.ts';

interface ActionRequest {
  /**
   * The key is as the operator may see it now: it was read by their scopes. The action itself goes by `command.seen`.
   */
  readonly key: KeyDetail;
  readonly command: ActionCommand;
}

/**
 * Takes one operator's action on one key, from the role to the new detail. A refused action is in the audit, too.
 * @throws TRPCError FORBIDDEN by the role, BAD_REQUEST for a response that can not be stored
 */
export async function act(
  services: AdminServices,
  actor: Actor,
  { key: before, command }: ActionRequest,
): Promise<ActionResult> {
  const { action, seen, commandKey } = command;
  const denial = denialOf(services, actor, action);
  if (denial) {
    await auditRefusal(services, actor, { command, key: before, refusal: denial });
    throw new TRPCError({ code: 'FORBIDDEN', message: refusalSentence(denial) });
  }
  const rerun = action === 'rerun' ? await prepareRerun(services, seen.id) : undefined;
  if (rerun?.possible === false) {
    await auditRefusal(services, actor, { command, key: before, refusal: rerun.refusal });
    return refusedWith(rerun.refusal, before);
  }
  const { evidence: _, ...rest } = command;
  const given = { ...rest, ...(await takenEvidence(services, actor, command)) };
  const acted = await takeGiven(services, actor, before, given);
  if (!acted.done) {
    await auditRefusal(services, actor, { command, key: before, refusal: acted.refusal });
    return refusedWith(acted.refusal, (await findDetail(services, actor, seen.id)) ?? null);
  }
  const sends = rerun?.possible && !acted.again;
  const note = sends ? await sendRerun(services, rerun, { id: seen.id, commandKey }) : acted.note;
  // What was expired may be gone by now.
  const detail = (await findDetail(services, actor, seen.id)) ?? {
    ...before,
    state: 'expired',
    actions: [],
  };
  const isProblem = action === 'rerun' && !(detail.state === 'completed' && detail.outcome === 'success');
  return { done: true, detail, note, isProblem };
}

function refusedWith(refusal: ActionRefusal, detail: KeyDetail | null): ActionResult {
  return { done: false, why: refusalSentence(refusal), code: refusal.code, detail };
}

interface Refused {
  readonly command: ActionCommand;
  readonly key: KeyDetail;
  readonly refusal: ActionRefusal;
}

function auditRefusal(
  services: AdminServices,
  actor: Actor,
  { command, key, refusal }: Refused,
): Promise<void> {
  const { action, reason } = command;
  const about = { keyId: key.id, scope: key.scope, key: key.key };
  return recordRefusal(services, actor, { action, reason, ...about, why: refusalSentence(refusal) });
}

/**
 * Says what a re-run would send, and for whom. Nothing is run.
 * @param life as the page saw it
 * @throws TRPCError CONFLICT in another life of the key
 */
export async function dryRun(
  services: AdminServices,
  { id, operation, ...key }: KeyDetail,
  life: string | undefined,
): Promise<DryRun> {
  requireLife(key.life, life);
  const rerun = await prepareRerun(services, id);
  const request = rerun.request && (await shownRequest(services, rerun.request));
  return {
    possible: rerun.possible,
    why: rerun.possible ? null : refusalSentence(rerun.refusal),
    operation,
    request: request ?? null,
    actsAs: rerun.label ?? null,
  };
}

async function shownRequest(
  { secrets }: AdminServices,
  { body, format, operation }: ReadRequest,
): Promise<string> {
  const asked = {
    text: body.slice(0, 4 * SHOWN_CHARS),
    format,
    part: 'request',
    operation,
    isFailure: false,
  } as const;
  const { text, cut } = await bodyView(asked, secrets, SHOWN_CHARS);
  return cut ? `${text}…` : text;
}

const SHOWN_CHARS = 65_536;

async function takeGiven(
  services: AdminServices,
  by: Actor,
  { scope, key, life, request }: KeyDetail,
  command: Omit<Action, 'by' | 'given'>,
): Promise<Acted> {
  const { id } = command.seen;
  const subject = { id, scope, key, life: Number(life), captured: request?.format ?? null };
  try {
    return await takeGivenAction(services, subject, { ...command, by });
  } catch (error) {
    if (error instanceof UnusableResponse) {
      throw new TRPCError({ code: 'BAD_REQUEST', message: error.message });
    }
    throw error;
  }
}
