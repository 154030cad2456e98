import type { Document } from './database.ts';
import type { Sending } from './sending.ts';

/** What the server said about one statement. */
export interface Acknowledgement {
  /** It made the record. */
  readonly inserted: boolean;
  /** It found its record, or made it. False: perhaps not; the server only says how many of a command did. */
  readonly matched: boolean;
  /** `performance.now()` when the copy that is acknowledged was sent. */
  readonly sentAt: number;
  /** A read at this time or later sees the effect. Undefined on a standalone server. */
  readonly operationTime: unknown;
}

export interface StatementError {
  readonly index: number;
  readonly code: number;
  readonly errmsg: string;
}

/** No driver helper: it would add a transaction number, and the side image that goes with it. */
export function updateCommand(collection: string, group: readonly Sending[], limitMs: number): Document {
  return {
    update: collection,
    updates: group.map(({ write }) => write.statement),
    ordered: false,
    writeConcern: { w: 'majority', wtimeout: limitMs },
    maxTimeMS: limitMs,
  };
}

/** By position in the command; a statement without an error is acknowledged. */
export function readReply(
  reply: Document,
  count: number,
  sentAt: number,
): (Acknowledgement | StatementError)[] {
  const { n, upserted, writeErrors, operationTime } = reply;
  const errors = (writeErrors ?? []) as StatementError[];
  const matched = n === count - errors.length;
  const answers: (Acknowledgement | StatementError)[] = new Array(count).fill({
    inserted: false,
    matched,
    sentAt,
    operationTime,
  });
  const inserted = { inserted: true, matched: true, sentAt, operationTime };
  for (const { index } of (upserted ?? []) as { index: number }[]) answers[index] = inserted;
  for (const error of errors) answers[error.index] = error;
  return answers;
}
