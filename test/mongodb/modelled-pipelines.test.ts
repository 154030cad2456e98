import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClaimRequest, decide } from '../../server/engine/decide.ts';
import { type RunningRecord, readRecord, type StoredRecord } from '../../server/engine/record.ts';
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
} from '../../server/engine/transitions.ts';
import { createWrites, statementAt, type Write } from '../../server/mongodb/pipelines/statements.ts';
import { freshClaim, rivalOf } from '../../server/testing/contract/requests.ts';
import { carriedOut } from '../simulation/changes.ts';
import { type Doc, StatementFailed } from '../simulation/evaluate.ts';
import { asRead, eachDamage, generatedCases, holderOf, isModelled, NOW } from './generated-records.ts';

// These are the properties of pipelines.test.ts, on the model of the server that the simulation uses (test/simulation/model.test.ts holds that against a
// mongod): it needs no server and takes a moment, so that `npm run mutate` can play it for each mutant of the statements.

const CASES = 1_000;
const writes = createWrites(NOW);

/** What stands after a write; `any` where the rules say nothing. */
type Expected = StoredRecord | null | 'any';
type Rule = (record: StoredRecord | null, request: ClaimRequest) => Expected;

const running = (record: StoredRecord | null, next: (record: RunningRecord) => StoredRecord): Expected => {
  const current = record && readRecord(record);
  if (record && !current) return 'any';
  return current?.state === 'running' ? next(current) : record;
};

function afterClaim(record: StoredRecord | null, request: ClaimRequest): StoredRecord | undefined {
  const decision = decide(record, request, NOW);
  if (decision.do === 'run') return renewed(decision.record, request, NOW);
  if (decision.do !== 'claim') return undefined;
  return claimed(record && (readRecord(record) ?? null), decision.life, request, NOW);
}

function afterTakeover(to: Takeover): Rule {
  return (record, request) => {
    const current = record && readRecord(record);
    if (!current || !mayTakeOver(current, to, NOW)) return record;
    return to === 'in_doubt'
      ? lapsed(current as RunningRecord, request, NOW)
      : takenOver(current, request, NOW);
  };
}

const afterSettlement =
  (settlement: Settlement): Rule =>
  (record) => {
    const current = record && readRecord(record);
    if (record && !current) return 'any';
    return current && maySettle(current, settlement) ? settled(current, settlement, NOW) : record;
  };

const step = { name: 'charge', value: { format: 'step/1', body: '$$ROOT', bytes: 6 } };
const SETTLEMENTS: readonly Settlement[] = [
  {
    ...{ to: 'completed', outcome: 'error' },
    response: { format: 'test/1', body: '$$NOW', bytes: 5 },
    retentionMs: 3_600_000,
  },
  { to: 'released', reason: '$$ROOT', retentionMs: 3_600_000 },
  { to: 'in_doubt', reason: '$owner', unresolvedRetentionMs: 3_600_000 },
  { to: 'in_doubt', reason: 'kept', unresolvedRetentionMs: null },
];

type Row = [name: string, write: (request: ClaimRequest, record: StoredRecord | null) => Write, rule: Rule];
const ROWS: Row[] = [
  [
    'a first claim',
    (request) => writes.fresh(request),
    (record, request) => record ?? claimed(null, 'new', request, NOW),
  ],
  [
    'a claim',
    (request, record) => (record ? writes.claim(request, holderOf(request, record)) : writes.fresh(request)),
    (record, request) => afterClaim(record, request) ?? record,
  ],
  [
    'a claim that is given up',
    (request) => writes.giveUp(request),
    (record, request) => {
      const claim = afterClaim(record, request) as RunningRecord | undefined;
      return claim ? givenUp(claim, Math.max(request.leaseMs, 300_000), NOW) : record;
    },
  ],
  ...(['running', 'in_doubt', 'asking'] as const).map(
    (to): Row => [
      `a takeover to ${to}`,
      (request, record) => writes.takeOver(request, holderOf(request, record), to),
      afterTakeover(to),
    ],
  ),
  [
    'a renewal',
    (request, record) => writes.renew(holderOf(request, record), request),
    (record, request) => running(record, (current) => renewed(current, request, NOW)),
  ],
  [
    'a finished step',
    (request, record) => writes.step(holderOf(request, record), step),
    (record) => running(record, (current) => stepped(current, step, NOW)),
  ],
  ...SETTLEMENTS.map(
    (settlement): Row => [
      `a settlement: ${settlement.to}`,
      (request, record) =>
        settlement.to === 'completed' && record?.state === 'in_doubt'
          ? writes.late(holderOf(request, record), settlement)
          : writes.settle(holderOf(request, record), settlement),
      afterSettlement(settlement),
    ],
  ),
];

const mine = freshClaim();
const cases = [
  ...fc.sample(generatedCases.filter(isModelled), { numRuns: CASES, seed: 3 }),
  ...eachDamage(freshClaim()).filter(isModelled),
  // These are the caller's own claims: a first one, and one of a later attempt.
  ...[1, 2].map((attempts) => ({ request: mine, record: { ...claimed(null, 'new', mine, NOW), attempts } })),
].map(({ record, request }) => ({
  request,
  before: record && { scope: request.scope, key: request.key, ...asRead(record) },
}));

describe('on generated records, the statements do what the rules say, by the model of the server', () => {
  it.each(ROWS)('%s', (_, write, rule) => {
    for (const { before, request } of cases) {
      const wanted = rule(before, request);
      const after = byModel(before, write(request, before).statement);
      if (wanted === 'any') continue;
      if (!isDeepStrictEqual(seen(after), seen(wanted)))
        expect({ before, request, after }).toEqual({ before, request, after: wanted });
    }
  });
});

