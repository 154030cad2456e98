import { CONFIRM_WORDS } from '../../engine/operator.ts';
import { planAction } from '../actions/action-plan.ts';
import { givenResponse } from '../actions/given-response.ts';
import { sendTo } from '../collections/transactions.ts';
import type { ActionCommand, KeyDetail } from '../contract/contract.ts';
import type { Actor } from '../contract/operator.ts';
import { type RefusalCode, refusalSentence } from '../contract/refusal.ts';
import type { AdminServices } from '../services/services.ts';
import { takenEvidence } from './evidence.ts';

/** A `ForeseenAction` is what an action would do to a record now, if it were confirmed. */
export type ForeseenAction =
  | {
      readonly possible: true;
      readonly note: string;
      /** The record is described in a few words before and after, and in whole but for its bodies. */
      readonly before: string;
      readonly after: string;
      readonly beforeRecord: string;
      readonly afterRecord: string;
    }
  | { readonly possible: false; readonly why: string; readonly code: RefusalCode };

interface Foresight {
  readonly key: KeyDetail;
  readonly command: Omit<ActionCommand, 'confirm' | 'mayRepeat'>;
}

/**
 * Says what an action would do to a key, by the rules of the action itself. Nothing is written, also not into the audit.
 * @throws UnusableResponse for a response that can not be stored, TRPCError for evidence that is not of this key
 */
export async function foreseeAction(
  services: AdminServices,
  by: Actor,
  { key: { scope, key, life, request }, command }: Foresight,
): Promise<ForeseenAction> {
  const { action, seen } = command;
  const { response } = await takenEvidence(services, by, command);
  const subject = { id: seen.id, scope, key, life: Number(life), captured: request?.format ?? null };
  const given = await givenResponse(services, { action, text: response }, subject);
  const word = CONFIRM_WORDS[action];
  const { evidence: _, ...rest } = command;
  const confirmed = { ...rest, by, mayRepeat: true, ...(word !== null && { confirm: word }) };
  const plan = await planAction(
    services,
    { ...confirmed, ...(given && { given }) },
    'operator:dry-run',
    sendTo(services.records.db),
  );
  if (plan.do === 'refuse')
    return { possible: false, why: refusalSentence(plan.refusal), code: plan.refusal.code };
  const { note, before = '', after = '', beforeRecord = '', afterRecord = '' } = plan.entry;
  return { possible: true, note, before, after, beforeRecord, afterRecord };
}
