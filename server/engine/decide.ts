import type { IdempotencyErrorCode, ReasonOf } from './error-codes.ts';
import { ruleOf } from './fingerprint.ts';
import { wasInDoubt } from './lost-run.ts';
import {
  type CompletedRecord,
  type KeyRecord,
  type RunningRecord,
  readRecord,
  type StoredBody,
  type StoredRecord,
  type UnresolvedRecord,
  unreadableReason,
} from './record.ts';

/** A `ClaimRequest` is what one call asks of a key. It is made once per call; sending it again is safe because of `owner`. */
export interface ClaimRequest {
  /** Whose key it is. */
  readonly scope: string;
  /** The key, as the client sent it. */
  readonly key: string;
  /** The name of what is to be run. */
  readonly operation: string;
  /**
   * `rule:hash` of the arguments, one for each rule that this release knows, the one to write first: a
   * record is compared by the rule that it names, so a release with a new rule still replays old records.
   */
  readonly fingerprints: Hashes;
  /** The same of the selection set; undefined where a caller can not select (tRPC). */
  readonly selections?: Hashes;
  /** A UUID that names the call. */
  readonly owner: string;
  /** Lower bound of the fence, from the caller's wall clock in ms: keeps fences rising after a record is gone. */
  readonly seed: number;
  /** How long the lease lasts, in ms. */
  readonly leaseMs: number;
  /** A record that nobody finished is kept for this time; null keeps it until it is resolved. */
  readonly unresolvedRetentionMs: number | null;
  /** Says what a lapsed lease means. */
  readonly onCrash: 'in_doubt' | 'retry';
  /** True where the policy has a `resolve` function to ask about a doubt. */
  readonly resolves: boolean;
  /** True where the run is one transaction: nothing of it is kept before it is committed. */
  readonly transactional: boolean;
  /** Names the span of the call, where it is traced. */
  readonly traceparent?: string;
  /** The request itself, sealed, where the record is to hold it. */
  readonly captured?: StoredBody;
}

export type Hashes = readonly [current: string, ...older: string[]];

/** A `Decision` says what to do about a claim: one switch in `claim-loop.ts` carries it out. */
export type Decision =
  | { readonly do: 'claim'; readonly life: 'new' | 'kept' }
  | { readonly do: 'run'; readonly record: RunningRecord }
  | { readonly do: 'wait'; readonly record: RunningRecord }
  | {
      readonly do: 'take_over';
      readonly record: UnresolvedRecord;
      readonly to: 'running' | 'in_doubt' | 'ask';
    }
  | { readonly do: 'replay'; readonly record: CompletedRecord }
  | { readonly do: 'refuse'; readonly code: Refusal; readonly reason?: ReasonOf<Refusal> };

type Refusal = Extract<
  IdempotencyErrorCode,
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'IDEMPOTENCY_SELECTION_CHANGED'
  | 'IDEMPOTENCY_IN_DOUBT'
  | 'IDEMPOTENCY_RECORD_UNREADABLE'
  | 'IDEMPOTENCY_STORE_UNAVAILABLE'
>;

/**
 * The truth about a claim. `now` is the store's clock. The order matters: a record that can not be
 * understood is never written; an expired one is forgotten whatever it says; a reused key is told so
 * even while the first run is under way.
 */
export function decide(stored: StoredRecord | null, request: ClaimRequest, now: Date): Decision {
  if (stored === null) return { do: 'claim', life: 'new' };

  const record = readRecord(stored);
  if (!record)
    return { do: 'refuse', code: 'IDEMPOTENCY_RECORD_UNREADABLE', reason: unreadableReason(stored) };
  const match = compareHash(record.fingerprint, request.fingerprints);
  if (match === 'unknown rule')
    return { do: 'refuse', code: 'IDEMPOTENCY_RECORD_UNREADABLE', reason: 'rule' };
  if (record.expiresAt <= now) return { do: 'claim', life: 'new' };
  if (match === 'different') return { do: 'refuse', code: 'IDEMPOTENCY_KEY_REUSED' };
  return decideByState(record, request, now);
}

function decideByState(record: KeyRecord, request: ClaimRequest, now: Date): Decision {
  switch (record.state) {
    case 'running': {
      if (record.owner === request.owner) return { do: 'run', record };
      if (record.leaseExpiresAt > now) return { do: 'wait', record };
      // Nothing of an open transaction was committed, so running it again is always safe.
      if (record.transactional) return { do: 'take_over', record, to: 'running' };
      if (request.onCrash === 'retry' && !wasInDoubt(record))
        return { do: 'take_over', record, to: 'running' };
      return { do: 'take_over', record, to: request.resolves ? 'ask' : 'in_doubt' };
    }
    case 'completed':
      return decideReplay(record, request);
    case 'released':
      // Our own claim was given up and released; a copy of it that arrives late must not start anything.
      if (record.owner === request.owner) {
        return { do: 'refuse', code: 'IDEMPOTENCY_STORE_UNAVAILABLE', reason: 'given_up' };
      }
      return { do: 'claim', life: 'kept' };
    case 'in_doubt':
      if (request.resolves) return { do: 'take_over', record, to: 'ask' };
      return { do: 'refuse', code: 'IDEMPOTENCY_IN_DOUBT' };
    default:
      return record satisfies never;
  }
}

function decideReplay(record: CompletedRecord, request: ClaimRequest): Decision {
  const match = request.selections ? compareHash(record.selection, request.selections) : 'equal';
  switch (match) {
    case 'equal':
      return { do: 'replay', record };
    case 'different':
      return { do: 'refuse', code: 'IDEMPOTENCY_SELECTION_CHANGED' };
    case 'unknown rule':
      return { do: 'refuse', code: 'IDEMPOTENCY_RECORD_UNREADABLE', reason: 'rule' };
    default:
      return match satisfies never;
  }
}

/** Compares the hash of a record with those of a request. A record without a hash (released by its run) takes any request. */
export function compareHash(
  hash: string | undefined,
  wanted: Hashes,
): 'equal' | 'different' | 'unknown rule' {
  if (hash === undefined || wanted.includes(hash)) return 'equal';
  return wanted.some((known) => ruleOf(known) === ruleOf(hash)) ? 'different' : 'unknown rule';
}
