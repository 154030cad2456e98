import { describe, expect, test } from 'vitest';
import {
  failedToResolve,
  LEFT_IN_DOUBT,
  lostRunOf,
  TOOK_TOO_LONG,
  wasInDoubt,
} from '../../server/engine/lost-run.ts';
import type { HistoryEntry, RunningRecord, UnresolvedRecord } from '../../server/engine/record.ts';
import { claimed, lapsed, settled, takenOver } from '../../server/engine/transitions.ts';
import { claimOf } from '../../server/testing/contract/requests.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
const request = claimOf();

/** What happened to a key, a minute apart: a run begins at minute 0. */
type Event =
  | 'lapses'
  | { doubt: string }
  /** A retry takes the key over, to ask or to run. */
  | 'taken over';

function recordAfter(events: readonly Event[]): UnresolvedRecord {
  return events.reduce<UnresolvedRecord>(
    (record, event, index) => {
      const now = at(index + 1);
      if (event === 'taken over') return takenOver(record, request, now);
      if (event === 'lapses') return lapsed(record as RunningRecord, request, now);
      const settlement = { to: 'in_doubt', reason: event.doubt, unresolvedRetentionMs: null } as const;
      return settled(record, settlement, now) as UnresolvedRecord;
    },
    claimed(null, 'new', request, at(0)),
  );
}

const timeout = { doubt: 'timeout' };
const asked = (doubt: string): Event[] => ['taken over', { doubt }];
const many = Array.from({ length: 12 }, () => asked(LEFT_IN_DOUBT)).flat();

test.each<[string, Event[], { attempt: number; minute: number; reason?: string }]>([
  ['a run', [], { attempt: 1, minute: 0 }],
  ['a run that was left in doubt', [timeout], { attempt: 1, minute: 0, reason: 'timeout' }],
  ['a run whose lapse was seen', ['lapses'], { attempt: 1, minute: 0, reason: 'lease lapsed' }],
  [
    'a doubt that was asked about',
    [timeout, ...asked(LEFT_IN_DOUBT)],
    { attempt: 1, minute: 0, reason: 'timeout' },
  ],
  [
    'a doubt that was asked about several times',
    [timeout, ...asked(failedToResolve('down')), ...asked(TOOK_TOO_LONG), ...asked(LEFT_IN_DOUBT)],
    { attempt: 1, minute: 0, reason: 'timeout' },
  ],
  [
    'a lapsed run that was asked about',
    asked(LEFT_IN_DOUBT),
    { attempt: 1, minute: 0, reason: 'lease lapsed' },
  ],
  ['a retry after a crash', ['taken over'], { attempt: 2, minute: 1 }],
  ['a retry that was left in doubt', ['taken over', timeout], { attempt: 2, minute: 1, reason: 'timeout' }],
  [
    'a retry that was left in doubt and asked about',
    ['taken over', timeout, ...asked(LEFT_IN_DOUBT)],
    { attempt: 2, minute: 1, reason: 'timeout' },
  ],
  // The history no longer reaches back to the run: a time that is too early hides no effect.
  [
    'a doubt that was asked about more often than the history holds',
    [timeout, ...many],
    { attempt: 3, minute: 0 },
  ],
])('the lost run of %s', (_, events, { attempt, minute, reason }) => {
  expect(lostRunOf(recordAfter(events))).toEqual({ attempt, startedAt: at(minute), reason });
});

test('a reason of the developer’s own that reads like ours does not end in an error', () => {
  expect(lostRunOf(recordAfter([{ doubt: LEFT_IN_DOUBT }]))).toEqual({
    attempt: 1,
    startedAt: at(0),
    reason: undefined,
  });
});

describe('a running record', () => {
  test.each<[string, Event[], boolean]>([
    ['is a first run', [], false],
    ['took a lapsed run over', ['taken over'], false],
    ['took a doubt over', [timeout, 'taken over'], true],
    ['took a doubt over that had been asked about', [timeout, ...asked(LEFT_IN_DOUBT), 'taken over'], true],
    ['took a run over that had taken a doubt over', [timeout, 'taken over', 'taken over'], true],
  ])('that %s: was in doubt before: %#', (_, events, expected) => {
    expect(wasInDoubt(recordAfter(events))).toBe(expected);
  });
});

// No transition leads there, but somebody may have edited a record: what its history says last is what counts.
describe('whatever a history holds', () => {
  const entry = (event: HistoryEntry['event']): HistoryEntry => ({
    event,
    at: at(0),
    owner: 'x',
    fence: 1,
    reason: 'timeout',
  });
  const record = (state: UnresolvedRecord['state'], ...events: HistoryEntry['event'][]) =>
    ({ ...recordAfter([]), state, history: events.map(entry) }) as UnresolvedRecord;

  test.each<[boolean, UnresolvedRecord]>([
    [true, record('running', 'released', 'in_doubt', 'taken_over')],
    [false, record('in_doubt', 'in_doubt', 'taken_over')],
    [false, record('running', 'in_doubt')],
    [false, record('running', 'in_doubt', 'released')],
    [false, record('running', 'released', 'taken_over')],
    [false, record('running', 'taken_over')],
  ])('was in doubt before: %j, of %j', (expected, before) => {
    expect(wasInDoubt(before)).toBe(expected);
  });

  test('a run that is under way has no reason for a doubt', () => {
    expect(lostRunOf(record('running', 'in_doubt')).reason).toBeUndefined();
    expect(lostRunOf(record('in_doubt', 'in_doubt')).reason).toBe('timeout');
    expect(lostRunOf(record('in_doubt', 'in_doubt', 'released')).reason).toBeUndefined();
  });
});
