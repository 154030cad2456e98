import type { ActionServices } from '../services/services.ts';
import type { Action } from './action-plan.ts';
import { givenResponse, type Subject } from './given-response.ts';
import { type Acted, takeAction } from './take-action.ts';

/**
 * Takes an action with the response that the operator gave: the record is read in the action's own write only.
 * @throws UnusableResponse for a response that can not be stored
 */
export async function takeGivenAction(
  services: ActionServices,
  subject: Subject,
  action: Omit<Action, 'given'>,
): Promise<Acted> {
  const given = await givenResponse(services, { action: action.action, text: action.response }, subject);
  return takeAction(services, { ...action, given });
}
