import { TRPCError } from '@trpc/server';
import { takeAction } from './actions.ts';
import { readRequest } from './bodies.ts';
import type { ActionCommand, ActionResult, DryRun, KeyDetail, Operator } from './contract.ts';
import { barOf, type Dashboard, requireDetail } from './dashboard.ts';
import { readDetail, readStored } from './detail.ts';
import { givenResponse, UnusableResponse } from './given-response.ts';
import { redactedJson } from './redacted-json.ts';
import type { CapturedRequest, Replayer } from './replayer.ts';

/**
 * One operator's action on one key, from the role to the new detail.
 * @throws TRPCError FORBIDDEN by the role, NOT_FOUND also for other scopes, BAD_REQUEST for a response that can not be stored
 */
export async function act(
  dashboard: Dashboard,
  operator: Operator,
  command: ActionCommand,
): Promise<ActionResult> {
  const { action, seen } = command;
  const bar = barOf(dashboard, operator, action);
  if (bar !== null) throw new TRPCError({ code: 'FORBIDDEN', message: bar });
  const before = await requireDetail(dashboard, operator, seen.id);
  const rerun = action === 'rerun' ? await preparedRerun(dashboard, seen.id) : undefined;
  if (rerun?.possible === false) return { done: false, why: rerun.why, detail: before };
  const given = await responseOf(dashboard, command);
  const acted = await takeAction(dashboard, { ...command, by: operator, given });
  if (!acted.done) return { ...acted, detail: (await detailOf(dashboard, operator, seen.id)) ?? null };
  const note = rerun?.possible && !acted.again ? await sent(rerun) : acted.note;
  // What was expired may be gone by now.
  const detail = (await detailOf(dashboard, operator, seen.id)) ?? {
    ...before,
    state: 'expired',
    actions: [],
  };
  return { done: true, detail, note };
}

const detailOf = ({ records, ...dashboard }: Dashboard, operator: Operator, id: string) =>
  readDetail(records, id, operator.scopes, (action, record) =>
    barOf({ ...dashboard, records }, operator, action, record),
  );

/** What a re-run would send, and for whom. Runs nothing. */
export async function dryRun(dashboard: Dashboard, operator: Operator, id: string): Promise<DryRun> {
  const { operation }: KeyDetail = await requireDetail(dashboard, operator, id);
  const rerun = await preparedRerun(dashboard, id);
  const request = rerun.request && redactedJson(rerun.request.body, dashboard.isSecret).text;
  return {
    possible: rerun.possible,
    why: rerun.possible ? null : rerun.why,
    operation,
    request: request ?? null,
    principal: rerun.principal ?? null,
  };
}

type Rerun =
  | {
      readonly possible: true;
      readonly request: CapturedRequest;
      readonly replayer: Replayer;
      readonly principal: string;
    }
  | {
      readonly possible: false;
      readonly why: string;
      readonly request?: CapturedRequest;
      readonly principal?: string;
    };

async function preparedRerun({ records, replayers, open }: Dashboard, id: string): Promise<Rerun> {
  const format = (await readStored(records, id))?.record.request as { format?: unknown } | null | undefined;
  if (!format) return { possible: false, why: 'Its request was not captured (option `captureRequest`)' };
  const replayer = replayers.find((known) => known.format === format.format);
  if (!replayer) return { possible: false, why: `No replayer is registered for ${String(format.format)}` };
  const request = await readRequest(records, id, open);
  if (!request) return { possible: false, why: 'The captured request can not be read' };
  try {
    const check = await replayer.check(request);
    return check.possible ? { ...check, request, replayer } : { ...check, request };
  } catch (error) {
    return { possible: false, why: `The replayer failed: ${messageOf(error)}`, request };
  }
}

/** The key is released by now, so whatever comes of it, the key says what. */
async function sent({ replayer, request }: Extract<Rerun, { possible: true }>): Promise<string> {
  try {
    return await replayer.run(request);
  } catch (error) {
    return `The key was released, but the request could not be sent: ${messageOf(error)}`;
  }
}

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

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
