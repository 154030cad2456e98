/**
 * The record of one (scope, key), as every store holds it. Field names are the same in memory, in
 * MongoDB and in the dashboard.
 */
export interface RecordBase {
  readonly scope: string;
  readonly key: string;
  /** Root field names (`chargeCard`) or procedure path (`orders.create`); part of the fingerprint. */
  readonly operation: string;
  /** One per call, made before its first attempt; stays in the finished record. */
  readonly owner: string;
  /** Rises with each claim of this key, across lives too: a resource may refuse a lower one. */
  readonly fence: number;
  /** The fence of the first claim of this life. Expiry ends a life. */
  readonly life: number;
  /** Claims of this life. */
  readonly attempts: number;
  readonly createdAt: Date;
  readonly startedAt: Date;
  /** When this record is forgotten. Enforced on claim and on read; the TTL index only frees the space. */
  readonly expiresAt: Date;
  readonly transactional?: boolean;
  /** How earlier attempts ended, oldest first, at most {@link HISTORY_LIMIT}. */
  readonly history: readonly HistoryEntry[];
  readonly v: 1;
}

/** What earlier attempts of a record left behind. */
export interface HistoryEntry {
  readonly event: 'released' | 'in_doubt' | 'taken_over' | 'late' | 'operator';
  readonly at: Date;
  readonly owner: string;
  readonly fence: number;
  readonly startedAt?: Date;
  readonly reason?: string;
  /** What an operator did, and who. */
  readonly action?: OperatorAction;
  readonly by?: string;
}

export type OperatorAction =
  | 'allow_retry'
  | 'rerun'
  | 'mark_completed'
  | 'mark_failed'
  | 'expire'
  | 'force_release'
  | 'purge_body';

export interface RunningRecord extends RecordBase {
  readonly state: 'running';
  readonly fingerprint: string;
  readonly selection?: string;
  readonly leaseExpiresAt: Date;
}

export interface CompletedRecord extends RecordBase {
  readonly state: 'completed';
  readonly fingerprint: string;
  readonly selection?: string;
  readonly outcome: Outcome;
  readonly completedAt: Date;
  /** Missing or damaged when somebody edited the record: answered as RESULT_NOT_RETAINED. */
  readonly response?: unknown;
}

export interface ReleasedRecord extends RecordBase {
  readonly state: 'released';
  /** Kept when an operator released it (the same request may run again), cleared when the run did. */
  readonly fingerprint?: string;
}

export interface InDoubtRecord extends RecordBase {
  readonly state: 'in_doubt';
  readonly fingerprint: string;
  readonly selection?: string;
}

export type KeyRecord = RunningRecord | CompletedRecord | ReleasedRecord | InDoubtRecord;
export type KeyState = KeyRecord['state'];
export type Outcome = 'success' | 'error';

/** A record as it was found: any field may be missing, of another type, or of another release. */
export type StoredRecord = Readonly<Record<string, unknown>>;

/** The stored answer of a completed record. */
export interface StoredResponse {
  /** The codec that wrote `body`, with its version: `graphql/1`, `trpc/1`. */
  readonly format: string;
  /** Text, never BSON: user data may hold `$`, dots, Dates and undefined. Absent when `omitted`. */
  readonly body?: string;
  /** UTF-8 length of the body, also when it was omitted. */
  readonly bytes: number;
  readonly omitted?: 'too_large' | 'unserializable' | 'purged';
}

export const RECORD_VERSION = 1;
export const HISTORY_LIMIT = 20;
/** `expiresAt` of what is kept until somebody resolves it. */
export const NEVER = new Date('9999-12-31T23:59:59.999Z');

type FieldType = 'string' | 'count' | 'date' | 'string?' | 'boolean?';

/**
 * The types a record must have to be trusted, as data: `readRecord` and the MongoDB claim pipeline both
 * build their check from this table, so they can not drift apart. A `?` allows the field to be missing.
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
  running: { fingerprint: 'string', selection: 'string?', leaseExpiresAt: 'date' },
  completed: { fingerprint: 'string', selection: 'string?', completedAt: 'date', outcome: 'string' },
  released: { fingerprint: 'string?' },
  in_doubt: { fingerprint: 'string', selection: 'string?' },
};

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

function hasType(value: unknown, type: FieldType): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'string?':
      return value === undefined || typeof value === 'string';
    case 'boolean?':
      return value === undefined || typeof value === 'boolean';
    case 'count':
      return Number.isSafeInteger(value) && (value as number) > 0;
    case 'date':
      return value instanceof Date && !Number.isNaN(value.getTime());
    default:
      return type satisfies never;
  }
}
