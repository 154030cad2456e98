import type { Address } from './address.ts';
import type { ClaimRequest } from './decide.ts';
import type { StoredRecord, StoredStep } from './record.ts';
import type { Session } from './session.ts';
import type { CallsToNote, StatsDelta, SuspectedDuplicate } from './stats.ts';
import type { CommandListener } from './store-command.ts';
import type { FinishedStep, LeaseTerms, Settlement, Takeover } from './transitions.ts';

/** A `Held` names a claim that was won: every later write of its caller carries `owner` and `fence`. */
export interface Held {
  /** Whose key it is. */
  readonly scope: string;
  /** The key, as the client sent it. */
  readonly key: string;
  /** The name of the call that won. */
  readonly owner: string;
  /** The record's fence since that claim: it rises with each. */
  readonly fence: number;
  /** The fence of the first claim of this life. */
  readonly life: number;
  /** How many claims of this life were won, this one included. */
  readonly attempts: number;
  /** These steps were finished by earlier attempts of this life. Absent when there are none. */
  readonly steps?: readonly StoredStep[];
}

/** A record as it stands, with the store's own clock at the time of the read. */
export interface Snapshot {
  /** The record; null where there is none. */
  readonly record: StoredRecord | null;
  /** The time of the store. */
  readonly now: Date;
  /** The name by which operators find the record, where the store has an operators' page: it is told to the client of a key in doubt. */
  readonly id?: string;
}

/** A `ClaimAnswer` says whether a claim or a takeover was won. */
export type ClaimAnswer =
  | {
      readonly won: true;
      readonly held: Held;
      /** `performance.now()` when the winning write was sent: the lease is counted from there. */
      readonly sentAt: number;
    }
  /** Somebody else's, or not claimable: ask `decide`. `record` is null when it has gone meanwhile. */
  | ({
      readonly won: false;
      /** True where this very write has put a lapsed record in doubt. */
      readonly putInDoubt?: boolean;
    } & Snapshot);

/** `applied: false` says what stands instead; null when the record has gone. */
export type WriteAnswer =
  | { readonly applied: true }
  | {
      readonly applied: false;
      readonly stands: (Pick<Held, 'owner' | 'fence'> & { readonly state: string }) | null;
    };

export type Completion = Extract<Settlement, { to: 'completed' }>;

/** A commit ends in one of these ways. */
export type CommitAnswer =
  /** Durable, the effects and the completion. */
  | { readonly to: 'committed' }
  /** The transaction was rolled back; a new one may succeed. */
  | { readonly to: 'aborted'; readonly blame: Exclude<FailureKind, 'final'>; readonly error: unknown }
  /** The transaction was rolled back, because the record no longer belongs to this holder. */
  | { readonly to: 'stale' }
  /** The store can not tell yet, and may still commit it. The record will say. */
  | { readonly to: 'unknown'; readonly error: unknown };

/** Errors of a transaction are of one of these kinds. */
export type FailureKind =
  /** A conflict, an election, a lost connection: run it again. */
  | 'transient'
  /** The server no longer had the transaction: it was aborted by one of the above, for its age, or for an earlier error in it. */
  | 'gone'
  /** A new transaction would fail in the same way. */
  | 'final';

/** A transaction in which the handler of a held key runs. Nobody sees anything of it before it is committed. */
export interface Transaction {
  readonly session: Session;

  /**
   * Atomically: all that was written through `session`, and the completion as its last write. That is a compare-and-set
   * on owner, fence and state running; a write to the record from outside since the transaction began aborts it, too.
   * @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE when nothing of it is kept, and nothing would be in another one
   */
  commit(completion: Completion): Promise<CommitAnswer>;

  /** Rolls the transaction back; operations that are still sent through `session` fail. Waits for the store within its deadline. Never rejects. */
  abort(): Promise<void>;

  /** Tells whether the store still has the transaction. After an operation in it has failed, it has not, even if the handler caught that error. */
  isAlive(): Promise<boolean>;

  /** Tells what kind of failure an error is; undefined for an error that is not the store's. */
  blame(error: unknown): FailureKind | undefined;
}

/** So many keys need somebody's attention now. */
export interface KeysOfAttention {
  /** Keys that are in doubt. */
  readonly inDoubt: number;
  /** Runs whose lease has lapsed, and that no claim has found yet. */
  readonly lapsed: number;
  /** Records that have expired for more than five minutes, and are still there: the TTL monitor is behind, or stands still. */
  readonly expired: number;
  /** The counting stops there: a number that is as high may be higher. */
  readonly most: number;
}

/** Policies, and commands of operators, need this of a store. */
export interface StoreNeeds {
  /** True where a run is a transaction. */
  readonly transactions: boolean;
  /** True for a caller that only reads keys and writes nothing. Default false. */
  readonly readOnly?: boolean;
}

