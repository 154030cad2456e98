/**
 * The record of one (scope, key), as every store holds it. Field names are the same in memory, in
 * MongoDB and in the dashboard. The records are type aliases: an interface could not be given as a {@link StoredRecord}.
 */
export type RecordBase = {
  readonly scope: string;
  readonly key: string;
  /** Root field names (`chargeCard`) or procedure path (`orders.create`); part of the fingerprint. */
  readonly operation: string;
  /** Names the call that holds the record. It is made once per call, and stays in the finished record. */
  readonly owner: string;
  /** Rises with each claim of this key, across lives too: a resource may refuse a lower one. */
  readonly fence: number;
  /** The fence of the first claim of this life. Expiry ends a life. */
  readonly life: number;
  /** Claims of this life. */
  readonly attempts: number;
  readonly createdAt: Date;
  readonly startedAt: Date;
  /** The record is forgotten at this time. Claims and reads enforce it; the TTL index only frees the space. */
  readonly expiresAt: Date;
  readonly transactional?: boolean;
  /** Names the span of the last run, where it was traced: W3C Trace Context, or whatever somebody made of it. */
  readonly traceparent?: unknown;
  /** The captured request, where `captureRequest` says so: a {@link StoredBody}, or whatever somebody made of it. */
  readonly request?: unknown;
  /**
   * The steps that were finished in this life, in that order. The list is never empty, and never there without the
   * fingerprint: another input must not go on from the steps of the first one.
   */
  readonly steps?: readonly StoredStep[];
  /** The ends of earlier attempts, oldest first, at most {@link HISTORY_LIMIT}. */
  readonly history: readonly HistoryEntry[];
  readonly v: 1;
};

/** A `HistoryEntry` says how an earlier attempt ended, or what an operator did. */
export interface HistoryEntry {
  readonly event: 'released' | 'in_doubt' | 'taken_over' | 'completed_late' | 'operator';
  readonly at: Date;
  readonly owner: string;
  readonly fence: number;
  readonly startedAt?: Date;
  readonly reason?: string;
  /** The owner of the claim that found this attempt with a lapsed lease, and put it in doubt. */
  readonly foundBy?: string;
  /** The operator's action, and in `by` the operator. */
  readonly action?: OperatorAction;
  readonly by?: string;
}

/** A finished step. Only its name can be relied on: the rest may be damaged, and is checked when it is asked for. */
export interface StoredStep {
  /** The name that the handler gave the step. */
  readonly name: string;
  /** The step was recorded at this time, by the store's clock. */
  readonly at: Date;
  /** The attempt of this life that finished the step. */
  readonly attempt: number;
  /** The value of the step, as it is stored. */
  readonly value: StoredBody;
}
export type OperatorAction =
  | 'allow_retry'
  | 'rerun'
  | 'complete'
  | 'fail'
  | 'expire'
  | 'force_release'
  | 'purge_body';

/** The record of a run that is under way, or whose process died. */
export type RunningRecord = RecordBase & {
  readonly state: 'running';
  readonly fingerprint: string;
  readonly selection?: string;
  readonly leaseExpiresAt: Date;
};

/** The record of a run that ended with an outcome: its retries get that. */
export type CompletedRecord = RecordBase & {
  readonly state: 'completed';
  readonly fingerprint: string;
  readonly selection?: string;
  readonly outcome: Outcome;
  readonly completedAt: Date;
  /** Missing or damaged when somebody edited the record: answered as IDEMPOTENCY_RESULT_NOT_RETAINED. */
  readonly response?: unknown;
};

/** The record of a run that ended without an effect: a retry runs. */
export type ReleasedRecord = RecordBase & {
  readonly state: 'released';
  /** Kept when an operator released it, or when steps have finished (the same request may run again); otherwise cleared. */
  readonly fingerprint?: string;
};

/** The record of a run of which nobody knows whether it had its effect: nothing runs before somebody has decided. */
export type InDoubtRecord = RecordBase & {
  readonly state: 'in_doubt';
  readonly fingerprint: string;
  readonly selection?: string;
};

/** Nobody has written down yet how the run of this record ended. */
export type UnresolvedRecord = RunningRecord | InDoubtRecord;
/** A `KeyRecord` is the record of one key as a store holds it, in one of its states. Its fields are for operators to read. */
export type KeyRecord = RunningRecord | CompletedRecord | ReleasedRecord | InDoubtRecord;
/** A `KeyState` is the state of a record. A minor release may add one. */
export type KeyState = KeyRecord['state'];
/** An `Outcome` says how a handler ended. */
export type Outcome = 'success' | 'error';

/** A record as it was found: any field may be missing, of another type, or of another release. */
export type StoredRecord = Readonly<Record<string, unknown>>;

