import { randomUUID } from 'node:crypto';
import type { KeyRecord } from '../../engine/record.ts';
import type { Document } from '../../mongodb/database.ts';
import type { AuditRecord } from '../collections/audit.ts';
import { isDuplicate, PATIENCE_MS } from '../collections/records.ts';
import { hasTransactions, inTransaction, type Send, sendTo } from '../collections/transactions.ts';
import { type ActionRefusal, refusalSentence } from '../contract/refusal.ts';
import { readStored } from '../keys/read-stored.ts';
import type { ActionServices } from '../services/services.ts';
import { type Action, planAction } from './action-plan.ts';
import { applyChange } from './apply-change.ts';

/** An action on one record has this result, without the record's new detail. */
export type Acted =
  | {
      readonly done: true;
      readonly note: string;
      readonly again: boolean;
      /** The record before the action; absent where this very call did not change it. */
      readonly before?: Pick<KeyRecord, 'scope' | 'key' | 'operation'>;
    }
  | { readonly done: false; readonly refusal: ActionRefusal };

/**
 * Takes an action on the record that the operator saw, or says what stands instead. The record's write is a compare-and-set on
 * what was seen; it and the audit entry are one transaction. Sent again with the same `commandKey` it does nothing more, and
 * answers the same.
 * @throws Withdrawn when it is no longer wanted, UnusableResponse for a response that can not be stored in this record
 */
export async function takeAction(services: ActionServices, action: Action): Promise<Acted> {
  const acted = await takeOnce(services, action);
  if (acted.done && acted.before) {
    const { scope, key, operation } = acted.before;
    const what = { action: action.action, by: action.by.id };
    services.tell({ type: 'operator_action', scope, key, operation, ...what });
  }
  return acted;
}

async function takeOnce(services: ActionServices, action: Action): Promise<Acted> {
  const { audit, records } = services;
  await audit.prepare();
  const earlier = await audit.find(action.commandKey);
  if (earlier && earlier.result !== 'intended') return answerOf(earlier, action);
  const acted = (await hasTransactions(records.db))
    ? await runInTransaction(services, action)
    : await writeIntentFirst(services, action, earlier);
  if (acted.done) return acted;
  // What changed the record may be this very command, sent twice at once.
  const twin = await audit.find(action.commandKey);
  return twin?.result === 'done' ? answerOf(twin, action) : acted;
}

async function runInTransaction(services: ActionServices, action: Action): Promise<Acted> {
  const { audit, records } = services;
  const owner = `operator:${randomUUID()}`;
  try {
    return await inTransaction(records.db, PATIENCE_MS, async (send) => {
      await requireWanted(action, send);
      const plan = await planAction(services, action, owner, send);
      if (plan.do === 'refuse') return { done: false, refusal: plan.refusal };
      if (!(await audit.add({ ...plan.entry, result: 'done' }, send))) throw new SentTwice();
      // A write conflict aborts the transaction, which is then run again: what it reads next has changed.
      if (!(await applyChange(records, plan, send)))
        throw new Error('The record changed inside of a transaction');
      return { done: true, note: plan.entry.note, again: false, before: plan.before };
    });
  } catch (error) {
    // The same command, sent twice at once: the other one is in the audit by now.
    if (!(error instanceof SentTwice || isDuplicate(error))) throw error;
    return takeOnce(services, action);
  }
}

/** The audit has an entry of this command already. */
class SentTwice extends Error {}

/** The action is no longer wanted, and nothing was done. */
export class Withdrawn extends Error {}

async function requireWanted({ isWanted }: Action, send: Send): Promise<void> {
  if (isWanted && !(await isWanted(send))) throw new Withdrawn();
}

/**
 * Takes an action without transactions: it writes the intent into the audit first. Whoever sends the command again
 * finds the intent, and with it whether the action was carried out.
 */
async function writeIntentFirst(
  services: ActionServices,
  action: Action,
  earlier: AuditRecord | undefined,
): Promise<Acted> {
  const { audit, records } = services;
  if (earlier && !isSame(earlier, action)) return answerOf(earlier, action);
  const owner = earlier?.owner ?? `operator:${randomUUID()}`;
  const send = sendTo(records.db);
  if (earlier && (await wasApplied(services, action.seen.id, owner))) {
    await audit.conclude(action.commandKey, { result: 'done' });
    return { done: true, note: earlier.note, again: true };
  }
  await requireWanted(action, send);
  const plan = await planAction(services, action, owner, send);
  if (plan.do === 'refuse') {
    if (earlier) await concludeRefused(services, action, plan.refusal);
    return { done: false, refusal: plan.refusal };
  }
  const added =
    earlier !== undefined || (await audit.add({ ...plan.entry, result: 'intended' }, send, MAJORITY));
  if (!added) return takeOnce(services, action);
  const applied = await applyChange(records, plan, (command) => send({ ...command, writeConcern: MAJORITY }));
  if (!applied) {
    const refusal = { code: 'changed_at_write' } as const;
    await concludeRefused(services, action, refusal);
    return { done: false, refusal };
  }
  await audit.conclude(action.commandKey, { result: 'done' });
  return { done: true, note: plan.entry.note, again: false, before: plan.before };
}

const MAJORITY = { w: 'majority' };

function concludeRefused(
  { audit }: ActionServices,
  { commandKey }: Action,
  refusal: ActionRefusal,
): Promise<void> {
  return audit.conclude(commandKey, { result: 'refused', note: refusalSentence(refusal) });
}

function answerOf(earlier: AuditRecord, action: Action): Acted {
  if (!isSame(earlier, action)) return { done: false, refusal: { code: 'command_key_used' } };
  return earlier.result === 'refused'
    ? { done: false, refusal: { code: 'refused_before', sentence: earlier.note } }
    : { done: true, note: earlier.note, again: true };
}

const isSame = (earlier: AuditRecord, { action, seen, by, reason }: Action): boolean =>
  earlier.action === action && earlier.keyId === seen.id && earlier.by === by.id && earlier.reason === reason;

/**
 * Tells whether an earlier send of this command changed the record. A later claim keeps what operators did in the
 * history.
 */
async function wasApplied({ records }: ActionServices, id: string, owner: string): Promise<boolean> {
  const found = await readStored(records, id, sendTo(records.db));
  const history = Array.isArray(found?.record.history) ? found.record.history : [];
  return (
    found?.record.owner === owner || history.some((entry) => (entry as Document | null)?.owner === owner)
  );
}
