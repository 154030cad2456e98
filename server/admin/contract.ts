/**
 * The page and the CLI get their data in these types. The procedures themselves are in `AppRouter` (api/router.ts).
 * Times are milliseconds of the MongoDB server's clock.
 */
import type { KeyState, OperatorAction, Outcome } from '../engine/record.ts';

export type Role = 'viewer' | 'operator' | 'admin';

/** What `authorize` says of a request. Without `scopes` the operator sees all. */
export interface Operator {
  readonly id: string;
  readonly role: Role;
  readonly scopes?: readonly string[];
}

/** An operator, and how the command came. */
export interface Actor extends Operator {
  /** When it is not the dashboard's page: `command line, as root on host-1`. */
  readonly via?: string;
}

/** What a list shows as the state: what is stored, or what became of it since. */
export type ShownState = KeyState | 'lapsed' | 'expired' | 'unreadable';

export interface KeyFilter {
  /** `attention`: in doubt, lapsed, or completed with an error. */
  readonly state?: 'attention' | ShownState;
  readonly scope?: string;
  readonly operation?: string;
  readonly key?: string;
  /** Started at least / at most so long ago. */
  readonly olderThanMs?: number;
  readonly newerThanMs?: number;
  /** Started from this moment on / before that one, in ms since the epoch: the same keys whenever it is asked. */
  readonly startedFrom?: number;
  readonly startedBefore?: number;
  /** Completed with an error. */
  readonly error?: boolean;
}

/** 64-bit numbers as text: exact. `null` where a damaged record has no such field. */
export interface KeyRow {
  readonly id: string;
  readonly life: string;
  readonly state: ShownState;
  readonly outcome: Outcome | null;
  readonly scope: string;
  readonly key: string;
  readonly operation: string;
  readonly owner: string;
  readonly fence: string;
  readonly attempts: string;
  readonly replays: string;
  readonly createdAt: number | null;
  readonly startedAt: number | null;
  readonly completedAt: number | null;
  readonly leaseExpiresAt: number | null;
  readonly expiresAt: number | null;
  readonly durationMs: number | null;
}

export interface KeyPage {
  readonly rows: readonly KeyRow[];
  /** Passed back for the next page; null at the end. */
  readonly next: string | null;
  /** Of the newest row that this filter has now; passed to `keys.newer`. */
  readonly newest: string | null;
  readonly now: number;
  /** How far it looked: `complete` is false when a filter without an index stopped early; `next` then looks further. */
  readonly searched: { readonly records: number; readonly complete: boolean; readonly backTo: number | null };
}

/** What the operator saw: each action is a compare-and-set on it. */
export interface Seen {
  readonly id: string;
  readonly life: string;
  readonly owner: string;
  readonly fence: string;
  readonly state: KeyState;
}

export type ActionName = OperatorAction;

export interface OfferedAction {
  readonly action: ActionName;
  /** Why it can not be taken now; null when it can. */
  readonly refused: string | null;
  /** The word to be typed; null when none. */
  readonly confirm: string | null;
  /** Whether "the effect may happen twice" has to be ticked. */
  readonly mayRepeat: boolean;
}

export interface TimelineEntry {
  /** `claimed`, `completed`, `released`, `in_doubt`, `taken_over`, `late`, `operator`. */
  readonly event: string;
  readonly at: number | null;
  readonly startedAt: number | null;
  readonly fence: string;
  readonly owner: string;
  readonly reason: string | null;
  /** Of an operator's action. */
  readonly action: ActionName | null;
  readonly by: string | null;
  readonly current: boolean;
}

/** A stored body as it may be shown: cut to a size, secrets redacted. */
export interface BodyInfo {
  readonly format: string | null;
  readonly bytes: number;
  readonly omitted: string | null;
  readonly encrypted: boolean;
  /** What is wrong with it; null when nothing. */
  readonly damage: string | null;
}

export interface BodyText extends BodyInfo {
  readonly text: string | null;
  /**
   * UTF-8 length of the whole text; `bytes` is what is stored of it, compressed and encrypted. Null where that is not known
   * before all of it is expanded.
   */
  readonly textBytes: number | null;
  readonly cut: boolean;
  readonly redacted: boolean;
}

export interface KeyDetail extends KeyRow {
  readonly fingerprint: string | null;
  readonly selection: string | null;
  readonly transactional: boolean;
  readonly seen: Seen | null;
  /** One sentence: "In doubt: its lease lapsed 3 min ago, the effect is unknown". */
  readonly sentence: string;
  /** Newest first. */
  readonly timeline: readonly TimelineEntry[];
  readonly timelineIsCut: boolean;
  readonly steps: readonly { readonly name: string; readonly at: number | null; readonly bytes: number }[];
  readonly request: BodyInfo | null;
  readonly response: BodyInfo | null;
  /** The record as JSON (extended, so that types are seen), without bodies. */
  readonly raw: string;
  readonly damage: string | null;
  readonly actions: readonly OfferedAction[];
  readonly now: number;
}

export interface Preview {
  /** What the same request with this key would get now. */
  readonly decision: 'run' | 'wait' | 'replay' | 'refuse' | 'take_over';
  readonly code: string | null;
  readonly sentence: string;
  /** What a request with other arguments would get. */
  readonly otherPayload: string;
}

