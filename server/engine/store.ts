import type { ClaimRequest } from './decide.ts';
import type { StoredRecord } from './record.ts';
import type { StatsDelta } from './stats.ts';
import type { Lease, Settlement } from './transitions.ts';

/** What a caller holds after it won a claim: every later write carries `owner` and `fence`. */
export interface Held {
  readonly scope: string;
  readonly key: string;
  readonly owner: string;
  readonly fence: number;
  readonly life: number;
  readonly attempts: number;
}

/** A record as it stands, with the store's own clock at the time of the read. */
export interface Snapshot {
  readonly record: StoredRecord | null;
  readonly now: Date;
}

export type ClaimAnswer =
  | {
      readonly won: true;
      readonly held: Held;
      /** `performance.now()` when the winning write was sent: the lease is counted from there. */
      readonly sentAt: number;
    }
  /** Somebody else's, or not claimable: ask `decide`. `record` is null when it has gone meanwhile. */
  | ({ readonly won: false } & Snapshot);

/** `applied: false` says what stands instead; null when the record has gone. */
export type WriteAnswer =
  | { readonly applied: true }
  | {
      readonly applied: false;
      readonly stands: (Pick<Held, 'owner' | 'fence'> & { readonly state: string }) | null;
    };

/**
 * Where records live. Each write below is one atomic step on one record; nothing else about a store is
 * assumed. Every method rejects with IdempotencyError STORE_UNAVAILABLE when the store did not answer within
 * its deadline. The contract is `test/contracts/store-contract.ts`.
 */
export interface Store {
  /**
   * Creates or checks what the store needs (indexes, server version). Called before the first claim; may be
   * called again after it failed, and must then try again.
   */
  ready(): Promise<void>;

  /**
   * Atomically: if `decide` says `claim` for the record as it stands, it becomes `claimed(...)`; if the
   * record runs under this request's owner already, its lease is renewed; otherwise nothing is written.
   * Of any number of concurrent callers at most one wins. Safe to send again with the same owner.
   * When it rejects, the store has seen to it that a copy still under way can not leave a running record.
   */
  claim(request: ClaimRequest): Promise<ClaimAnswer>;

  /**
   * Sees to it, in the background and for as long as that takes, that this request's claim leaves no running record:
   * for a call that gives up before its handler starts. Never rejects.
   */
  abandon(request: ClaimRequest): void;

  /**
   * Compare-and-set on `seen.owner`, `seen.fence` and `mayTakeOver` by the store's clock: `takenOver(...)` for
   * `running`, `lapsed(...)` for `in_doubt`. `won` only for `running`.
   */
  takeOver(
    request: ClaimRequest,
    seen: Pick<Held, 'owner' | 'fence'>,
    to: 'running' | 'in_doubt',
  ): Promise<ClaimAnswer>;

  /** Compare-and-set on owner, fence and `maySettle`: the record becomes `settled(...)`. Durable once applied. */
  settle(held: Held, settlement: Settlement): Promise<WriteAnswer>;

  /** Compare-and-set on owner, fence and state running: `renewed(...)`. */
  renew(held: Held, lease: Lease): Promise<WriteAnswer>;

  /**
   * Resolves once the record no longer runs under `seen`'s owner and fence, or its lease has lapsed, with what
   * stands then. Rejects with `signal.reason` when that aborts first. Reads only.
   */
  watch(seen: Pick<Held, 'scope' | 'key' | 'owner' | 'fence'>, signal: AbortSignal): Promise<Snapshot>;

  /**
   * Adds to the counts that the dashboard shows, and to the replays of the records: one write for all that a process counted
   * in some seconds. Not atomic and not durable: counts that are lost are lost. A store that shows nobody its records
   * has no need of it.
   */
  count?(delta: StatsDelta): Promise<void>;

  /** Flushes what is queued within `timeoutMs`, then stops timers and refuses further calls. Never closes the host's client. */
  close(timeoutMs: number): Promise<void>;
}
