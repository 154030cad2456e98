import fc from 'fast-check';
import { expect, expectTypeOf, it } from 'vitest';
import { OPERATOR_ACTIONS, operated } from '../../server/engine/operator.ts';
import {
  type CompletedRecord,
  type InDoubtRecord,
  type KeyRecord,
  type ReleasedRecord,
  type RunningRecord,
  readRecord,
} from '../../server/engine/record.ts';
import {
  claimed,
  givenUp,
  lapsed,
  maySettle,
  mayTakeOver,
  renewed,
  type Settlement,
  settled,
  stepped,
  type Takeover,
  takenOver,
  wasPutInDoubtBy,
} from '../../server/engine/transitions.ts';
import { claimOf } from '../../server/testing/contract/requests.ts';
import { asRead, generatedCases, NOW } from '../mongodb/generated-records.ts';

const BODY = { format: 'test/1', body: '{}', bytes: 2 };
const SETTLEMENTS: readonly Settlement[] = [
  { to: 'completed', outcome: 'success', response: BODY, retentionMs: 1_000 },
  { to: 'released', reason: 'not yet', retentionMs: 1_000 },
  { to: 'in_doubt', reason: 'cut off', unresolvedRetentionMs: null },
];

/** All that may become of a record in the life that it is in, but for a new claim, which writes it anew. */
function successorsOf(record: KeyRecord): KeyRecord[] {
  const command = { by: 'ada', reason: 'asked for', owner: 'operator:1', retentionMs: 1_000, response: BODY };
  const request = claimOf();
  return [
    ...SETTLEMENTS.flatMap((ending) => (maySettle(record, ending) ? [settled(record, ending, NOW)] : [])),
    ...(record.state === 'running'
      ? [
          givenUp(record, 1_000, NOW),
          lapsed(record, request, NOW),
          renewed(record, request, NOW),
          stepped(record, { name: 'ship', value: BODY }, NOW),
        ]
      : []),
    ...OPERATOR_ACTIONS.flatMap((action) => {
      const result = operated(record, { ...command, action }, NOW);
      return result.do === 'write' ? [result.record] : [];
    }),
  ];
}

it('a record that is changed keeps the fields of a later release, and can be read', () => {
  let changed = 0;
  fc.assert(
    fc.property(generatedCases, ({ record: stored }) => {
      const record = stored && readRecord({ ...asRead(stored), later: { of: 'a later release' } });
      if (!record) return;
      for (const next of successorsOf(record)) {
        changed++;
        expect(readRecord(next)).toEqual(next);
        expect(next).toHaveProperty('later', { of: 'a later release' });
      }
    }),
    { numRuns: 500 },
  );
  expect(changed).toBeGreaterThan(100);
});

it('a claim names the span of its call, where that is traced, and not that of the call before', () => {
  const traced = claimed(null, 'new', claimOf({ traceparent: '00-aa-bb-01' }), NOW);
  expect(traced.traceparent).toBe('00-aa-bb-01');
  const released = settled(traced, SETTLEMENTS[1] as Settlement, NOW);
  expect(claimed(released, 'kept', claimOf(), NOW)).not.toHaveProperty('traceparent');
});

it('a record that is put in doubt says who found it lapsed, and nothing of that where its own run doubts', () => {
  const held = claimed(null, 'new', claimOf({ owner: 'first' }), NOW);
  const entry = { event: 'in_doubt', at: NOW, owner: 'first', fence: held.fence, startedAt: NOW };
  const found = lapsed(held, claimOf({ owner: 'finder' }), NOW);
  expect(found.history).toStrictEqual([{ ...entry, reason: 'lease lapsed', foundBy: 'finder' }]);
  const own = settled(held, SETTLEMENTS[2] as Settlement, NOW);
  expect(own.history).toStrictEqual([{ ...entry, reason: 'cut off' }]);
});

it('a claim that is given up leaves a tombstone, and cuts no life short that went on before it', () => {
  const first = claimed(null, 'new', claimOf(), NOW);
  expect(givenUp(first, 5_000, NOW).expiresAt).toEqual(new Date(NOW.getTime() + 5_000));
  const second = { ...first, attempts: 2 };
  expect(givenUp(second, 5_000, NOW).expiresAt).toEqual(first.expiresAt);
});

it.each<[boolean, unknown]>([
  [true, [{ event: 'in_doubt', foundBy: 'me' }]],
  [true, [{ event: 'in_doubt', foundBy: 'me' }, { event: 'completed_late' }]],
  [true, [null, 'damaged', { foundBy: 'me' }]],
  [false, [{ event: 'in_doubt', foundBy: 'another' }]],
  [false, [{ event: 'in_doubt' }]],
  [false, []],
  [false, undefined],
  [false, 'me'],
])('was put in doubt by this call: %j, by a history of %j', (expected, history) => {
  expect(wasPutInDoubtBy({ history }, { owner: 'me' })).toBe(expected);
});

const TAKEOVERS: Readonly<Record<string, readonly Takeover[]>> = {
  running: [],
  lapsed: ['running', 'in_doubt'],
  'lapsed this moment': ['running', 'in_doubt'],
  'in doubt': ['asking'],
  released: [],
  completed: [],
};

it.each(Object.entries(TAKEOVERS))('a record that is %s may be taken over to: %j', (name, allowed) => {
  const held = claimed(null, 'new', claimOf({ leaseMs: 1_000 }), NOW);
  const at = (ms: number) => new Date(NOW.getTime() + ms);
  const [complete, release, doubt] = SETTLEMENTS as [Settlement, Settlement, Settlement];
  const records: Record<string, [record: KeyRecord, now: Date]> = {
    running: [held, at(999)],
    lapsed: [held, at(5_000)],
    'lapsed this moment': [held, at(1_000)],
    // Their leases have lapsed long ago, too: whoever saw that may be late.
    'in doubt': [settled(held, doubt, NOW), at(5_000)],
    released: [settled(held, release, NOW), at(5_000)],
    completed: [settled(held, complete, NOW), at(5_000)],
  };
  const [record, now] = records[name] as [KeyRecord, Date];
  const takeovers = ['running', 'in_doubt', 'asking'] as const;
  expect(takeovers.filter((to) => mayTakeOver(record, to, now))).toEqual(allowed);
});

it('the type of a record after a transition is that of its state: a misspelt field does not compile', () => {
  expectTypeOf(claimed).returns.toEqualTypeOf<RunningRecord>();
  expectTypeOf(takenOver).returns.toEqualTypeOf<RunningRecord>();
  expectTypeOf(renewed).returns.toEqualTypeOf<RunningRecord>();
  expectTypeOf(stepped).returns.toEqualTypeOf<RunningRecord>();
  expectTypeOf(lapsed).returns.toEqualTypeOf<InDoubtRecord>();
  expectTypeOf(givenUp).returns.toEqualTypeOf<ReleasedRecord>();
  expectTypeOf(settled).returns.toEqualTypeOf<CompletedRecord | ReleasedRecord | InDoubtRecord>();
  // @ts-expect-error no such field
  expectTypeOf<RunningRecord>().toHaveProperty('leaseExpireAt');
});
