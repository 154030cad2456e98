import { randomUUID } from 'node:crypto';
import { CONFIRM_WORDS, mayRepeat, type OperatorCommand, operated } from '../engine/operator.ts';
import { type KeyRecord, readRecord, type StoredRecord, type StoredResponse } from '../engine/record.ts';
import type { Document } from '../mongodb/database.ts';
import { hasTransactions, inTransaction, type Send, sendTo } from '../mongodb/session.ts';
import type { AuditRecord } from './audit.ts';
import { elidedBodies } from './bodies.ts';
import type { ActionCommand, Operator, Seen } from './contract.ts';
import type { Dashboard } from './dashboard.ts';
import { plainRecord } from './detail.ts';
import { extendedJson } from './extended-json.ts';
import { idIs, isDuplicate } from './records.ts';

/** What came of an action on one record, without its new detail. */
export type Acted =
  | { readonly done: true; readonly note: string; readonly again: boolean }
  | { readonly done: false; readonly why: string };

export interface Action extends ActionCommand {
  readonly by: Pick<Operator, 'id' | 'role'>;
  readonly jobId?: string;
  readonly given?: StoredResponse | undefined;
}

/**
 * Takes an action on the record that the operator saw, or says what stands instead. The record's write is a compare-and-set on
 * what was seen; it and the audit entry are one transaction. Sent again with the same `commandKey` it does nothing more, and
 * answers the same.
 */
export async function takeAction(dashboard: Dashboard, action: Action): Promise<Acted> {
  const { audit, records } = dashboard;
  await audit.prepare();
  const earlier = await audit.find(action.commandKey);
  if (earlier && earlier.result !== 'intended') return answered(earlier, action);
  const acted = (await hasTransactions(records.db))
    ? await transacted(dashboard, action)
    : await intended(dashboard, action, earlier);
  if (acted.done) return acted;
  // What changed the record may be this very command, sent twice at once.
  const twin = await audit.find(action.commandKey);
  return twin?.result === 'done' ? answered(twin, action) : acted;
}

async function transacted(dashboard: Dashboard, action: Action): Promise<Acted> {
  const { audit, records } = dashboard;
  const owner = `operator:${randomUUID()}`;
  try {
    return await inTransaction(records.db, async (send) => {
      const plan = await planned(dashboard, action, owner, send);
      if (plan.do === 'refuse') return { done: false, why: plan.why };
      if (!(await audit.add({ ...plan.entry, result: 'done' }, send))) throw new SentTwice();
      // A write conflict aborts the transaction, which is then run again: what it reads next has changed.
      if (!(await apply(dashboard, plan, send)))
        throw new Error('The record changed inside of a transaction');
      return { done: true, note: plan.entry.note, again: false };
    });
  } catch (error) {
    // The same command, sent twice at once: the other one is in the audit by now.
    if (!(error instanceof SentTwice || isDuplicate(error))) throw error;
    return takeAction(dashboard, action);
  }
}

class SentTwice extends Error {}

/** Without transactions: the intent first. Whoever sends the command again finds it, and with it whether it was carried out. */
async function intended(
  dashboard: Dashboard,
  action: Action,
  earlier: AuditRecord | undefined,
): Promise<Acted> {
  const { audit, records } = dashboard;
  if (earlier && !isSame(earlier, action)) return answered(earlier, action);
  const owner = earlier?.owner ?? `operator:${randomUUID()}`;
  const send = sendTo(records.db);
  if (earlier && (await wasApplied(dashboard, action.seen.id, owner))) {
    await audit.conclude(action.commandKey, { result: 'done' });
    return { done: true, note: earlier.note, again: true };
  }
  const plan = await planned(dashboard, action, owner, send);
  if (plan.do === 'refuse') {
    if (earlier) await audit.conclude(action.commandKey, { result: 'refused', note: plan.why });
    return { done: false, why: plan.why };
  }
  const added =
    earlier !== undefined || (await audit.add({ ...plan.entry, result: 'intended' }, send, MAJORITY));
  if (!added) return takeAction(dashboard, action);
  const applied = await apply(dashboard, plan, (command) => send({ ...command, writeConcern: MAJORITY }));
  if (!applied) {
    await audit.conclude(action.commandKey, { result: 'refused', note: CHANGED });
    return { done: false, why: CHANGED };
  }
  await audit.conclude(action.commandKey, { result: 'done' });
  return { done: true, note: plan.entry.note, again: false };
}

const MAJORITY = { w: 'majority' };
const CHANGED = 'It has changed meanwhile';

function answered(earlier: AuditRecord, action: Action): Acted {
  if (!isSame(earlier, action)) return { done: false, why: 'This command key was used for another command' };
  return earlier.result === 'refused'
    ? { done: false, why: earlier.note }
    : { done: true, note: earlier.note, again: true };
}

const isSame = (earlier: AuditRecord, { action, seen, by, reason }: Action): boolean =>
  earlier.action === action && earlier.keyId === seen.id && earlier.by === by.id && earlier.reason === reason;

type Plan =
  | { readonly do: 'refuse'; readonly why: string }
  | {
      readonly do: 'write';
      readonly before: KeyRecord;
      readonly after: StoredRecord;
      readonly entry: Omit<AuditRecord, 'result'>;
    };

