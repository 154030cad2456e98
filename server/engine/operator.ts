import {
  type CompletedRecord,
  HIGHEST_COUNT,
  HISTORY_LIMIT,
  type HistoryEntry,
  type KeyRecord,
  NEVER,
  type OperatorAction,
  type Outcome,
  type ReleasedRecord,
  type RunningRecord,
  readRecord,
  type StoredBody,
  type UnresolvedRecord,
} from './record.ts';

/** Tells whether a record has its owner from an operator's action. */
export const isOperator = (owner: string): boolean => owner.startsWith('operator:');

/** One action of an operator on one record. `owner` is made for it: `operator:<uuid>`. */
export interface OperatorCommand {
  readonly action: OperatorAction;
  readonly by: string;
  readonly reason: string;
  readonly owner: string;
  /** The record is kept for this time after the action, in ms. */
  readonly retentionMs: number;
  /** The response that `complete` and `fail` store. */
  readonly response?: StoredBody;
}

export type Operated =
  | { readonly do: 'write'; readonly record: KeyRecord }
  | { readonly do: 'refuse'; readonly refusal: RuleRefusal };

/** A `RuleRefusal` says why the rules refuse an action. `server/admin/contract/refusal.ts` has the words. */
export type RuleRefusal =
  | { readonly code: 'expired' }
  /** The action is for records that stand as one of `from`. */
  | { readonly code: 'wrong_state'; readonly standing: Standing; readonly from: readonly Standing[] }
  | { readonly code: 'fence_at_limit' }
  /** A retry is to get the result of a run that succeeded. */
  | { readonly code: 'succeeded' }
  /** A run would go on from the finished steps, and they can not be read. */
  | { readonly code: 'steps_damaged' }
  | { readonly code: 'no_body' }
  | { readonly code: 'no_response' };

/** The state of a readable record by the store's clock: a record that has expired, or whose lease has lapsed, is told apart. */
export type Standing = KeyRecord['state'] | 'lapsed' | 'expired';

export const OPERATOR_ACTIONS = [
  'allow_retry',
  'rerun',
  'complete',
  'fail',
  'expire',
  'force_release',
  'purge_body',
] as const satisfies readonly OperatorAction[];

/** The operator types these words to confirm actions that can not be taken back. */
export const CONFIRM_WORDS: Readonly<Record<OperatorAction, string | null>> = {
  allow_retry: null,
  rerun: 'rerun',
  complete: null,
  fail: null,
  expire: 'expire',
  force_release: 'force',
  purge_body: 'purge',
};

export function standingOf(record: KeyRecord, now: Date): Standing {
  if (record.expiresAt <= now) return 'expired';
  return record.state === 'running' && record.leaseExpiresAt <= now ? 'lapsed' : record.state;
}

/** Says why the action can not be taken on the record as it stands; null when it can. */
export function refusalOf(action: OperatorAction, record: KeyRecord, now: Date): RuleRefusal | null {
  const standing = standingOf(record, now);
  if (standing === 'expired') return { code: 'expired' };
  const from = FROM[action];
  if (!from.includes(standing)) return { code: 'wrong_state', standing, from };
  // A record with a higher fence could not be read any more.
  if (record.fence >= HIGHEST_COUNT) return { code: 'fence_at_limit' };
  if (record.state !== 'completed') return null;
  if (action === 'purge_body') return hasBody(record) ? null : { code: 'no_body' };
  if (action !== 'allow_retry' && action !== 'rerun') return null;
  if (record.outcome !== 'error') return { code: 'succeeded' };
  return canBeReopened(record) ? null : { code: 'steps_damaged' };
}

/** Tells whether a run could go on from the record. A result can be read next to steps that are damaged; a run would repeat them. */
const canBeReopened = (record: CompletedRecord): boolean =>
  readRecord({ ...record, state: 'released' }) !== undefined;

/** Tells whether the effect may happen twice when the action is taken. */
export function mayRepeat(
  action: OperatorAction,
  record: { readonly state: KeyRecord['state']; readonly transactional?: boolean },
): boolean {
  switch (action) {
    case 'allow_retry':
    case 'rerun':
      // A run that released its key said that nothing happened; an open transaction has committed nothing.
      return record.state === 'running' ? record.transactional !== true : record.state !== 'released';
    case 'expire':
      return record.state !== 'released';
    case 'force_release':
      return true;
    case 'complete':
    case 'fail':
    case 'purge_body':
      return false;
    default:
      return action satisfies never;
  }
}

