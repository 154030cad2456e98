import type { KeyRecord, KeyState, StoredRecord } from '../../engine/record.ts';

/** A `TestRecord` is what a test may want to know of the record of a key. @experimental */
export interface TestRecord {
  /** The scope of the key: whose it is. */
  readonly scope: string;
  /** The key. */
  readonly key: string;
  /** The name of the operation. */
  readonly operation: string;
  /** The state of the record. */
  readonly state: KeyState;
  /** Whether a completed run succeeded. */
  readonly outcome?: 'success' | 'error';
  /** 1 for a key that has run once. */
  readonly attempts: number;
  /** The names of the steps that are recorded, in their order. */
  readonly steps: readonly string[];
  /** When the lease of a running key lapses, by the store's clock. */
  readonly leaseExpiresAt?: Date;
  /** When the record is forgotten, by the store's clock. */
  readonly expiresAt: Date;
}

/** @param stored a record of the memory store, which holds none that can not be read */
export function testRecordOf(stored: StoredRecord): TestRecord {
  const record = stored as unknown as KeyRecord;
  const { scope, key, operation, state, attempts, expiresAt, steps = [] } = record;
  return {
    ...{ scope, key, operation, state, attempts, expiresAt },
    steps: steps.map(({ name }) => name),
    ...('outcome' in record && { outcome: record.outcome }),
    ...('leaseExpiresAt' in record && { leaseExpiresAt: record.leaseExpiresAt }),
  };
}
