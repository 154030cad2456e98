import { describe, expect, test } from 'vitest';
import { type ClaimRequest, decide } from '../../server/engine/decide.ts';
import type { StoredRecord } from '../../server/engine/record.ts';
import { claimed, settled } from '../../server/engine/transitions.ts';
import { claimOf } from '../../server/testing/contract/requests.ts';

const NOW = new Date('2026-01-01T00:00:00Z');
const later = (ms: number) => new Date(NOW.getTime() + ms);

const base: StoredRecord = {
  scope: 's',
  key: 'k',
  operation: 'pay',
  owner: 'somebody',
  fence: 7,
  life: 5,
  attempts: 2,
  createdAt: later(-9_000),
  startedAt: later(-5_000),
  expiresAt: later(1_000),
  history: [],
  v: 1,
  fingerprint: 's1:aaaa',
};
const running = { ...base, state: 'running', leaseExpiresAt: later(500) };
const lapsed = { ...running, leaseExpiresAt: NOW };
const completed = { ...base, state: 'completed', outcome: 'success', completedAt: NOW };
const inDoubt = { ...base, state: 'in_doubt' };
/** A retry took a key in doubt over, to ask about it, and died. */
const asked = {
  ...lapsed,
  history: [
    { event: 'in_doubt', at: NOW, owner: 'first', fence: 5, reason: 'timeout' },
    { event: 'taken_over', at: NOW, owner: 'first', fence: 5 },
  ],
};
const { fingerprint: _, ...open } = base;
const releasedByRun = { ...open, state: 'released' };
const releasedByOperator = { ...base, state: 'released' };

const mine = { owner: 'somebody' };
const other = { fingerprints: ['s1:bbbb'] } as const;
const retry = { onCrash: 'retry' } as const;
const ask = { resolves: true } as const;

const table: [from: string, record: StoredRecord | null, request: Partial<ClaimRequest>, decision: object][] =
  [
    ['none', null, {}, { do: 'claim', life: 'new' }],
    ['expired, whatever its state', { ...running, expiresAt: NOW }, {}, { do: 'claim', life: 'new' }],
    [
      'expired, used for other arguments',
      { ...completed, expiresAt: NOW },
      other,
      { do: 'claim', life: 'new' },
    ],
    ['running, other arguments', running, other, { do: 'refuse', code: 'IDEMPOTENCY_KEY_REUSED' }],
    ['completed, other arguments', completed, other, { do: 'refuse', code: 'IDEMPOTENCY_KEY_REUSED' }],
    ['in doubt, other arguments', inDoubt, other, { do: 'refuse', code: 'IDEMPOTENCY_KEY_REUSED' }],
    ['lapsed, other arguments', lapsed, other, { do: 'refuse', code: 'IDEMPOTENCY_KEY_REUSED' }],
    ['running, own owner', running, mine, { do: 'run' }],
    ['lapsed, own owner', lapsed, mine, { do: 'run' }],
    ['running, live lease', running, {}, { do: 'wait' }],
    ['lapsed', lapsed, {}, { do: 'take_over', to: 'in_doubt' }],
    ['lapsed under retry', lapsed, retry, { do: 'take_over', to: 'running' }],
    ['lapsed under both', lapsed, { ...retry, ...ask }, { do: 'take_over', to: 'running' }],
    ['lapsed while it asked about a doubt', asked, {}, { do: 'take_over', to: 'in_doubt' }],
    ['lapsed while it asked, under retry', asked, retry, { do: 'take_over', to: 'in_doubt' }],
    ['lapsed while it asked, with a `resolve` function', asked, ask, { do: 'take_over', to: 'ask' }],
    ['lapsed while it asked, under both', asked, { ...retry, ...ask }, { do: 'take_over', to: 'ask' }],
    ['lapsed, with a `resolve` function', lapsed, ask, { do: 'take_over', to: 'ask' }],
    ['lapsed, transactional', { ...lapsed, transactional: true }, {}, { do: 'take_over', to: 'running' }],
    ['completed', completed, {}, { do: 'replay' }],
    ['completed with an error', { ...completed, outcome: 'error' }, {}, { do: 'replay' }],
    ['released by its run, other arguments', releasedByRun, other, { do: 'claim', life: 'kept' }],
    ['released by an operator', releasedByOperator, {}, { do: 'claim', life: 'kept' }],
    [
      'released by an operator, other arguments',
      releasedByOperator,
      other,
      { do: 'refuse', code: 'IDEMPOTENCY_KEY_REUSED' },
    ],
    [
      'released, own owner',
      releasedByRun,
      mine,
      { do: 'refuse', code: 'IDEMPOTENCY_STORE_UNAVAILABLE', reason: 'given_up' },
    ],
    ['in doubt', inDoubt, {}, { do: 'refuse', code: 'IDEMPOTENCY_IN_DOUBT' }],
    ['in doubt under retry', inDoubt, retry, { do: 'refuse', code: 'IDEMPOTENCY_IN_DOUBT' }],
    ['in doubt under both', inDoubt, { ...retry, ...ask }, { do: 'take_over', to: 'ask' }],
    ['in doubt, with a `resolve` function', inDoubt, ask, { do: 'take_over', to: 'ask' }],
  ];