/**
 * A store keeps the records. Each write below is one atomic step on one record; nothing else about a store is
 * assumed. Every method rejects with IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE when the store did not answer within
 * its deadline, and with reason `closing` after `close`. A record that `readRecord` does not understand is never written.
 * The rules are in `latchkey/store`. `storeContract(...)` of `latchkey/testing` tries all of this but what is optional.
 *
 * @experimental a minor release may change what a store has to do
 */
export interface Store {
  /**
   * Creates or checks what the store needs (indexes, server version), and whether it has what policies need. Called
   * before the first claim; may be called again after it failed, and must then try again. What it rejects with, if not an
   * IdempotencyError, is a fault of the set-up that no waiting mends: its message says how to mend it.
   */
  ready(needs?: StoreNeeds): Promise<void>;

  /**
   * Atomically: if `decide` says `claim` for the record as it stands, it becomes `claimed(...)`; if the
   * record runs under this request's owner already, its lease is renewed; otherwise nothing is written.
   * Of any number of concurrent callers at most one wins. Safe to send again with the same owner.
   * When it rejects, the store has seen to it that a copy still under way can not leave a running record.
   */
  claim(request: ClaimRequest): Promise<ClaimAnswer>;

  /**
   * Sees to it, in the background and for as long as that takes, that this request's claim leaves no running record:
   * for a call that gives up before its handler starts. The record becomes `givenUp(...)`, a tombstone that outlives each copy
   * of the claim that may still arrive (docs/adr/0002-a-claim-given-up-leaves-a-tombstone.md). Never rejects.
   */
  giveUp(request: ClaimRequest): void;

  /**
   * Compare-and-set on `seen.owner`, `seen.fence` and `mayTakeOver` by the store's clock: `lapsed(...)` for `in_doubt`, which is
   * never `won`; `takenOver(...)` for the others.
   */
  takeOver(request: ClaimRequest, seen: Pick<Held, 'owner' | 'fence'>, to: Takeover): Promise<ClaimAnswer>;

  /** Compare-and-set on owner, fence and `maySettle`: the record becomes `settled(...)`. Durable once applied. */
  settle(held: Held, settlement: Settlement): Promise<WriteAnswer>;

  /** Compare-and-set on owner, fence and state running: `renewed(...)`. */
  renew(held: Held, terms: LeaseTerms): Promise<WriteAnswer>;

  /**
   * Compare-and-set on owner, fence and state running: `stepped(...)`. Durable once applied. Safe to send again, and next
   * to other steps of the same run: the first value of a name stands.
   */
  recordStep(held: Held, step: FinishedStep): Promise<WriteAnswer>;

  /**
   * Begins a transaction that sees the claim of `held`, and its last renewal. Not there in a store without transactions.
   * No renewal may be under way until it has ended: that would abort it.
   * @throws IdempotencyError IDEMPOTENCY_STORE_UNAVAILABLE
   */
  begin?(held: Held): Transaction;

  /**
   * Resolves once the record no longer runs under `seen`'s owner and fence, or its lease has lapsed, with what
   * stands then. Rejects with `signal.reason` when that aborts first. Reads only.
   */
  watch(seen: Pick<Held, 'scope' | 'key' | 'owner' | 'fence'>, signal: AbortSignal): Promise<Snapshot>;

  /**
   * Reads the record of a key, for a question about it. The `head` has all fields but the history and what a client or a handler
   * has sent: request, response and steps.
   * An expired record is given as it stands: the caller compares it with `now`. It costs the same whether or not there is a record.
   */
  read(address: Address, part: 'head' | 'whole'): Promise<Snapshot>;

  /**
   * Adds to the counts that the dashboard shows, and to the replays of the records: one write for all that a process counted
   * in some seconds. Not atomic and not durable: counts that are lost are lost. A store that shows nobody its records
   * has no need of it.
   */
  count?(delta: StatsDelta): Promise<void>;

  /**
   * Keeps for some time which calls were refused, and a sample of those that ran, and finds requests that came under several keys. Not
   * atomic and not durable, as `count`. A store that shows nobody its records has no need of it.
   */
  note?(calls: CallsToNote): Promise<readonly SuspectedDuplicate[]>;

  /**
   * Tells a listener of each command that the store sends, until the function that it returns is called. A store that has no commands has
   * no need of it.
   */
  observe?(listener: CommandListener): () => void;

  /** Counts the keys that need somebody's attention. It reads an index, and counts no further than it has to. */
  countAttention?(): Promise<KeysOfAttention>;

  /** Flushes what is queued within `timeoutMs`, then stops timers and refuses further calls. Who watches is rejected. Never closes the host's client. */
  close(timeoutMs: number): Promise<void>;
}
