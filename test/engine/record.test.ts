import { expect, test } from 'vitest';
import {
  HIGHEST_COUNT,
  HISTORY_LIMIT,
  NEVER,
  RECORD_ROOM_BYTES,
  readRecord,
  STATES,
  type StoredRecord,
} from '../../server/engine/record.ts';

const NOW = new Date('2026-01-01T00:00:00Z');
const stored: StoredRecord = {
  scope: 's',
  key: 'k',
  operation: 'pay',
  owner: 'somebody',
  fence: 7,
  life: 5,
  attempts: 2,
  createdAt: NOW,
  startedAt: NOW,
  expiresAt: NOW,
  state: 'released',
  v: 1,
};

test('the limits of a record are those that stored records were made under', () => {
  expect({ HIGHEST_COUNT, HISTORY_LIMIT, NEVER, RECORD_ROOM_BYTES, STATES }).toEqual({
    HIGHEST_COUNT: 9_007_199_254_740_990,
    HISTORY_LIMIT: 20,
    NEVER: new Date('9999-12-31T23:59:59.999Z'),
    RECORD_ROOM_BYTES: 15_728_640,
    STATES: ['running', 'completed', 'released', 'in_doubt'],
  });
});

test.each([[undefined], [null], ['text'], [{ event: 'released' }]])(
  'a history that is none, %j, is an empty one',
  (history) => {
    expect(readRecord({ ...stored, history })?.history).toEqual([]);
  },
);

test('a history is taken as it is', () => {
  const history = [{ event: 'of a later release' }];
  expect(readRecord({ ...stored, history })).toEqual({ ...stored, history });
});
