import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../server/engine/decide.ts';
import {
  CONFIRM_WORDS,
  isOperator,
  mayRepeat,
  OPERATOR_ACTIONS,
  type OperatorCommand,
  operated,
  type Standing,
  standingOf,
} from '../../server/engine/operator.ts';
import {
  HIGHEST_COUNT,
  type KeyRecord,
  NEVER,
  readRecord,
  type StoredRecord,
} from '../../server/engine/record.ts';
import { claimOf } from '../../server/testing/contract/requests.ts';
import { asRead, generatedCases, NOW } from '../mongodb/generated-records.ts';

const later = (ms: number) => new Date(NOW.getTime() + ms);

function recordOf(fields: Partial<Record<string, unknown>>): KeyRecord {
  const record = readRecord({
    scope: 'acme',
    key: 'k',
    operation: 'pay',
    fingerprint: 's1:aaaa',
    owner: 'worker',
    fence: 7,
    life: 5,
    attempts: 2,
    createdAt: later(-9_000),
    startedAt: later(-5_000),
    expiresAt: later(60_000),
    history: [],
    v: 1,
    request: { format: 'graphql/1', body: 'q', bytes: 1 },
    steps: [{ name: 's' }],
    ...fields,
  });
  if (!record) throw new TypeError('Expected a record that can be read');
  return record;
}

const done = {
  state: 'completed',
  completedAt: later(-1_000),
  response: { format: 'graphql/1', body: 'x', bytes: 1 },
};
const RECORDS = {
  running: recordOf({ state: 'running', leaseExpiresAt: later(1) }),
  lapsed: recordOf({ state: 'running', leaseExpiresAt: NOW }),
  'open transaction lapsed': recordOf({ state: 'running', leaseExpiresAt: NOW, transactional: true }),
  succeeded: recordOf({ ...done, outcome: 'success' }),
  failed: recordOf({ ...done, outcome: 'error' }),
  purged: recordOf({
    ...done,
    outcome: 'success',
    response: { format: 'graphql/1', bytes: 1, omitted: 'purged' },
    request: undefined,
  }),
  released: recordOf({ state: 'released' }),
  'in doubt': recordOf({ state: 'in_doubt' }),
  expired: recordOf({ ...done, outcome: 'error', expiresAt: NOW }),
};

const command = (action: OperatorCommand['action']): OperatorCommand => ({
  action,
  by: 'ada',
  reason: 'because it is',
  owner: 'operator:1',
  retentionMs: 1_000,
  response: { format: 'graphql/1', body: '{}', bytes: 2 },
});

/** By the table of the dashboard: the action, and the records that it may be taken on. */
const ALLOWED: Record<OperatorCommand['action'], (keyof typeof RECORDS)[]> = {
  allow_retry: ['failed', 'in doubt', 'lapsed', 'open transaction lapsed'],
  rerun: ['released', 'failed', 'in doubt'],
  complete: ['in doubt', 'lapsed', 'open transaction lapsed'],
  fail: ['in doubt', 'lapsed', 'open transaction lapsed'],
  expire: ['succeeded', 'failed', 'purged', 'released'],
  force_release: ['running'],
  purge_body: ['succeeded', 'failed'],
};

describe.each(OPERATOR_ACTIONS)('%s', (action) => {
  it.each(Object.keys(RECORDS) as (keyof typeof RECORDS)[])('on a record that is %s', (name) => {
    const result = operated(RECORDS[name], command(action), NOW);
    expect(result.do).toBe(ALLOWED[action].includes(name) ? 'write' : 'refuse');
  });
});

function write(name: keyof typeof RECORDS, action: OperatorCommand['action']): StoredRecord {
  const result = operated(RECORDS[name], command(action), NOW);
  if (result.do !== 'write') throw new Error(result.refusal.code);
  return result.record;
}

it('a new owner and a higher fence shut out the worker that held it, and the history says who did it', () => {
  for (const action of OPERATOR_ACTIONS) {
    const name = ALLOWED[action][0] as keyof typeof RECORDS;
    const { owner, fence, life, history } = write(name, action) as unknown as KeyRecord;
    expect({ owner, fence, life }).toEqual({ owner: 'operator:1', fence: 8, life: 5 });
    expect(history.at(-1)).toEqual({
      event: 'operator',
      at: NOW,
      owner: 'operator:1',
      fence: 8,
      startedAt: later(-5_000),
      reason: 'because it is',
      action,
      by: 'ada',
    });
  }
});

