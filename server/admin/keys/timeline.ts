import { OPERATOR_ACTIONS } from '../../engine/operator.ts';
import { HISTORY_LIMIT } from '../../engine/record.ts';
import type { Document } from '../../mongodb/database.ts';
import { msOf, textOf } from '../collections/rows.ts';
import type { KeyRow, TimelineEntry } from '../contract/contract.ts';

/** Makes the timeline of a record, newest first; the first entry is how things stand. */
export function timelineOf(record: Document, row: KeyRow): readonly TimelineEntry[] {
  const history = Array.isArray(record.history) ? record.history.map(entryOf) : [];
  const events = [...history, ...currentEntries(record, row)];
  const newest = events.pop();
  return newest ? [{ ...newest, current: true }, ...events.reverse()] : [];
}

export const timelineIsCut = (record: Document): boolean =>
  Array.isArray(record.history) && record.history.length >= HISTORY_LIMIT;

function entryOf(stored: unknown): TimelineEntry {
  const entry = (typeof stored === 'object' && stored !== null ? stored : {}) as Document;
  return {
    event: typeof entry.event === 'string' ? entry.event : '(damaged)',
    at: msOf(entry.at),
    startedAt: msOf(entry.startedAt),
    fence: textOf(entry.fence),
    owner: textOf(entry.owner),
    reason: typeof entry.reason === 'string' ? entry.reason : null,
    action: OPERATOR_ACTIONS.find((action) => action === entry.action) ?? null,
    by: typeof entry.by === 'string' ? entry.by : null,
    current: false,
  };
}

/** Makes the entries that are not in the record's history. The history already says why a record was released or in doubt. */
function currentEntries(record: Document, { state, startedAt, completedAt, fence }: KeyRow): TimelineEntry[] {
  const owner = textOf(record.owner);
  // An operator gave the record its state, and the history has an entry of that.
  if (owner.startsWith('operator:')) return [];
  const about = { startedAt, fence, owner, reason: null, action: null, by: null, current: false };
  if (completedAt !== null) return [{ event: 'completed', at: completedAt, ...about }];
  return state === 'running' || state === 'lapsed' ? [{ event: 'claimed', at: startedAt, ...about }] : [];
}
