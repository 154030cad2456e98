import { CONFIRM_WORDS, mayRepeat, type OperatorCommand, operated } from '../../engine/operator.ts';
import { type KeyRecord, readRecord, type StoredBody, type StoredRecord } from '../../engine/record.ts';
import { fixedRetention } from '../../engine/retention.ts';
import type { AuditRecord } from '../collections/audit.ts';
import type { Send } from '../collections/transactions.ts';
import { ACTION_EFFECTS } from '../contract/action-effects.ts';
import type { ActionCommand, TakenEvidence } from '../contract/contract.ts';
import type { Actor } from '../contract/operator.ts';
import type { ActionRefusal } from '../contract/refusal.ts';
import { extendedJson } from '../keys/extended-json.ts';
import { readStored } from '../keys/read-stored.ts';
import type { ActionServices } from '../services/services.ts';
import { changeOf } from './change-of.ts';
import { requireCipher } from './given-response.ts';

export interface Action extends Omit<ActionCommand, 'evidence'> {
  readonly by: Pick<Actor, 'id' | 'role' | 'via'>;
  readonly jobId?: string;
  readonly given?: StoredBody | undefined;
  /** The operator acted upon this. */
  readonly taken?: TakenEvidence;
  /**
   * Tells, in the transaction of the action itself, whether the action is still wanted. When it is not, nothing is
   * done.
   */
  readonly isWanted?: (send: Send) => Promise<boolean>;
}

export type Plan =
  | { readonly do: 'refuse'; readonly refusal: ActionRefusal }
  | {
      readonly do: 'write';
      readonly before: KeyRecord;
      readonly after: KeyRecord;
      readonly entry: Omit<AuditRecord, 'result'>;
    };

/**
 * Plans an action: reads the record as it stands, asks the rules, and says what to write into the record and into the
 * audit.
 * @throws UnusableResponse for a response in plain text where the record's bodies are encrypted
 */
export async function planAction(
  services: ActionServices,
  action: Action,
  owner: string,
  send: Send,
): Promise<Plan> {
  const { seen, by, reason, commandKey, jobId, taken } = action;
  const found = await readStored(services.records, seen.id, send);
  if (!found) return { do: 'refuse', refusal: { code: 'gone' } };
  requireCipher(action.given, found.isEncrypted);
  const before = readRecord(found.record);
  if (!before) return { do: 'refuse', refusal: { code: 'unreadable' } };
  const refusal = changeOf(seen, before) ?? missingConfirmation(action, before);
  if (refusal) return { do: 'refuse', refusal };
  const command: OperatorCommand = {
    action: action.action,
    by: by.id,
    reason,
    owner,
    retentionMs: fixedRetention(services.policy),
    ...(action.given && { response: action.given }),
  };
  const result = operated(before, command, found.now);
  if (result.do === 'refuse') return result;
  const entry = {
    at: found.now,
    by: by.id,
    role: by.role,
    ...(by.via !== undefined && { via: by.via }),
    action: action.action,
    reason,
    commandKey,
    note: ACTION_EFFECTS[action.action],
    keyId: seen.id,
    scope: before.scope,
    key: before.key,
    before: summary(found.record),
    after: summary(result.record),
    beforeRecord: snapshot(found.record),
    afterRecord: snapshot(result.record),
    owner,
    ...(jobId !== undefined && { jobId }),
    ...(taken && { evidence: taken }),
  };
  return { do: 'write', before, after: result.record, entry };
}

/**
 * Finds the confirmation that is missing, or null. It goes by the record as it is in the transaction, not by what a
 * client says about it.
 */
function missingConfirmation(
  { action, confirm, mayRepeat: ticked }: Action,
  record: KeyRecord,
): ActionRefusal | null {
  const word = CONFIRM_WORDS[action];
  if (word !== null && confirm !== word) return { code: 'confirm_word', word };
  return mayRepeat(action, record) && ticked !== true ? { code: 'may_repeat' } : null;
}

export function summary({ state, outcome, fence }: StoredRecord): string {
  return `${state}${outcome === undefined ? '' : ` (${outcome})`}, fence ${fence}`;
}

export function snapshot({ history, ...record }: StoredRecord): string {
  return extendedJson(record);
}