/** The record as it stands, the rules, and what the audit will say. */
async function planned(dashboard: Dashboard, action: Action, owner: string, send: Send): Promise<Plan> {
  const { seen, by, reason, commandKey, jobId } = action;
  const found = await readForAction(dashboard, seen.id, send);
  if (!found) return { do: 'refuse', why: 'It is no longer there' };
  const before = readRecord(found.record);
  if (!before) return { do: 'refuse', why: 'The record can not be understood' };
  const change = changeOf(seen, before);
  if (change !== null) return { do: 'refuse', why: change };
  const unconfirmed = confirmationOf(action, before);
  if (unconfirmed !== null) return { do: 'refuse', why: unconfirmed };
  const command: OperatorCommand = {
    action: action.action,
    by: by.id,
    reason,
    owner,
    retentionMs: dashboard.policy.retentionMs,
    ...(action.given && { response: action.given }),
  };
  const result = operated(before, command, found.now);
  if (result.do === 'refuse') return result;
  const entry = {
    at: found.now,
    by: by.id,
    role: by.role,
    action: action.action,
    reason,
    commandKey,
    note: NOTES[action.action],
    keyId: seen.id,
    scope: before.scope,
    key: before.key,
    before: summary(found.record),
    after: summary(result.record),
    beforeRecord: snapshot(found.record),
    afterRecord: snapshot(result.record),
    owner,
    ...(jobId !== undefined && { jobId }),
  };
  return { do: 'write', before, after: result.record, entry };
}

const NOTES: Readonly<Record<ActionCommand['action'], string>> = {
  allow_retry: 'The next request with this key and payload runs.',
  rerun: 'The key was released for the captured request.',
  mark_completed: 'Retries get this response.',
  mark_failed: 'Retries get this error.',
  expire: 'The key is forgotten: any payload may run.',
  force_release: 'The key is free. The worker that held it was not stopped: its result will not be stored.',
  purge_body: 'The bodies are gone, the outcome is kept.',
};

/** Null when the record is the one that the operator saw. */
function changeOf(seen: Seen, record: KeyRecord): string | null {
  if (String(record.life) !== seen.life) return 'The key began a new life meanwhile';
  if (record.state !== seen.state) return `It is ${record.state} now, no longer ${seen.state}`;
  if (record.owner !== seen.owner || String(record.fence) !== seen.fence)
    return 'Somebody else has held or changed it meanwhile';
  return null;
}

/** Asked of the record as it is in the transaction, not of what a client says about it. */
function confirmationOf({ action, confirm, mayRepeat: ticked }: Action, record: KeyRecord): string | null {
  const word = CONFIRM_WORDS[action];
  if (word !== null && confirm !== word) return `Type the word ${word} to confirm`;
  if (mayRepeat(action, record) && ticked !== true) return 'Confirm that the effect may happen twice';
  return null;
}

/** Bodies stay where they are: an action only looks at whether there is one. */
async function readForAction(
  { records }: Dashboard,
  id: string,
  send: Send,
): Promise<{ record: StoredRecord; now: Date } | undefined> {
  const reply = await send({
    aggregate: records.collection,
    pipeline: [
      { $match: idIs(id) },
      ...elidedBodies(),
      { $project: { _id: 0, now: '$$NOW', record: '$$ROOT' } },
    ],
    cursor: {},
  });
  const [found] = (reply.cursor as { firstBatch: Document[] }).firstBatch;
  return found && { record: plainRecord(found.record as Document), now: found.now as Date };
}

/** Compare-and-set of the fields that differ. @returns false when the record is no longer the one that was read */
async function apply(
  { records }: Dashboard,
  { before, after }: Extract<Plan, { do: 'write' }>,
  send: Send,
): Promise<boolean> {
  const old = before as unknown as StoredRecord;
  const { scope, key, state, owner, fence, life } = old;
  const set = Object.entries(after).filter(([name, value]) => value !== old[name]);
  const unset = Object.keys(old).filter((name) => !(name in after));
  const reply = await send({
    update: records.collection,
    updates: [
      {
        q: Object.fromEntries(
          Object.entries({ scope, key, state, owner, fence, life }).map(([name, value]) => [
            name,
            { $eq: value },
          ]),
        ),
        u: {
          $set: Object.fromEntries(set),
          ...(unset.length > 0 && { $unset: Object.fromEntries(unset.map((name) => [name, ''])) }),
        },
        collation: { locale: 'simple' },
      },
    ],
  });
  const [error] = (reply.writeErrors ?? []) as { errmsg: string }[];
  if (error) throw new Error(error.errmsg);
  return reply.n === 1;
}

/** A later claim keeps what operators did in the history. */
async function wasApplied(dashboard: Dashboard, id: string, owner: string): Promise<boolean> {
  const found = await readForAction(dashboard, id, sendTo(dashboard.records.db));
  const history = Array.isArray(found?.record.history) ? found.record.history : [];
  return (
    found?.record.owner === owner || history.some((entry) => (entry as Document | null)?.owner === owner)
  );
}

function summary({ state, outcome, fence }: StoredRecord): string {
  return `${state}${outcome === undefined ? '' : ` (${outcome})`}, fence ${fence}`;
}

function snapshot({ history, ...record }: StoredRecord): string {
  return extendedJson(record);
}