it.each(OPERATOR_ACTIONS)('%s on a record that has expired is refused for that', (action) => {
  for (const record of [RECORDS.expired, recordOf({ state: 'in_doubt', expiresAt: later(-1) })])
    expect(operated(record, command(action), NOW)).toEqual({ do: 'refuse', refusal: { code: 'expired' } });
});

describe('a refusal says why', () => {
  const ofFailed = { ...done, outcome: 'error' };
  it.each<[OperatorCommand['action'], KeyRecord, object]>([
    ['complete', RECORDS.running, { code: 'wrong_state', standing: 'running', from: ['in_doubt', 'lapsed'] }],
    [
      'rerun',
      RECORDS.lapsed,
      { code: 'wrong_state', standing: 'lapsed', from: ['released', 'completed', 'in_doubt'] },
    ],
    ['force_release', RECORDS.failed, { code: 'wrong_state', standing: 'completed', from: ['running'] }],
    ['purge_body', RECORDS.purged, { code: 'no_body' }],
    [
      'purge_body',
      recordOf({ ...done, outcome: 'success', response: null, request: 'text' }),
      { code: 'no_body' },
    ],
    ['allow_retry', RECORDS.succeeded, { code: 'succeeded' }],
    ['rerun', RECORDS.succeeded, { code: 'succeeded' }],
    ['allow_retry', recordOf({ ...ofFailed, steps: 'damaged' }), { code: 'steps_damaged' }],
    ['rerun', recordOf({ ...ofFailed, steps: [{}] }), { code: 'steps_damaged' }],
  ])('%s (%#)', (action, record, refusal) => {
    expect(operated(record, command(action), NOW)).toEqual({ do: 'refuse', refusal });
  });

  it.each(['complete', 'fail'] as const)('%s without a response to store', (action) => {
    const { response, ...none } = command(action);
    expect(operated(RECORDS.lapsed, none, NOW)).toEqual({ do: 'refuse', refusal: { code: 'no_response' } });
  });
});

it('an operator’s owner is told from that of a call', () => {
  expect(['operator:1', 'worker', 'x-operator:'].map(isOperator)).toEqual([true, false, false]);
});

it('what can not be taken back has to be confirmed by a word', () => {
  expect(CONFIRM_WORDS).toEqual({
    ...{ allow_retry: null, complete: null, fail: null },
    ...{ rerun: 'rerun', expire: 'expire', force_release: 'force', purge_body: 'purge' },
  });
});

it('nothing is kept for longer than a record that is kept until it is resolved', () => {
  const result = operated(
    RECORDS.failed,
    { ...command('allow_retry'), retentionMs: Number.MAX_SAFE_INTEGER },
    NOW,
  );
  expect(result).toMatchObject({ record: { expiresAt: NEVER } });
});

it.each<[string, unknown, object | undefined]>([
  [
    'a body',
    { format: 'graphql/1', body: 'x', bytes: 1 },
    { format: 'graphql/1', bytes: 1, omitted: 'purged' },
  ],
  ['what is no body', 'text', { format: 'unknown', bytes: 0, omitted: 'purged' }],
  ['null', null, { format: 'unknown', bytes: 0, omitted: 'purged' }],
  [
    'a body with damaged fields',
    { format: 5, bytes: '1' },
    { format: 'unknown', bytes: 0, omitted: 'purged' },
  ],
  ['nothing', undefined, undefined],
])('a purge leaves of %s what can be read', (_, request, left) => {
  const record = recordOf({ ...done, outcome: 'success', request });
  const result = operated(record, command('purge_body'), NOW);
  expect(result).toMatchObject({ do: 'write', record: { response: { omitted: 'purged' } } });
  if (result.do === 'write') expect(result.record.request).toEqual(left);
});

it('a purge of a record whose response is gone leaves its request out, and makes no response', () => {
  const result = operated(
    recordOf({ ...done, outcome: 'success', response: undefined }),
    command('purge_body'),
    NOW,
  );
  expect(result).toMatchObject({
    do: 'write',
    record: { request: { omitted: 'purged' }, response: undefined },
  });
});

