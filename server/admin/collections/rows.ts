import type { KeyState, Outcome } from '../../engine/record.ts';
import type { Document } from '../../mongodb/database.ts';
import { IS_READABLE } from '../../mongodb/pipelines/record-guard.ts';
import type { KeyRow, ShownState } from '../contract/contract.ts';

const LONGEST_TEXT = 4_096;

/**
 * Reads a text as it is, and of anything else, or of an endless text, only what it is. Somebody may have edited the
 * record.
 */
export function shortText(path: string): Document {
  const type = { $type: path };
  const fits = { $lte: [{ $strLenBytes: path }, LONGEST_TEXT] };
  return {
    $switch: {
      branches: [
        // biome-ignore lint/suspicious/noThenProperty: the name of a field of $switch
        { case: { $ne: [type, 'string'] }, then: { $concat: ['(', type, ')'] } },
        // biome-ignore lint/suspicious/noThenProperty: the name of a field of $switch
        { case: fits, then: path },
      ],
      default: { $concat: ['(text of ', { $toString: { $strLenBytes: path } }, ' bytes)'] },
    },
  };
}

const NUMBERS = ['int', 'long', 'double', 'decimal'];
const number = (path: string) => ({ $cond: [{ $in: [{ $type: path }, NUMBERS] }, path, null] });
const date = (path: string) => ({ $cond: [{ $eq: [{ $type: path }, 'date'] }, path, null] });

/** A list shows these fields: never a body. */
export const ROW_FIELDS: Document = {
  _id: 1,
  now: '$$NOW',
  isReadable: IS_READABLE,
  state: shortText('$state'),
  outcome: shortText('$outcome'),
  scope: shortText('$scope'),
  key: shortText('$key'),
  operation: shortText('$operation'),
  owner: shortText('$owner'),
  life: number('$life'),
  fence: number('$fence'),
  attempts: number('$attempts'),
  replays: number('$replays'),
  createdAt: date('$createdAt'),
  startedAt: date('$startedAt'),
  completedAt: date('$completedAt'),
  leaseExpiresAt: date('$leaseExpiresAt'),
  expiresAt: date('$expiresAt'),
};

export function rowOf(found: Document): KeyRow {
  const startedAt = msOf(found.startedAt);
  const completedAt = msOf(found.completedAt);
  return {
    id: String(found._id),
    life: textOf(found.life),
    state: shownState(found),
    outcome: found.outcome === 'success' || found.outcome === 'error' ? (found.outcome as Outcome) : null,
    scope: String(found.scope),
    key: String(found.key),
    operation: String(found.operation),
    owner: String(found.owner),
    fence: textOf(found.fence),
    attempts: textOf(found.attempts),
    replays: textOf(found.replays ?? 0),
    createdAt: msOf(found.createdAt),
    startedAt,
    completedAt,
    leaseExpiresAt: msOf(found.leaseExpiresAt),
    expiresAt: msOf(found.expiresAt),
    durationMs: startedAt === null || completedAt === null ? null : Math.max(0, completedAt - startedAt),
  };
}

function shownState({ isReadable, state, expiresAt, leaseExpiresAt, now }: Document): ShownState {
  if (isReadable !== true) return 'unreadable';
  if ((expiresAt as Date) <= (now as Date)) return 'expired';
  if (state === 'running' && (leaseExpiresAt as Date) <= (now as Date)) return 'lapsed';
  return state as KeyState;
}

/** Writes a value as text, so that a number is exact also above 2^53. */
export function textOf(value: unknown): string {
  return value === null || value === undefined ? '' : String(value);
}

export function msOf(value: unknown): number | null {
  const ms = value instanceof Date ? value.getTime() : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}
