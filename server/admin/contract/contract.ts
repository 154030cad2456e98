/**
 * The page and the CLI get their data in these types. The procedures themselves are in `AppRouter` (api/router.ts).
 * Times are milliseconds of the MongoDB server's clock.
 */
import type { KeyState, OperatorAction, Outcome } from '../../engine/record.ts';
import type { OperatorScopes, Role } from './operator.ts';
import type { RefusalCode } from './refusal.ts';

/** A list shows this as the state: the stored state, or what became of it since. */
export type ShownState = KeyState | 'lapsed' | 'expired' | 'unreadable';

/** A `KeyFilter` says which keys a list shows. */
export interface KeyFilter {
  /** `attention` matches what is in doubt, lapsed, or completed with an error. */
  readonly state?: 'attention' | ShownState;
  readonly scope?: string;
  readonly operation?: string;
  readonly key?: string;
  /** The keys were started at least (`olderThanMs`) or at most (`newerThanMs`) so long ago. */
  readonly olderThanMs?: number;
  readonly newerThanMs?: number;
  /**
   * The keys were started from this moment on (`startedFrom`) or before that one (`startedBefore`), in ms since the
   * epoch: these are the same keys whenever they are asked for.
   */
  readonly startedFrom?: number;
  readonly startedBefore?: number;
  /** The keys were completed with an error. */
  readonly error?: boolean;
}

/**
 * A row is one key in a list. 64-bit numbers are text, so that they are exact. A field is `null` where a damaged
 * record does not have it.
 */
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
  /** The cursor leads to the next page when it is passed back; null at the end. */
  readonly next: string | null;
  /** The id is that of the newest row that the filter has now; it is passed to `keys.newer`. */
  readonly newest: string | null;
  readonly now: number;
  /**
   * The numbers say how far the search went: `complete` is false when a filter without an index stopped early; `next`
   * then looks further.
   */
  readonly searched: { readonly records: number; readonly complete: boolean; readonly backTo: number | null };
}

/** A `Sought` is one meaning of what somebody gave for a key: a record's id, or a key, of one scope or of any. */
export type Sought = { readonly recordId: string } | { readonly key: string; readonly scope?: string };

/** `FoundKeys` answers a search by a pasted text. */
export interface FoundKeys {
  /** The rows are the newest 50, newest first. Where there is one only, the page opens it. */
  readonly rows: readonly KeyRow[];
  /** This meaning of the text found the rows; null where none did. */
  readonly by: Sought | null;
  /** These meanings were tried, the last one being `by`. */
  readonly tried: readonly Sought[];
  /** Tells whether all records were looked at; false where no index finds a key alone in time. */
  readonly complete: boolean;
}

/** A `KeyAt` is where the page of a key is: `/keys/<id>/<life>`. */
export interface KeyAt {
  readonly id: string;
  readonly life: string;
}

/** The operator saw this: each action is a compare-and-set on it. */
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
  /** The text says why the action can not be taken now; null when it can. */
  readonly refused: string | null;
  /** The operator has to type this word; null when none. */
  readonly confirm: string | null;
  /** Tells whether the operator has to tick "the effect may happen twice". */
  readonly mayRepeat: boolean;
}

export interface TimelineEntry {
  /** The event is `claimed`, `completed`, `released`, `in_doubt`, `taken_over`, `completed_late` or `operator`. */
  readonly event: string;
  readonly at: number | null;
  readonly startedAt: number | null;
  readonly fence: string;
  readonly owner: string;
  readonly reason: string | null;
  /** The action is that of an operator's event; null for other events. */
  readonly action: ActionName | null;
  readonly by: string | null;
  readonly current: boolean;
}

/** A body is described as it may be shown: cut to a size, secrets redacted. */
export interface BodyInfo {
  readonly format: string | null;
  readonly bytes: number;
  readonly omitted: string | null;
  readonly encrypted: boolean;
  /** The text says what is wrong with the body; null when nothing is. */
  readonly damage: string | null;
}

export interface BodyText extends BodyInfo {
  readonly text: string | null;
  /**
   * The whole text has this length in UTF-8; `bytes` is the length of what is stored, compressed and encrypted. Null
   * where the length is not known before all of the text is expanded.
   */
  readonly textBytes: number | null;
  readonly cut: boolean;
  readonly redacted: boolean;
}

