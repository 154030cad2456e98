import { TRPCError } from '@trpc/server';
import { givenResponse, UnusableResponse } from '../actions/given-response.ts';
import { takeAction } from '../actions/take-action.ts';
import type { ReadRequest } from '../bodies/bodies.ts';
import { bodyView } from '../bodies/body-view.ts';
import { recordRefusal } from '../collections/entries.ts';
import { requireLife } from '../collections/require-life.ts';
import type { ActionCommand, ActionResult, DryRun, KeyDetail, Operator } from '../contract.ts';
import { readDetail, readStored } from '../keys/detail.ts';
import { type Actor, barOf, type Dashboard, requireDetail } from '../services.ts';
import { prepareRerun, sendRerun } from './rerun.ts';

/**
 * One operator's action on one key, from the role to the new detail. What is refused is in the audit, too.
 * @throws TRPCError FORBIDDEN by the role, NOT_FOUND also for other scopes, BAD_REQUEST for a response that can not be stored
 */
export async function act(dashboard: Dashboard, actor: Actor, command: ActionCommand): Promise<ActionResult> {
  const { action, seen, commandKey } = command;
  const before = await requireDetail(dashboard, actor, seen.id);
  const bar = barOf(dashboard, actor, action);
  if (bar !== null) {
    await refused(dashboard, actor, { command, key: before, why: bar });
    throw new TRPCError({ code: 'FORBIDDEN', message: bar });
  }
  const rerun = action === 'rerun' ? await prepareRerun(dashboard, seen.id) : undefined;
  if (rerun?.possible === false) {
    await refused(dashboard, actor, { command, key: before, why: rerun.why });
    return { done: false, why: rerun.why, detail: before };
  }
  const given = await responseOf(dashboard, command);
  const acted = await takeAction(dashboard, { ...command, by: actor, given });
  if (!acted.done) {
    await refused(dashboard, actor, { command, key: before, why: acted.why });
    return { ...acted, detail: (await detailOf(dashboard, actor, seen.id)) ?? null };
  }
  const sends = rerun?.possible && !acted.again;
  const note = sends ? await sendRerun(dashboard, rerun, { id: seen.id, commandKey }) : acted.note;
  // What was expired may be gone by now.
  const detail = (await detailOf(dashboard, actor, seen.id)) ?? {
    ...before,
    state: 'expired',
    actions: [],
  };
  const isProblem = action === 'rerun' && !(detail.state === 'completed' && detail.outcome === 'success');
  return { done: true, detail, note, isProblem };
}

interface Refused {
  readonly command: ActionCommand;
  readonly key: KeyDetail;
  readonly why: string;
}

function refused(dashboard: Dashboard, actor: Actor, { command, key, why }: Refused): Promise<void> {
  const { action, reason } = command;
  const about = { keyId: key.id, scope: key.scope, key: key.key };
  return recordRefusal(dashboard, actor, { action, reason, ...about, why });
}

const detailOf = ({ records, ...dashboard }: Dashboard, operator: Operator, id: string) =>
  readDetail(records, id, operator.scopes, (action, record) =>
    barOf({ ...dashboard, records }, operator, action, record),
  );

/** What a re-run would send, and for whom. Runs nothing. @throws TRPCError CONFLICT in another life of the key */
export async function dryRun(
  dashboard: Dashboard,
  operator: Operator,
  { id, life }: { readonly id: string; readonly life?: string },
): Promise<DryRun> {
  const detail = await requireDetail(dashboard, operator, id);
  requireLife(detail.life, life);
  const { operation } = detail;
  const rerun = await prepareRerun(dashboard, id);
  const request = rerun.request && (await shownRequest(dashboard, rerun.request));
  return {
    possible: rerun.possible,
    why: rerun.possible ? null : rerun.why,
    operation,
    request: request ?? null,
    principal: rerun.principal ?? null,
  };
}

async function shownRequest(
  { secrets }: Dashboard,
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

async function responseOf(dashboard: Dashboard, { action, seen, response }: ActionCommand) {
  try {
    const stored = await readStored(dashboard.records, seen.id);
    return stored && (await givenResponse(dashboard, seen.id, stored, action, response));
  } catch (error) {
    if (error instanceof UnusableResponse) {
      throw new TRPCError({ code: 'BAD_REQUEST', message: error.message });
    }
    throw error;
  }
}
