import type { ServerTimes } from '../clock-bounds.ts';
import type { Document } from '../database.ts';
import { statementAt } from '../pipelines/statements.ts';
import type { Acknowledgement, PendingWrite } from './pending-write.ts';

export interface StatementError {
  readonly index: number;
  readonly code: number;
  readonly errmsg: string;
  /** A validator of the collection says here what it refused. */
  readonly errInfo?: unknown;
  /** The index that has the value already, where that is the error. */
  readonly keyPattern?: Document;
}

/** A `StatementAnswer` is what the server said to one statement of a command. */
export type StatementAnswer = Acknowledgement | StatementError;

/**
 * An `Answer` is what the server said to one write. A write that was sent as a document to insert has two more. `upsert`: the document was
 * not taken, and the statement is to be sent for an answer. `undo`: it was inserted, and the lock is gone. It must be undone, unless
 * another copy of the write has its answer already; until then, nothing more may be sent for its owner.
 */
export type Answer = StatementAnswer | 'upsert' | { undo(): Promise<void> };

/**
 * @param times of the server, where they are known
 *
 * Makes the command itself: a helper of the driver would add a transaction number, and the server would have to keep a record of that, too. */
export function updateCommand(
  collection: string,
  group: readonly Pick<PendingWrite, 'write'>[],
  limitMs: number,
  times?: ServerTimes,
): Document {
  return {
    update: collection,
    updates: group.map(({ write }) => statementAt(write, times)),
    ordered: false,
    writeConcern: { w: 'majority', wtimeout: limitMs },
    maxTimeMS: limitMs,
  };
}

/** Reads the answers to a command's statements, in their order. A statement without an error is acknowledged. */
export function readReply(reply: Document, count: number, sentAt: number): StatementAnswer[] {
  const { n, upserted, writeErrors, operationTime } = reply;
  const errors = (writeErrors ?? []) as StatementError[];
  const matched = n === count - errors.length;
  const answers: StatementAnswer[] = new Array(count).fill({
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