test.each(table)('%s', (_from, record, request, decision) => {
  expect(decide(record, claimOf(request), NOW)).toMatchObject(decision);
});

describe('a record that this release does not understand is never run or written, even when it expired', () => {
  const damages: [string, StoredRecord][] = [
    ['a state of another release', { ...base, state: 'paused' }],
    ['no state', base],
    ['another version', { ...completed, v: 2 }],
    ['no version', { ...completed, v: undefined }],
    ['a text for a fence', { ...completed, fence: '7' }],
    ['a fence beyond exact integers', { ...completed, fence: 2 ** 53 }],
    ['a fence that no claim can count on from', { ...completed, fence: 2 ** 53 - 1 }],
    ['a life that is the last one', { ...completed, life: 2 ** 53 - 1 }],
    ['attempts that can not rise', { ...releasedByRun, attempts: 2 ** 53 - 1 }],
    ['a fence of zero', { ...completed, fence: 0 }],
    ['a fraction for attempts', { ...completed, attempts: 1.5 }],
    ['a text for a date', { ...completed, expiresAt: '2026' }],
    ['an impossible date', { ...completed, expiresAt: new Date(Number.NaN) }],
    ['null for an owner', { ...completed, owner: null }],
    ['null for a fingerprint', { ...releasedByRun, fingerprint: null }],
    ['no lease while running', { ...base, state: 'running' }],
    ['no fingerprint while completed', { ...completed, fingerprint: undefined }],
    ['an object where text is compared', { ...completed, fingerprint: { $gt: '' } }],
    ['case 25: a rule of another release', { ...completed, fingerprint: 's9:aaaa' }],
    ['case 25: a rule of another release, expired', { ...completed, fingerprint: 's9:aaaa', expiresAt: NOW }],
    ['a text for transactional', { ...running, transactional: 'yes' }],
    ['a text for steps while running', { ...running, steps: 'charge' }],
    ['null for steps, lapsed', { ...lapsed, steps: null }],
    ['a step without a name, released', { ...releasedByOperator, steps: [{ name: 'charge' }, {}] }],
    ['a step that is null, in doubt', { ...inDoubt, steps: [null] }],
    ['a step that is a list', { ...running, steps: [[{ name: 'charge' }]] }],
  ];
  test.each(damages)('%s', (_, record) => {
    expect(decide(record, claimOf(), NOW)).toMatchObject({
      do: 'refuse',
      code: 'IDEMPOTENCY_RECORD_UNREADABLE',
    });
  });
});

test.each<[string, string, StoredRecord]>([
  ['newer_version', 'a newer version', { ...completed, v: 2 }],
  ['type', 'an older version', { ...completed, v: 0 }],
  ['type', 'a version that is no number', { ...completed, v: '2' }],
  ['type', 'a damaged field', { ...completed, fence: '7' }],
  ['type', 'a state of another release', { ...base, state: 'paused' }],
  ['rule', 'a fingerprint of another release', { ...completed, fingerprint: 's9:aaaa' }],
  ['rule', 'a selection of another release', { ...completed, selection: 's9:aaaa' }],
])('the reason is %s for %s', (reason, _, record) => {
  expect(decide(record, claimOf({ selections: ['s1:aaaa'] }), NOW)).toEqual({
    do: 'refuse',
    code: 'IDEMPOTENCY_RECORD_UNREADABLE',
    reason,
  });
});

