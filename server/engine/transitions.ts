import type { ClaimRequest } from './decide.ts';
import {
  type CompletedRecord,
  HISTORY_LIMIT,
  type HistoryEntry,
  type InDoubtRecord,
  type KeyRecord,
  LEASE_LAPSED,
  NEVER,
  type Outcome,
  RECORD_VERSION,
  type ReleasedRecord,
  type RunningRecord,
  type StoredBody,
  type StoredRecord,
  type StoredStep,
  type UnresolvedRecord,
} from './record.ts';

/** A `Settlement` says how a run ends. Times are in ms; null keeps the record until it is resolved. */
export type Settlement =
  | {
      readonly to: 'completed';
      readonly outcome: Outcome;
      readonly response: StoredBody;
      readonly retentionMs: number;
    }
  | { readonly to: 'released'; readonly reason: string; readonly retentionMs: number }
  | { readonly to: 'in_doubt'; readonly reason: string; readonly unresolvedRetentionMs: number | null };

/** The fields that say how long a running record lives. */
export interface LeaseTerms {
  /** How long the lease lasts, in ms. */
  readonly leaseMs: number;
  /** How long the record is kept once nobody has finished it, in ms; null keeps it until it is resolved. */
  readonly unresolvedRetentionMs: number | null;
}

/** A step to be recorded; its time is the store's, its attempt the record's. */
export type FinishedStep = Pick<StoredStep, 'name' | 'value'>;

/** The record after `decide` said `claim`. `previous` is null or expired for a new life. */
export function claimed(
  previous: KeyRecord | null,
  life: 'new' | 'kept',
  request: ClaimRequest,
  now: Date,
): RunningRecord {
  const fence = Math.max((previous?.fence ?? 0) + 1, request.seed);
  const kept = life === 'kept' ? previous : null;
  // An earlier capture stands for the same request only: a run that released its key may have had another one.
  const captured = request.captured ?? (kept?.fingerprint === undefined ? undefined : kept.request);
  return {
    scope: request.scope,
    key: request.key,
    operation: request.operation,
    fingerprint: request.fingerprints[0],
    ...(request.selections && given({ selection: request.selections[0] })),
    state: 'running',
    owner: request.owner,
    fence,
    life: kept?.life ?? fence,
    attempts: (kept?.attempts ?? 0) + 1,
    createdAt: kept?.createdAt ?? now,
    startedAt: now,
    ...leased(request, now),
    ...(request.transactional && given({ transactional: true })),
    ...(request.traceparent !== undefined && given({ traceparent: request.traceparent })),
    ...(captured !== undefined && given({ request: captured })),
    ...(kept?.steps && given({ steps: kept.steps })),
    history: kept?.history ?? [],
    v: RECORD_VERSION,
  };
}

/** Checks the names of fields that a record may lack: in a spread, TypeScript checks none. */
const given = (fields: Partial<RunningRecord>): Partial<RunningRecord> => fields;

/** The record after a lapsed or doubtful attempt was taken over by the caller, who then runs or asks. */
export function takenOver(record: KeyRecord, request: ClaimRequest, now: Date): RunningRecord {
  return {
    ...claimed(record, 'kept', request, now),
    history: withEntry(record, { event: 'taken_over', at: now, startedAt: record.startedAt }),
  };
}

/** The record after a claim found its lease lapsed. Owner and fence stay, so that a late result still settles it. */
export function lapsed(record: RunningRecord, request: ClaimRequest, now: Date): InDoubtRecord {
  const { unresolvedRetentionMs, owner: foundBy } = request;
  return leftInDoubt(record, { unresolvedRetentionMs, reason: LEASE_LAPSED, foundBy }, now);
}

/** Tells whether it was this request's write that put a lapsed record in doubt, also where only a copy of it was answered. */
export function wasPutInDoubtBy({ history }: StoredRecord, { owner }: Pick<ClaimRequest, 'owner'>): boolean {
  const entries: readonly unknown[] = Array.isArray(history) ? history : [];
  return entries.some((entry) => (entry as Partial<HistoryEntry> | null)?.foundBy === owner);
}

/** Tells whether `settlement` may be applied by this owner; the stores' filter says the same. */
export function maySettle(record: KeyRecord, settlement: Settlement): record is UnresolvedRecord {
  return record.state === 'running' || (record.state === 'in_doubt' && settlement.to === 'completed');
}

/**
 * A takeover makes a lapsed record `running` under another owner, or leaves it `in_doubt`; `asking` makes a record in doubt a running
 * one, for somebody to be asked about it.
 */
export type Takeover = 'running' | 'in_doubt' | 'asking';

/**
 * Tells whether the record may be taken over so. A lapsed record may be in doubt by now, for its owner may have put it there after the
 * caller saw its lease lapse: then nothing runs again unasked.
 */
