import { expect, test } from 'vitest';
import { knownOf } from '../../server/engine/known.ts';
import { HEAD_FIELDS, headOf, type StoredRecord } from '../../server/engine/record.ts';

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
  expiresAt: later(1),
  history: [],
  v: 1,
  fingerprint: 's1:aaaa',
};
const running = { ...base, state: 'running', leaseExpiresAt: later(1) };
const completed = { ...base, state: 'completed', outcome: 'success', completedAt: NOW };

const table: [record: string, StoredRecord | null, known: string][] = [
  ['no record', null, 'unknown'],
  ['one that runs', running, 'running'],
  ['one that has completed', completed, 'completed'],
  ['one that failed', { ...completed, outcome: 'error' }, 'completed'],
  ['one that was released', { ...base, state: 'released' }, 'released'],
  ['one in doubt', { ...base, state: 'in_doubt' }, 'in_doubt'],
  ['one whose lease has just lapsed', { ...running, leaseExpiresAt: NOW }, 'in_doubt'],
  [
    'a transaction whose lease has lapsed',
    { ...running, leaseExpiresAt: NOW, transactional: true },
    'in_doubt',
  ],
  ['one that has just expired', { ...completed, expiresAt: NOW }, 'unknown'],
  ['an expired one that runs', { ...running, expiresAt: NOW }, 'unknown'],
  ['an expired one of another release', { ...completed, v: 2, expiresAt: NOW }, 'unknown'],
  ['one of another release', { ...completed, v: 2 }, 'unreadable'],
  ['one in a state that is not known', { ...base, state: 'paused' }, 'unreadable'],
  ['one without an owner', { ...completed, owner: undefined }, 'unreadable'],
  ['one whose time of expiry is damaged', { ...completed, expiresAt: 'soon' }, 'unreadable'],
];

test.each(table)('of %s it is known: $2', (_, record, known) => {
  expect(knownOf(record, NOW).is).toBe(known);
  expect(knownOf(record && headOf(record), NOW).is).toBe(known);
});

test('the head of a record has no bodies, and all that says what is known of it', () => {
  const bodies = { request: {}, response: {}, steps: [{ name: 'charge' }], history: [{}] };
  expect(headOf({ ...completed, ...bodies })).toEqual({ ...completed, history: undefined });
  expect(HEAD_FIELDS).toEqual(
    expect.arrayContaining(['scope', 'key', 'state', 'v', 'outcome', 'leaseExpiresAt']),
  );
});