/** A request, the answer of a completed record, or the value of a step, as it is stored. */
export interface StoredBody {
  /** The codec that wrote it, with its version: `graphql/1`, `trpc/1 as 0d6e4079` (which names the transformer). */
  readonly format: string;
  /**
   * Text, never BSON: user data may hold `$`, dots, Dates and undefined. In base64 with `encoding` or `cipher`. Absent when
   * `omitted`, but for `redacted`: then it is for operators to read, and no answer.
   */
  readonly body?: string;
  /** UTF-8 length of `body` as it is stored; of one that was too large, as it would have been, where that is known. */
  readonly bytes: number;
  /** Says why there is no body to answer with. */
  readonly omitted?: Omission;
  /** The body was compressed (RFC 1950), before it was encrypted. */
  readonly encoding?: 'deflate';
  /** The body was encrypted. `iv` and `tag` are in base64. */
  readonly cipher?: { readonly keyId: string; readonly iv: string; readonly tag: string };
}

export const OMISSIONS = [
  'too_large',
  'unserializable',
  'purged',
  /** `redact` removed something, or all of it. */
  'redacted',
  /** `retain: 'outcome'` */
  'not_kept',
  /** The developer's `cipher` or `redact` failed. */
  'unsealed',
] as const;
/** An `Omission` says why there is no body to answer with. */
export type Omission = (typeof OMISSIONS)[number];

export const RECORD_VERSION = 1;
export const HISTORY_LIMIT = 20;
/** The reason in the history of a record that a claim found with a lapsed lease. */
export const LEASE_LAPSED = 'lease lapsed';
/** The highest fence, life and number of attempts. Each claim counts on from there, and a number above it would no longer be exact. */
export const HIGHEST_COUNT = Number.MAX_SAFE_INTEGER - 1;
/**
 * The result and steps of one record may have so many bytes together. A MongoDB document holds 16 MiB; the captured request and
 * the rest need some of that.
 */
export const RECORD_ROOM_BYTES = 15 * 1_048_576;
/** `expiresAt` of what is kept until somebody resolves it. */
export const NEVER = new Date('9999-12-31T23:59:59.999Z');

type FieldType = 'string' | 'count' | 'date' | 'string?' | 'boolean?' | 'named?';

/**
 * The types a record must have to be trusted, as data: `readRecord` and the MongoDB claim pipeline both
 * build their check from this table, so they can not drift apart. A `?` allows the field to be missing.
 *
 * `steps` matters to a run that goes on from them. If they can not be read, nobody knows what must not be done again.
 */
export const FIELD_TYPES: Readonly<Record<'every' | KeyState, Readonly<Record<string, FieldType>>>> = {
  every: {
    operation: 'string',
    owner: 'string',
    fence: 'count',
    life: 'count',
    attempts: 'count',
    createdAt: 'date',
    startedAt: 'date',
    expiresAt: 'date',
    transactional: 'boolean?',
  },
  running: { fingerprint: 'string', selection: 'string?', leaseExpiresAt: 'date', steps: 'named?' },
  completed: { fingerprint: 'string', selection: 'string?', completedAt: 'date', outcome: 'string' },
  released: { fingerprint: 'string?', steps: 'named?' },
  in_doubt: { fingerprint: 'string', selection: 'string?', steps: 'named?' },
};

/** The fields of a record that say what is known of its key. Bodies, which may be large, are not among them. */
export const HEAD_FIELDS: readonly string[] = [
  ...new Set([
    'scope',
    'key',
    'state',
    'v',
    ...Object.values(FIELD_TYPES).flatMap((fields) => Object.keys(fields)),
  ]),
].filter((field) => field !== 'steps');

/** The head of a record: these fields, as far as it has them. */
export function headOf(record: StoredRecord): StoredRecord {
  return Object.fromEntries(Object.entries(record).filter(([field]) => HEAD_FIELDS.includes(field)));
}

export const STATES = ['running', 'completed', 'released', 'in_doubt'] as const satisfies readonly KeyState[];

/** The record, if this release understands it; otherwise undefined, and nothing may be run or written. */
export function readRecord(stored: StoredRecord): KeyRecord | undefined {
  const state = STATES.find((known) => known === stored.state);
  if (state === undefined || stored.v !== RECORD_VERSION) return undefined;
  for (const fields of [FIELD_TYPES.every, FIELD_TYPES[state]]) {
    for (const [name, type] of Object.entries(fields)) {
      if (!hasType(stored[name], type)) return undefined;
    }
  }
  const history = Array.isArray(stored.history) ? stored.history : [];
  return { ...stored, history } as unknown as KeyRecord;
}

/** Says why {@link readRecord} does not understand a record. One of a newer version another process of the fleet may understand. */
export function unreadableReason({ v }: StoredRecord): 'newer_version' | 'type' {
  return typeof v === 'number' && v > RECORD_VERSION ? 'newer_version' : 'type';
}

function hasType(value: unknown, type: FieldType): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'string?':
      return value === undefined || typeof value === 'string';
    case 'boolean?':
      return value === undefined || typeof value === 'boolean';
    case 'count':
      return Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= HIGHEST_COUNT;
    case 'date':
      return value instanceof Date && !Number.isNaN(value.getTime());
    case 'named?':
      return (
        value === undefined || (Array.isArray(value) && value.every((one) => typeof one?.name === 'string'))
      );
    default:
      return type satisfies never;
  }
}