export interface KeyDetail extends KeyRow {
  readonly fingerprint: string | null;
  readonly selection: string | null;
  readonly transactional: boolean;
  /** The trace of the last run is at this address; null where the run was not traced, or nobody said where traces are. */
  readonly traceUrl: string | null;
  readonly seen: Seen | null;
  /** One sentence says how the key stands: "In doubt: its lease lapsed 3 min ago, the effect is unknown". */
  readonly sentence: string;
  /** The timeline has the newest entry first. */
  readonly timeline: readonly TimelineEntry[];
  readonly timelineIsCut: boolean;
  readonly steps: readonly { readonly name: string; readonly at: number | null; readonly bytes: number }[];
  readonly request: BodyInfo | null;
  readonly response: BodyInfo | null;
  /** The record is written as JSON (extended, so that types are seen), without bodies. */
  readonly raw: string;
  readonly damage: string | null;
  /**
   * These calls of the key were refused, the latest first, by code: a client asks why it gets 422. Counts are those of the last days, written
   * some seconds later, and may lack some.
   */
  readonly refusals: readonly Refusals[];
  /** Tells whether `keys.evidence` can ask a probe about this key. */
  readonly hasProbe: boolean;
  readonly actions: readonly OfferedAction[];
  readonly now: number;
}

/** `Refusals` counts the refused calls of a key that got one code. */
export interface Refusals {
  /** The code is one of an IdempotencyError: `IDEMPOTENCY_KEY_REUSED`. */
  readonly code: string;
  readonly count: number;
  readonly lastAt: number;
}

/** A `DuplicateGroup` is one request, of one scope and with the same arguments, that ran under several keys within minutes. */
export interface DuplicateGroup {
  readonly scope: string;
  readonly operation: string;
  readonly lastAt: number;
  /** The calls are in their order, at most the last 10. `row` is the key as it stands now; null where it is gone. */
  readonly calls: readonly { readonly key: string; readonly at: number; readonly row: KeyRow | null }[];
}

/** `Duplicates` are the suspected duplicates of the last 24 hours, at most 50 groups, the latest first. They are found by a sample. */
export interface Duplicates {
  readonly now: number;
  readonly groups: readonly DuplicateGroup[];
}

export interface Preview {
  /** The same request with this key would get this decision now. */
  readonly decision: 'run' | 'wait' | 'replay' | 'refuse' | 'take_over';
  readonly code: string | null;
  readonly sentence: string;
  /** A request with other arguments would get this answer. */
  readonly otherPayload: string;
}

/** `Evidence` is what the probe of an operation says of the effect of a key. */
export interface Evidence {
  /** An action names its evidence by this id, within the hour. */
  readonly id: string;
  /** The probe is that of this operation. */
  readonly source: string;
  /** The probe answered at this time. */
  readonly at: number;
  /** The probe took so long, in ms. */
  readonly tookMs: number;
  /** Tells whether the effect is there. `unknown` says that the doubt stays; `summary` says why. */
  readonly found: 'yes' | 'no' | 'unknown';
  /** The sentence says what was found, or why nothing is known. */
  readonly summary: string;
  /** This is JSON that *Mark completed* can take over as the response; null where there is none. */
  readonly data: string | null;
  /** The page at the other service, of http or https; null where there is none. */
  readonly link: string | null;
}

/** `TakenEvidence` is what the audit keeps of the evidence that an operator acted upon. */
export type TakenEvidence = Pick<Evidence, 'source' | 'at' | 'found' | 'summary' | 'link'>;

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
  /** The operator gives the JSON text of the data (`complete`) or the message of the error (`fail`). */
  readonly response?: string;
  /** The operator acted upon this evidence: its id. `complete` takes its `data` where there is no `response`. */
  readonly evidence?: string;
  /** Each command carries its own idempotency key. */
  readonly commandKey: string;
}

export type ActionResult =
  | {
      readonly done: true;
      readonly detail: KeyDetail;
      readonly note: string;
      /** Tells whether a re-run was sent, and the key does not hold a success now. */
      readonly isProblem: boolean;
    }
  | {
      /** The action was not taken. */
      readonly done: false;
      /** The sentence gives the reason to a person, and the code to a program. */
      readonly why: string;
      readonly code: RefusalCode;
      /** The detail is the record that stands instead. */
      readonly detail: KeyDetail | null;
    };

export interface DryRun {
  readonly possible: boolean;
  readonly why: string | null;
  readonly operation: string;
  readonly request: string | null;
  readonly actsAs: string | null;
}

