import type { ClaimRequest } from './decide.ts';
import {
  HISTORY_LIMIT,
  type HistoryEntry,
  type KeyRecord,
  NEVER,
  type Outcome,
  RECORD_VERSION,
  type RunningRecord,
  type StoredBody,
  type StoredRecord,
  type StoredStep,
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
  | { readonly to: 'in_doubt'; readonly reason: string; readonly abandonedRetentionMs: number | null };

/** The fields that say how long a running record lives. */
export interface LeaseTerms {
  readonly leaseMs: number;
  readonly abandonedRetentionMs: number | null;
}

/** A step to be recorded; its time is the store's, its attempt the record's. */
export type FinishedStep = Pick<StoredStep, 'name' | 'value'>;

/** The record after `decide` said `claim`. `previous` is null or expired for a new life. */
export function claimed(
  previous: KeyRecord | null,
  life: 'new' | 'kept',
  request: ClaimRequest,
  now: Date,
): StoredRecord {
  const fence = Math.max((previous?.fence ?? 0) + 1, request.seed);
  const kept = life === 'kept' ? previous : null;
  // An earlier capture stands for the same request only: a run that released its key may have had another one.
  const captured = request.captured ?? (kept?.fingerprint === undefined ? undefined : kept.request);
  return {
    scope: request.scope,
    key: request.key,
    operation: request.operation,
    fingerprint: request.fingerprints[0],
    ...(request.selections && { selection: request.selections[0] }),
    state: 'running',
    owner: request.owner,
    fence,
    life: kept?.life ?? fence,
    attempts: (kept?.attempts ?? 0) + 1,
    createdAt: kept?.createdAt ?? now,
    startedAt: now,
    ...leased(request, now),
    ...(request.transactional && { transactional: true }),
    ...(captured !== undefined && { request: captured }),
    ...(kept?.steps && { steps: kept.steps }),
    history: kept?.history ?? [],
    v: RECORD_VERSION,
  };
}

/** The record after a lapsed or doubtful attempt was taken over by the caller, who then runs or asks. */
export function takenOver(record: KeyRecord, request: ClaimRequest, now: Date): StoredRecord {
  return {
    ...claimed(record, 'kept', request, now),
    history: withEntry(record, { event: 'taken_over', at: now, startedAt: record.startedAt }),
  };
}

/** The record after a claim found its lease lapsed. Owner and fence stay, so that a late result still settles it. */
export function lapsed(record: RunningRecord, request: ClaimRequest, now: Date): StoredRecord {
  const { leaseExpiresAt: _, ...rest } = record;
  return {
    ...rest,
    state: 'in_doubt',
    expiresAt: after(now, request.abandonedRetentionMs),
    history: withEntry(record, {
      event: 'in_doubt',
      at: now,
      startedAt: record.startedAt,
      reason: LEASE_LAPSED,
    }),
  };
}

export const LEASE_LAPSED = 'lease lapsed';

/** Tells whether `settlement` may be applied by this owner; the stores' filter says the same. */
export function maySettle(state: KeyRecord['state'], settlement: Settlement): boolean {
  return state === 'running' || (state === 'in_doubt' && settlement.to === 'completed');
}

/**
 * Tells whether the record may be taken over. A record in doubt may be, only to ask a resolver about it: its owner may have put it there
 * after the caller saw its lease lapse, and then nothing runs again unasked.
 */
export function mayTakeOver(
  record: KeyRecord,
  request: ClaimRequest,
  to: 'running' | 'in_doubt',
  now: Date,
): boolean {
  if (record.state === 'running') return record.leaseExpiresAt <= now;
  return record.state === 'in_doubt' && to === 'running' && request.onAbandoned === 'ask';
}

export function settled(record: KeyRecord, settlement: Settlement, now: Date): StoredRecord {
  const { leaseExpiresAt: _, ...rest } = record as RunningRecord;
  switch (settlement.to) {
    case 'completed':
      return {
        ...rest,
        state: 'completed',
        outcome: settlement.outcome,
        response: settlement.response,
        completedAt: now,
        expiresAt: after(now, settlement.retentionMs),
        ...(record.state === 'in_doubt' && { history: withEntry(record, { event: 'late', at: now }) }),
      };
    case 'released': {
      // A corrected input may use the key, unless steps of this one are to be skipped.
      const { fingerprint, selection: __, ...open } = rest;
      return {
        ...open,
        ...(record.steps?.length ? { fingerprint } : {}),
        state: 'released',
        expiresAt: after(now, settlement.retentionMs),
        history: withEntry(record, {
          event: 'released',
          at: now,
          startedAt: record.startedAt,
          reason: settlement.reason,
        }),
      };
    }
    case 'in_doubt':
      return {
        ...rest,
        state: 'in_doubt',
        expiresAt: after(now, settlement.abandonedRetentionMs),
        history: withEntry(record, {
          event: 'in_doubt',
          at: now,
          startedAt: record.startedAt,
          reason: settlement.reason,
        }),
      };
    default:
      return settlement satisfies never;
  }
}

/**
 * The record after a claim was given up before its handler started. The first claim of a life leaves a tombstone. A later
 * one must not cut the life short: the next attempt would have neither its steps nor its downstream keys.
 */
export function givenUp(record: RunningRecord, tombstoneMs: number, now: Date): StoredRecord {
  const released = settled(record, { to: 'released', reason: GIVEN_UP, retentionMs: tombstoneMs }, now);
  return record.attempts > 1 ? { ...released, expiresAt: record.expiresAt } : released;
}

export const GIVEN_UP = 'given up';

/** A renewal that was held up may be applied after a later one: a lease never moves back. */
export function renewed(record: RunningRecord, terms: LeaseTerms, now: Date): StoredRecord {
  const latest = new Date(Math.max(record.leaseExpiresAt.getTime(), now.getTime() + terms.leaseMs));
  return { ...record, leaseExpiresAt: latest, expiresAt: after(latest, terms.abandonedRetentionMs) };
}

/** The record with one more finished step. A name that is there already keeps its value. */
export function stepped(record: RunningRecord, step: FinishedStep, now: Date): StoredRecord {
  const { steps = [], attempts } = record;
  if (steps.some(({ name }) => name === step.name)) return { ...record };
  const { name, value } = step;
  return { ...record, steps: [...steps, { name, at: now, attempt: attempts, value }] };
}

function leased({ leaseMs, abandonedRetentionMs }: LeaseTerms, now: Date) {
  const leaseExpiresAt = after(now, leaseMs);
  return { leaseExpiresAt, expiresAt: after(leaseExpiresAt, abandonedRetentionMs) };
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
