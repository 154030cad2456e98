import assert from 'node:assert/strict';
import fc from 'fast-check';
import { internalsOf } from '../../server/adapter/internals.ts';
import { type ClaimRequest, decide } from '../../server/engine/decide.ts';
import { fingerprintOf } from '../../server/engine/fingerprint.ts';
import { OPERATOR_ACTIONS, refusalOf } from '../../server/engine/operator.ts';
import { readRecord, type StoredRecord } from '../../server/engine/record.ts';
import { createIdempotency, isIdempotencyError } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { callOf } from '../support/calls.ts';
import type { Target } from './target.ts';
import { anything, damaged } from './texts.ts';

const NOW = new Date('2026-01-01T00:00:00.000Z');
const later = (ms: number) => new Date(NOW.getTime() + ms);
const BODY = '{"data":"of this key"}';

/** A record as it is written, which is damaged in one or two places. */
const SOUND: StoredRecord = {
  scope: 's',
  key: 'k',
  operation: 'pay',
  fingerprint: fingerprintOf('pay', 1),
  state: 'completed',
  owner: 'owner-1',
  fence: 1,
  life: 1,
  attempts: 1,
  createdAt: NOW,
  startedAt: NOW,
  completedAt: NOW,
  expiresAt: later(60_000),
  outcome: 'success',
  response: { format: 'test/1', body: BODY, bytes: Buffer.byteLength(BODY) },
  history: [{ event: 'released', at: NOW, owner: 'earlier', fence: 1 }],
  steps: [{ name: 'charge', at: NOW, attempt: 1, value: { format: 'step/1', body: '1', bytes: 1 } }],
  v: 1,
};

const field = fc.constantFrom(
  ...Object.keys(SOUND),
  'leaseExpiresAt',
  'request',
  'selection',
  'transactional',
  'unknown',
);
const value = fc.oneof(
  { weight: 3, arbitrary: anything },
  fc.constantFrom(
    'running',
    'completed',
    'released',
    'in_doubt',
    later(-1),
    later(1),
    0,
    -1,
    2,
    2 ** 53,
    Number.NaN,
    [],
    {},
  ),
);
const ofBody = fc.record(
  {
    format: fc.oneof(fc.constant('test/1'), anything),
    body: fc.oneof(damaged(BODY), anything),
    bytes: fc.oneof(fc.constant(22), anything),
    omitted: anything,
    encoding: fc.constantFrom('deflate', 'gzip', undefined),
    cipher: anything,
  },
  { requiredKeys: ['format', 'body'] },
);
const change = fc.oneof(
  fc.tuple(field, fc.constant(undefined)),
  fc.tuple(field, value),
  fc.tuple(fc.constant('response'), ofBody),
);

const request = (key: string): ClaimRequest => ({
  ...{
    scope: 's',
    key,
    operation: 'pay',
    fingerprints: [fingerprintOf('pay', 1)],
    owner: 'owner-2',
    seed: 2,
  },
  ...{
    leaseMs: 30_000,
    unresolvedRetentionMs: 60_000,
    onCrash: 'in_doubt',
    resolves: false,
    transactional: false,
  },
});

const reached = { replayed: 0, 'refused for the record': 0, 'refused for the answer': 0 };

/** Damaged records: a retry gets the stored answer as it was stored, or a refusal, and never runs because of the damage. */
export const records: Target = {
  name: 'records',
  reached,
  property: fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
    const record: StoredRecord = { ...SOUND, ...Object.fromEntries(changes) };
    const decision = decide(record, request('k'), NOW);
    const known = readRecord(record);
    if (!known) assert.equal(decision.do, 'refuse');
    else for (const action of OPERATOR_ACTIONS) refusalOf(action, known, NOW);
    if (decision.do !== 'replay' && decision.do !== 'refuse') return;
    const idempotency = createIdempotency({ store: storeOf(record) });
    try {
      const call = callOf(idempotency, async () => assert.fail('it ran'));
      const { value } = await internalsOf(idempotency).execute(call);
      assert.deepEqual(value, JSON.parse((record.response as { body: string }).body));
      reached.replayed++;
    } catch (error) {
      if (!isIdempotencyError(error)) throw error;
      reached[decision.do === 'replay' ? 'refused for the answer' : 'refused for the record']++;
    }
  }),
};

/** A store that has this record, whatever is claimed. */
function storeOf(record: StoredRecord) {
  const store = createMemoryStore();
  return Object.assign(store, {
    claim: async () => ({ won: false, record, now: NOW }) as const,
    read: async () => ({ record, now: NOW }),
  });
}