/**
 * The record after an operator's action, or why not. The new owner and the higher fence see to it that a late worker's
 * write can not apply. A record whose lease is alive is touched by `force_release` only.
 */
export function operated(record: KeyRecord, command: OperatorCommand, now: Date): Operated {
  const refusal = refusalOf(command.action, record, now);
  if (refusal) return { do: 'refuse', refusal };
  const marked = { ...record, ...markOf(record, command, now) };
  const kept = after(now, command.retentionMs);
  // Where a state is asserted, `FROM` has let no other one pass.
  switch (command.action) {
    case 'allow_retry':
    case 'rerun':
    case 'force_release':
      return { do: 'write', record: reopened(marked, kept) };
    case 'complete':
      return completed(marked as UnresolvedRecord, 'success', command, now, kept);
    case 'fail':
      return completed(marked as UnresolvedRecord, 'error', command, now, kept);
    case 'expire':
      return { do: 'write', record: { ...marked, expiresAt: now } };
    case 'purge_body':
      return { do: 'write', record: purged(marked as CompletedRecord) };
    default:
      return command.action satisfies never;
  }
}

const FROM: Readonly<Record<OperatorAction, readonly Standing[]>> = {
  allow_retry: ['completed', 'in_doubt', 'lapsed'],
  rerun: ['released', 'completed', 'in_doubt'],
  complete: ['in_doubt', 'lapsed'],
  fail: ['in_doubt', 'lapsed'],
  expire: ['completed', 'released'],
  force_release: ['running'],
  purge_body: ['completed'],
};

function markOf(record: KeyRecord, { action, by, reason, owner }: OperatorCommand, now: Date) {
  const fence = record.fence + 1;
  const { startedAt } = record;
  const entry: HistoryEntry = { event: 'operator', at: now, owner, fence, startedAt, reason, action, by };
  return { owner, fence, history: [...record.history, entry].slice(-HISTORY_LIMIT) };
}

/** Fingerprint, captured request and steps stay: the same request may run again, and no other. */
function reopened(record: KeyRecord & Endings, expiresAt: Date): ReleasedRecord {
  const { selection, outcome, response, completedAt, leaseExpiresAt, ...open } = record;
  return { ...open, state: 'released', expiresAt };
}

/** The fields that a record has in some of its states. */
type Endings = Partial<Omit<RunningRecord & Omit<CompletedRecord, 'state'>, 'state'>>;

function completed(
  record: UnresolvedRecord & { readonly leaseExpiresAt?: Date },
  outcome: Outcome,
  { response }: OperatorCommand,
  completedAt: Date,
  expiresAt: Date,
): Operated {
  if (!response) return { do: 'refuse', refusal: { code: 'no_response' } };
  const { leaseExpiresAt, ...rest } = record;
  return { do: 'write', record: { ...rest, state: 'completed', outcome, response, completedAt, expiresAt } };
}

/** The captured request holds the same secrets. Steps stay: without them a later run would repeat their effects. */
function purged(record: CompletedRecord): CompletedRecord {
  const { response, request } = record;
  return {
    ...record,
    ...(response !== undefined && purgedPart({ response: withoutBody(response) })),
    ...(request !== undefined && purgedPart({ request: withoutBody(request) })),
  };
}

/** Checks the names of fields: in a spread, TypeScript checks none. */
const purgedPart = (fields: Pick<CompletedRecord, 'response' | 'request'>) => fields;

function withoutBody(stored: unknown): StoredBody {
  const { format, bytes } = fieldsOf(stored);
  return {
    format: typeof format === 'string' ? format : 'unknown',
    bytes: typeof bytes === 'number' ? bytes : 0,
    omitted: 'purged',
  };
}

function hasBody({ response, request }: CompletedRecord): boolean {
  return [response, request].some((part) => fieldsOf(part).body !== undefined);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function after(now: Date, ms: number): Date {
  return new Date(Math.min(now.getTime() + ms, NEVER.getTime()));
}