describe('case 25: a release with a new rule', () => {
  const upgraded = claimOf({ fingerprints: ['s2:cccc', 's1:aaaa'] });

  test('compares a record by the rule that it names, so honest retries go on', () => {
    expect(decide(completed, upgraded, NOW)).toMatchObject({ do: 'replay' });
    expect(decide(running, upgraded, NOW)).toMatchObject({ do: 'wait' });
    expect(decide({ ...completed, fingerprint: 's2:cccc' }, upgraded, NOW)).toMatchObject({ do: 'replay' });
  });

  test('still tells other arguments under either rule', () => {
    expect(decide({ ...completed, fingerprint: 's1:bbbb' }, upgraded, NOW)).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
    expect(decide({ ...completed, fingerprint: 's2:bbbb' }, upgraded, NOW)).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
  });

  test('writes its own rule', () => {
    expect(claimed(null, 'new', upgraded, NOW)).toMatchObject({ fingerprint: 's2:cccc' });
  });
});

describe('the selection', () => {
  const selected = { ...completed, selection: 's1:aaaa' };

  test('counts when a stored result would be returned', () => {
    expect(decide(selected, claimOf({ selections: ['s1:aaaa'] }), NOW)).toMatchObject({ do: 'replay' });
    expect(decide(selected, claimOf({ selections: ['s1:bbbb'] }), NOW)).toMatchObject({
      code: 'IDEMPOTENCY_SELECTION_CHANGED',
    });
    expect(decide(selected, claimOf({ selections: ['s9:aaaa'] }), NOW)).toMatchObject({
      code: 'IDEMPOTENCY_RECORD_UNREADABLE',
    });
  });

  test('does not count when nothing is returned', () => {
    const changed = claimOf({ selections: ['s1:bbbb'] });
    expect(decide({ ...running, selection: 's1:aaaa' }, changed, NOW)).toMatchObject({ do: 'wait' });
    expect(decide({ ...inDoubt, selection: 's1:aaaa' }, changed, NOW)).toMatchObject({
      code: 'IDEMPOTENCY_IN_DOUBT',
    });
  });
});

describe('fences', () => {
  test('rise with each claim, also when the caller’s clock is behind', () => {
    const kept = decide(releasedByRun, claimOf(), NOW);
    expect(kept).toEqual({ do: 'claim', life: 'kept' });
    expect(claimed(releasedByRun as never, 'kept', claimOf({ seed: 3 }), NOW)).toMatchObject({
      fence: 8,
      life: 5,
      attempts: 3,
    });
    expect(claimed(releasedByRun as never, 'kept', claimOf({ seed: 900 }), NOW)).toMatchObject({
      fence: 900,
      life: 5,
    });
  });

  test('start a new life above what an expired record had, and above what a reaped one had', () => {
    expect(claimed(completed as never, 'new', claimOf({ seed: 3 }), NOW)).toMatchObject({
      fence: 8,
      life: 8,
      attempts: 1,
    });
    expect(claimed(null, 'new', claimOf({ seed: 900 }), NOW)).toMatchObject({
      fence: 900,
      life: 900,
      attempts: 1,
    });
  });
});

test('case 27: the history keeps the last 20 entries', () => {
  let record: StoredRecord = claimed(null, 'new', claimOf(), NOW);
  for (let i = 1; i <= 50; i++) {
    record = settled(record as never, { to: 'released', reason: `${i}`, retentionMs: 1 }, NOW);
    record = claimed(record as never, 'kept', claimOf(), NOW);
  }
  const reasons = (record.history as { reason: string }[]).map((entry) => Number(entry.reason));
  expect(reasons).toEqual(Array.from({ length: 20 }, (_, i) => 31 + i));
});
