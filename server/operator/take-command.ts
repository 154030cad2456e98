import { randomUUID } from 'node:crypto';
import { UnknownFormat, UnusableResponse } from '../admin/actions/given-response.ts';
import { takeGivenAction } from '../admin/actions/take-given-action.ts';
import { recordRefusal } from '../admin/collections/refused-entry.ts';
import type { KeyDetail, Seen } from '../admin/contract/contract.ts';
import { type ActionRefusal, refusalSentence } from '../admin/contract/refusal.ts';
import { CONFIRM_WORDS } from '../engine/operator.ts';
import type { OperatorAction } from '../engine/record.ts';
import { FORMATS } from '../formats/formats.ts';
import { checkAddress } from './check-command.ts';
import { findDetail, seenIn } from './find-key.ts';
import type { ActionOptions, CompleteOptions, KeyAddress, OperatorResult } from './key-operator.ts';
import type { OperatorServices } from './services.ts';

/** A `Command` is an action on one key, in the words of `takeAction`. */
export interface Command extends ActionOptions {
  readonly action: OperatorAction;
  readonly response?: string | undefined;
  readonly api?: CompleteOptions['api'] | undefined;
  readonly mayRepeat?: boolean;
}

/** Takes an action on the record that the caller has seen, or else on the record as it stands. */
export async function take(
  services: OperatorServices,
  address: KeyAddress,
  { api, ...command }: Command,
): Promise<OperatorResult> {
  checkAddress(address);
  const detail = await findDetail(services, address);
  if (!detail) return (await doneBefore(services, address, command)) ?? refused({ code: 'not_found' });
  const seen = seenOf(address, detail);
  const refusal = 'code' in seen ? seen : await act(services, detail, seen, { api, ...command });
  if ('done' in refusal) return refusal;
  const { action, reason } = command;
  const about = { keyId: detail.id, scope: detail.scope, key: detail.key };
  await recordRefusal(services, services.actor, { action, reason, ...about, why: refusalSentence(refusal) });
  return refused(refusal);
}

/** Finds what the action is a compare-and-set on, or why there is nothing. */
function seenOf({ revision }: KeyAddress, detail: KeyDetail): Seen | ActionRefusal {
  const seen = revision === undefined ? detail.seen : seenIn(revision);
  if (seen === null) return { code: 'unreadable' };
  return seen.id === detail.id ? seen : { code: 'changed', change: { of: 'life' }, causes: [] };
}

async function act(
  services: OperatorServices,
  { scope, key, life, request }: KeyDetail,
  seen: Seen,
  { api, action, reason, mayRepeat = false, commandKey = randomUUID(), response }: Command,
): Promise<OperatorResult | ActionRefusal> {
  const captured = request?.format ?? formatOf(api);
  const word = CONFIRM_WORDS[action];
  try {
    const acted = await takeGivenAction(
      services,
      { id: seen.id, scope, key, life: Number(life), captured },
      {
        ...{ action, seen, reason: reason.trim(), commandKey, mayRepeat, by: services.actor },
        // The word is asked of people, who may have clicked by mistake: the name of the method is as good.
        ...(word !== null && { confirm: word }),
        ...(response !== undefined && { response }),
      },
    );
    return acted.done ? { done: true, note: acted.note, again: acted.again } : acted.refusal;
  } catch (error) {
    if (!(error instanceof UnusableResponse)) throw error;
    const hint = error instanceof UnknownFormat ? ', or say which API answers it (option `api`)' : '';
    throw new TypeError(`${error.message}${hint}`, { cause: error });
  }
}

/** Answers a command that was carried out before, and whose record has gone since. */
async function doneBefore(
  { audit, actor }: OperatorServices,
  { scope, key }: KeyAddress,
  { action, reason, commandKey }: Command,
): Promise<OperatorResult | undefined> {
  const earlier = commandKey === undefined ? undefined : await audit.find(commandKey);
  const isSame =
    earlier?.result === 'done' &&
    earlier.action === action &&
    earlier.by === actor.id &&
    earlier.reason === reason.trim() &&
    earlier.scope === scope &&
    earlier.key === key;
  return isSame ? { done: true, note: earlier.note, again: true } : undefined;
}

const refused = (refusal: ActionRefusal): OperatorResult => ({
  done: false,
  code: refusal.code,
  why: refusalSentence(refusal),
});

function formatOf(api: CompleteOptions['api']): string | null {
  const name = api === 'run' ? 'json' : api;
  return FORMATS.find((format) => format.name.split('/')[0] === name)?.name ?? null;
}