export interface DiffVersion {
  readonly label: string;
  readonly at: number | null;
  readonly text: string;
}

export interface ActionCommand {
  readonly action: ActionName;
  readonly seen: Seen;
  readonly reason: string;
  readonly confirm?: string;
  readonly mayRepeat?: boolean;
  /** JSON text of the data (mark_completed) or the message of the error (mark_failed). */
  readonly response?: string;
  /** Each command carries its own idempotency key. */
  readonly commandKey: string;
}

export type ActionResult =
  | {
      readonly done: true;
      readonly detail: KeyDetail;
      readonly note: string;
      /** A re-run was sent, and the key does not hold a success now. */
      readonly isProblem: boolean;
    }
  /** 409: what stands instead. */
  | { readonly done: false; readonly why: string; readonly detail: KeyDetail | null };

export interface DryRun {
  readonly possible: boolean;
  readonly why: string | null;
  readonly operation: string;
  readonly request: string | null;
  readonly principal: string | null;
}

export interface AuditEntry {
  readonly id: string;
  readonly at: number;
  readonly by: string;
  readonly role: string;
  /** How it was asked for, when it was not by the page: `command line, as root on host-1`. */
  readonly via: string | null;
  /**
   * An ActionName, or `reveal`, `export`, `audit_export`, `bulk_start`, `bulk_cancel`, `bulk_resume`. `bulk_plan`, and `act`
   * for an action that does not exist, are only ever refused.
   */
  readonly action: string;
  readonly reason: string;
  /** `intended`: it was begun, and nobody has written down how it ended. */
  readonly result: 'done' | 'refused' | 'intended';
  /** What came of it, what it was about, or why it was refused. */
  readonly note: string | null;
  readonly keyId: string | null;
  readonly scope: string | null;
  readonly key: string | null;
  readonly before: string | null;
  readonly after: string | null;
  readonly jobId: string | null;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  readonly next: string | null;
}

export type BulkAction = Extract<ActionName, 'allow_retry' | 'expire' | 'mark_failed'>;
export type JobState = 'planned' | 'running' | 'paused' | 'done' | 'cancelled';

export interface Job {
  readonly id: string;
  readonly action: BulkAction;
  readonly reason: string;
  readonly by: string;
  readonly state: JobState;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly total: number;
  /** The keys of the plan by their state, as they were planned. */
  readonly counts: readonly JobCount[];
  /** The word to be typed; null when none. */
  readonly confirm: string | null;
  /** Of how many keys the effect may happen twice. When there are any, that has to be ticked. */
  readonly mayRepeat: number;
  /** What the plan did not look at; null when it holds each key that matched and that the action is for. */
  readonly left: LeftOut | null;
  readonly done: number;
  readonly refused: number;
  /** What the keys had to match; null when they were selected one by one. */
  readonly filter: KeyFilter | null;
  /** How many were selected. What is gone, or what the action is not for, is not in the plan. */
  readonly selected: number | null;
  readonly sample: readonly KeyRow[];
}

export interface JobCount {
  readonly state: ShownState;
  readonly outcome: Outcome | null;
  readonly count: number;
  /** Whether the effect of these keys may happen twice. */
  readonly mayRepeat: boolean;
}

/** Why keys that match may be missing from a plan or an export. */
export interface LeftOut {
  /**
   * `full`: it holds as many keys as it may, and more may match. `unsearched`: no index finds what the filter asks for, and
   * the search ended at its bound.
   */
  readonly why: 'full' | 'unsearched';
  /** Records that were made before this moment were not looked at. Null when it is full, and not in the order of time. */
  readonly before: number | null;
}

export interface JobItem {
  readonly keyId: string;
  readonly scope: string;
  readonly key: string;
  readonly result: 'waiting' | 'done' | 'refused';
  readonly why: string | null;
}

export interface Count {
  readonly count: number;
  /** At least so many. */
  readonly capped: boolean;
}

export interface Overview {
  readonly now: number;
  readonly attention: { readonly inDoubt: Count; readonly lapsed: Count; readonly errors: Count };
  readonly running: Count;
  /** The operator sees some scopes only: counts over time are of all scopes, and left out. */
  readonly limited: boolean;
  /** Buckets of equal width, oldest first, from the processes' own counts. */
  readonly series: readonly {
    readonly from: number;
    readonly to: number;
    readonly success: number;
    readonly error: number;
    readonly released: number;
    readonly inDoubt: number;
    readonly replays: number;
    readonly p95Ms: number | null;
  }[];
  /** Replays / (replays + runs), null without either. */
  readonly replayRatio: number | null;
  readonly p95Ms: number | null;
  readonly operations: readonly {
    readonly operation: string;
    readonly runs: number;
    readonly errors: number;
    readonly replays: number;
    readonly p95Ms: number | null;
  }[];
}

export interface Me {
  readonly operator: { readonly id: string; readonly role: Role; readonly scopes: readonly string[] | null };
  readonly readOnly: boolean;
  readonly namespace: string;
  /** Formats that a replayer is registered for: `graphql/1`, `trpc/1`. */
  readonly replayers: readonly string[];
  readonly now: number;
}