export interface AuditEntry {
  readonly id: string;
  readonly at: number;
  readonly by: string;
  readonly role: string;
  /**
   * The text says how the command came, when it was not from the dashboard's page: `command line, as root on host-1`.
   */
  readonly via: string | null;
  /**
   * The action is an ActionName, or `reveal`, `export`, `audit_export`, `bulk_start`, `bulk_cancel`, `bulk_resume`, `erase`.
   * `bulk_plan`, and `act` for an action that does not exist, are only ever refused.
   */
  readonly action: string;
  readonly reason: string;
  /** `intended` says that the command was begun, and that nobody has written down how it ended. */
  readonly result: 'done' | 'refused' | 'intended';
  /** The note says what came of the command, what it was about, or why it was refused. */
  readonly note: string | null;
  readonly keyId: string | null;
  readonly scope: string | null;
  readonly key: string | null;
  readonly before: string | null;
  readonly after: string | null;
  readonly jobId: string | null;
  /** The operator acted upon this evidence; null where none was named. */
  readonly evidence: TakenEvidence | null;
}

/** An `AuditFilter` says which entries of the audit are listed. */
export interface AuditFilter {
  readonly by?: string;
  readonly action?: string;
  readonly keyId?: string;
  readonly scope?: string;
  readonly key?: string;
  /** The entries are those of this bulk job: of its commands, and of each of its keys. */
  readonly jobId?: string;
  /** The entries were written from this moment on, in ms since the epoch. */
  readonly from?: number;
  /** The entries were written before this moment. */
  readonly before?: number;
  /** Each of these words is in the reason, the note, the name of who it was, the scope or the key; in any capitals. */
  readonly words?: string;
  /** True leaves out what bulk jobs did to single keys: a job is then the entry of its start, and `jobId` unfolds it. */
  readonly folded?: boolean;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  readonly next: string | null;
}

export interface Count {
  readonly count: number;
  /** Tells whether the count stopped at its bound: there are at least so many. */
  readonly capped: boolean;
}

/** `Attention` counts the keys that somebody should look at, within the operator's scopes. It is for a tile, and the title of the tab. */
export interface Attention {
  readonly now: number;
  readonly inDoubt: Count;
  readonly lapsed: Count;
  readonly errors: Count;
  /** So many requests ran under several keys in the last 24 hours: see `duplicates`. */
  readonly suspected: Count;
}

export interface Overview {
  readonly now: number;
  readonly attention: Omit<Attention, 'now'>;
  readonly running: Count;
  /** The operator sees some scopes only: counts over time are of all scopes, and are left out. */
  readonly limited: boolean;
  /** The series has buckets of equal width, oldest first, from the processes' own counts. */
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
  /** The ratio is replays / (replays + runs), null without either. */
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

/** `OperationCounts` are an operation's counts over a span of time, from the processes' own counts. */
export interface OperationCounts {
  /** The runs that ended: the four below together. */
  readonly runs: number;
  readonly success: number;
  readonly error: number;
  readonly released: number;
  readonly inDoubt: number;
  readonly replays: number;
  /** Runs by minute, over the whole span. */
  readonly perMinute: number;
  /** Half of the finished runs took no longer than this, in ms; null without any. A percentile is right to 19 %. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/** A `FailureGroup` are recent failures with one code, or one message where they have no code. */
export interface FailureGroup {
  /** Null where the error has none, or where the body can not be read here: it is encrypted, purged, or of another form. */
  readonly code: string | null;
  /** The message of the latest one, as a viewer may see it; null where it can not be read. */
  readonly message: string | null;
  readonly count: number;
  readonly latest: KeyRow;
}

/** `OperationPage` is what is known of one operation. Nothing is known of the time before its first count, nor of calls that were refused. */
export interface OperationPage {
  readonly now: number;
  readonly operation: string;
  /** Null for an operator of some scopes: counts over time are of all scopes. */
  readonly counts: OperationCounts | null;
  readonly series: Overview['series'];
  /** The groups are of the newest failures of the span that are still stored, the largest first. */
  readonly failures: readonly FailureGroup[];
  /** So many failures were read for the groups. */
  readonly failuresRead: number;
  readonly hasMoreFailures: boolean;
}

export interface Me {
  readonly operator: { readonly id: string; readonly role: Role; readonly scopes: OperatorScopes | null };
  readonly readOnly: boolean;
  readonly namespace: string;
  /** A rerunner is registered for each of these formats: `graphql/1`, `trpc/1`, `http/1`. */
  readonly rerunners: readonly string[];
  readonly now: number;
}