export function mayTakeOver(record: KeyRecord, to: Takeover, now: Date): record is UnresolvedRecord {
  if (to === 'asking') return record.state === 'in_doubt';
  return record.state === 'running' && record.leaseExpiresAt <= now;
}

/** The record after its run has ended. Ask `maySettle` first. */
export function settled(
  record: UnresolvedRecord,
  settlement: Settlement,
  now: Date,
): CompletedRecord | ReleasedRecord | InDoubtRecord {
  switch (settlement.to) {
    case 'completed':
      return completed(record, settlement, now);
    case 'released':
      return released(record, settlement, now);
    case 'in_doubt':
      return leftInDoubt(record, settlement, now);
    default:
      return settlement satisfies never;
  }
}

type Ending<To extends Settlement['to']> = Omit<Extract<Settlement, { to: To }>, 'to'>;

function completed(record: UnresolvedRecord, ending: Ending<'completed'>, now: Date): CompletedRecord {
  return {
    ...withoutLease(record),
    state: 'completed',
    outcome: ending.outcome,
    response: ending.response,
    completedAt: now,
    expiresAt: after(now, ending.retentionMs),
    history:
      record.state === 'in_doubt' ? withEntry(record, { event: 'completed_late', at: now }) : record.history,
  };
}

/** A corrected input may use the key, unless steps of this one are to be skipped. */
function released(record: UnresolvedRecord, ending: Ending<'released'>, now: Date): ReleasedRecord {
  const { fingerprint, selection: _, ...rest } = withoutLease(record);
  const { startedAt } = record;
  return {
    ...rest,
    ...(record.steps?.length && { fingerprint }),
    state: 'released',
    expiresAt: after(now, ending.retentionMs),
    history: withEntry(record, { event: 'released', at: now, startedAt, reason: ending.reason }),
  };
}

function leftInDoubt(
  record: UnresolvedRecord,
  { unresolvedRetentionMs, reason, foundBy }: Ending<'in_doubt'> & Pick<HistoryEntry, 'foundBy'>,
  now: Date,
): InDoubtRecord {
  const { startedAt } = record;
  return {
    ...withoutLease(record),
    state: 'in_doubt',
    expiresAt: after(now, unresolvedRetentionMs),
    history: withEntry(record, {
      ...{ event: 'in_doubt', at: now, startedAt, reason },
      ...(foundBy !== undefined && { foundBy }),
    }),
  };
}

function withoutLease(record: UnresolvedRecord & { readonly leaseExpiresAt?: Date }) {
  const { leaseExpiresAt: _, ...rest } = record;
  return rest;
}

/**
 * The record after a claim was given up before its handler started. The first claim of a life leaves a tombstone. A later
 * one must not cut the life short: the next attempt would have neither its steps nor its downstream keys.
 */
export function givenUp(record: RunningRecord, tombstoneMs: number, now: Date): ReleasedRecord {
  const tombstone = released(record, { reason: GIVEN_UP, retentionMs: tombstoneMs }, now);
  return record.attempts > 1 ? { ...tombstone, expiresAt: record.expiresAt } : tombstone;
}

export const GIVEN_UP = 'given up';

/** A renewal that was held up may be applied after a later one: a lease never moves back. */
export function renewed(record: RunningRecord, terms: LeaseTerms, now: Date): RunningRecord {
  const latest = new Date(Math.max(record.leaseExpiresAt.getTime(), now.getTime() + terms.leaseMs));
  return { ...record, leaseExpiresAt: latest, expiresAt: after(latest, terms.unresolvedRetentionMs) };
}

/** The record with one more finished step. A name that is there already keeps its value. */
export function stepped(record: RunningRecord, step: FinishedStep, now: Date): RunningRecord {
  const { steps = [], attempts } = record;
  if (steps.some(({ name }) => name === step.name)) return { ...record };
  const { name, value } = step;
  return { ...record, steps: [...steps, { name, at: now, attempt: attempts, value }] };
}

function leased({ leaseMs, unresolvedRetentionMs }: LeaseTerms, now: Date) {
  const leaseExpiresAt = after(now, leaseMs);
  return { leaseExpiresAt, expiresAt: after(leaseExpiresAt, unresolvedRetentionMs) };
}

function after(from: Date, ms: number | null): Date {
  return ms === null ? NEVER : new Date(from.getTime() + ms);
}

function withEntry(record: KeyRecord, entry: Omit<HistoryEntry, 'owner' | 'fence'>): readonly HistoryEntry[] {
  const { event, at, ...rest } = entry;
  return [...record.history, { event, at, owner: record.owner, fence: record.fence, ...rest }].slice(
    -HISTORY_LIMIT,
  );
}