it('the history keeps the last 20 entries, that of the operator among them', () => {
  const entry = { event: 'released', at: NOW, owner: 'worker', fence: 6 };
  const history = Array.from({ length: 20 }, (_, index) => ({ ...entry, reason: `${index}` }));
  const result = operated(recordOf({ state: 'in_doubt', history }), command('fail'), NOW);
  if (result.do !== 'write') throw new Error(result.refusal.code);
  expect(result.record.history).toHaveLength(20);
  expect(result.record.history.at(0)?.reason).toBe('1');
  expect(result.record.history.at(-1)).toMatchObject({ event: 'operator', action: 'fail' });
});

it('allow retry lets the same request run, and no other; what it captured and its steps stay', () => {
  const record = write('failed', 'allow_retry');
  expect(decide(record, claimOf({ fingerprints: ['s1:aaaa'] }), NOW)).toEqual({ do: 'claim', life: 'kept' });
  expect(decide(record, claimOf({ fingerprints: ['s1:bbbb'] }), NOW)).toMatchObject({
    code: 'IDEMPOTENCY_KEY_REUSED',
  });
  expect(record).toMatchObject({ request: { body: 'q' }, steps: [{ name: 's' }], expiresAt: later(1_000) });
  expect(Object.keys(record)).not.toContain('response');
});

it('mark completed and mark failed leave what retries get', () => {
  for (const [action, outcome] of [
    ['complete', 'success'],
    ['fail', 'error'],
  ] as const) {
    const record = write('lapsed', action);
    expect(record).toMatchObject({ state: 'completed', outcome, completedAt: NOW, expiresAt: later(1_000) });
    expect(decide(record, claimOf({ fingerprints: ['s1:aaaa'] }), NOW)).toMatchObject({ do: 'replay' });
  }
  const { response, ...none } = command('fail');
  expect(operated(RECORDS.lapsed, none, NOW)).toMatchObject({ do: 'refuse' });
});

it('expire forgets the key: any payload may run, in a new life', () => {
  const record = write('succeeded', 'expire');
  expect(decide(record, claimOf({ fingerprints: ['s1:bbbb'] }), NOW)).toEqual({ do: 'claim', life: 'new' });
});

it('purge keeps the outcome and drops the bodies of response and request', () => {
  const purged = { format: 'graphql/1', bytes: 1, omitted: 'purged' };
  expect(write('succeeded', 'purge_body')).toMatchObject({
    outcome: 'success',
    response: purged,
    request: purged,
  });
});

it('says where the effect may happen twice', () => {
  const repeating = (action: OperatorCommand['action']) =>
    ALLOWED[action].filter((name) => mayRepeat(action, RECORDS[name]));
  expect(repeating('allow_retry')).toEqual(['failed', 'in doubt', 'lapsed']);
  expect(repeating('rerun')).toEqual(['failed', 'in doubt']);
  expect(repeating('expire')).toEqual(['succeeded', 'failed', 'purged']);
  expect(repeating('force_release')).toEqual(['running']);
  expect(repeating('complete')).toEqual([]);
});

it('a record whose fence can not rise is left as it is: nobody could read it afterwards', () => {
  const record = recordOf({ state: 'in_doubt', fence: HIGHEST_COUNT - 1 });
  const last = operated(record, command('fail'), NOW);
  if (last.do !== 'write') throw new Error(last.refusal.code);
  const marked = readRecord(last.record);
  expect(marked).toMatchObject({ state: 'completed', fence: HIGHEST_COUNT });
  expect(operated(marked as KeyRecord, command('expire'), NOW)).toEqual({
    do: 'refuse',
    refusal: { code: 'fence_at_limit' },
  });
});

const actions = fc.constantFrom(...OPERATOR_ACTIONS);

it('nothing but force release touches a record whose lease is alive; what is written can be read, and fences rise', () => {
  fc.assert(
    fc.property(generatedCases, actions, ({ record: stored }, action) => {
      const record = stored && readRecord(asRead(stored));
      if (!record) return;
      const result = operated(record, command(action), NOW);
      const standing: Standing = standingOf(record, NOW);
      const isLast = record.fence === HIGHEST_COUNT;
      if (standing === 'running') expect(result.do === 'write').toBe(action === 'force_release' && !isLast);
      if (standing === 'expired' || isLast) expect(result.do).toBe('refuse');
      if (result.do === 'refuse') return;
      expect(result.record.fence).toBe(record.fence + 1);
      expect(readRecord(result.record)).toEqual(result.record);
    }),
    { numRuns: 2_000 },
  );
});