describe('by times of the server that are known', () => {
  const earliest = NOW.getTime() - 40;
  const times = { earliest, latest: NOW.getTime() };

  it('a first claim may be inserted: as the record that its upsert makes, but for a begin that is surely over', () => {
    for (const { request } of cases) {
      const { document, statement } = writes.fresh(request);
      const upserted = byModel(null, statement);
      const begun = { createdAt: new Date(earliest), startedAt: new Date(earliest) };
      expect(document?.(times)).toEqual({ ...upserted, ...begun });
      expect(Object.keys(document?.(times) ?? {}).sort()).toEqual(Object.keys(upserted ?? {}).sort());
    }
  });

  it('a completion may be a plain update, which does what its pipeline does, and no more', () => {
    const [completion] = SETTLEMENTS as [Settlement];
    for (const { before, request } of cases) {
      const { timed, statement } = writes.settle(holderOf(request, before), completion);
      const update = timed?.(times) ?? {};
      expect([update.q, update.collation]).toEqual([statement.q, statement.collation]);
      if (!before || readRecord(before)) expect(byModel(before, update)).toEqual(byModel(before, statement));
    }
  });

  it('the cheaper statement is sent where there is one, and the times are known', () => {
    const [completion] = SETTLEMENTS as [Settlement];
    const complete = writes.settle(holderOf(freshClaim(), null), completion);
    const claim = writes.fresh(freshClaim());
    expect(statementAt(complete, times)).toEqual(complete.timed?.(times));
    expect(statementAt(complete, undefined)).toBe(complete.statement);
    expect(statementAt(claim, times)).toBe(claim.statement);
  });

  it('no other settlement is', () => {
    for (const settlement of SETTLEMENTS.slice(1))
      expect(writes.settle(holderOf(freshClaim(), null), settlement).timed).toBeUndefined();
  });
});

// The effect of this statement is shown on a mongod (inserted-claims.test.ts, given-up.test.ts): the model knows no `$concat`.
it.each([
  ['a first claim', writes.fresh],
  ['a claim that is given up', writes.giveUp],
])('%s names the lock', (_, write) => {
  expect(write(freshClaim()).statement.hint).toEqual({ scope: 1, key: 1 });
});

it.each([
  ['a first claim', writes.fresh],
  ['a claim that is given up', writes.giveUp],
])('what %s has made without the lock leaves its key, and has expired, while its owner runs', (_, write) => {
  const request = freshClaim();
  const { scope, key, owner } = request;
  expect(write(request).aside?.()).toEqual({
    q: { scope, key, owner, state: 'running' },
    u: [
      {
        $set: {
          ...{ scope: 'latchkey', state: 'released', expiresAt: new Date(0) },
          key: { $concat: ['claimed without the lock: ', { $toString: '$_id' }] },
        },
      },
      { $unset: ['fingerprint', 'selection', 'leaseExpiresAt'] },
    ],
    multi: true,
    collation: { locale: 'simple' },
  });
});

describe('a statement is for the record that its caller saw', () => {
  const held = { ...claimed(null, 'new', freshClaim({ leaseMs: -1 }), NOW) };
  const doubted = settled(held, SETTLEMENTS[3] as Settlement, NOW);
  const released = settled(held, SETTLEMENTS[1] as Settlement, NOW);
  const rival = rivalOf(freshClaim({ scope: held.scope, key: held.key }));
  const STATES: Record<string, StoredRecord> = { 'a claim': released, 'a takeover to asking': doubted };

  it.each(ROWS.filter(([name]) => !['a first claim', 'a claim that is given up'].includes(name)))(
    '%s',
    (name, write) => {
      const record: StoredRecord = STATES[name] ?? held;
      const written = (seen: StoredRecord, request = rival) =>
        byModel(record, write(request, seen).statement);
      expect(written(record)).not.toEqual(record);
      for (const other of [{ owner: 'another' }, { fence: held.fence + 1 }])
        expect(written({ ...record, ...other })).toEqual(record);
      for (const other of [{ key: 'another' }, { scope: 'another' }])
        expect(write({ ...rival, ...other }, record).statement.q).toMatchObject(other);
    },
  );

  it('has the size of what it carries, and no constant that is undefined', () => {
    const body = { format: 'test/1', body: 'x'.repeat(1_000), bytes: 1_000 };
    const holder = holderOf(rival, held);
    const complete = (response: typeof body) =>
      writes.settle(holder, { to: 'completed', outcome: 'success', response, retentionMs: 1 }).bytes;
    const bare = complete({ ...body, body: '', bytes: 0 });
    expect(complete(body) - bare).toBeGreaterThanOrEqual(1_000);
    for (const write of [writes.fresh, writes.giveUp])
      expect(write({ ...rival, captured: body }).bytes - write(rival).bytes).toBeGreaterThanOrEqual(1_000);
    for (const { statement } of [writes.fresh(rival), writes.claim(rival, holder), writes.giveUp(rival)])
      expect(Object.values(statement.c as object)).not.toContain(undefined);
  });
});

/** As every reader sees it: a history that is none is an empty one, and a field that is undefined is not there. */
function seen(record: StoredRecord | null): unknown {
  const read = record && (readRecord(record) ?? record);
  return read && Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined));
}

function byModel(before: StoredRecord | null, statement: Doc): StoredRecord | null {
  try {
    const after = carriedOut(before && { _id: 'some id', ...before }, statement, NOW);
    if (!after) return before;
    const { _id, ...rest } = after;
    return rest;
  } catch (error) {
    if (error instanceof StatementFailed) return before;
    throw error;
  }
}
