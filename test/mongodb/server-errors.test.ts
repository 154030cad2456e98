import { describe, expect, it } from 'vitest';
import { failureKindOf, failureOf } from '../../server/mongodb/server-errors.ts';

const writeConcernError = { code: 50, codeName: 'MaxTimeMSExpired', errmsg: 'operation exceeded time limit' };

/** One reply of a server, as the drivers of our peer range report it. */
it.each([
  [
    'a command that ran out of time, by driver 6.0',
    { name: 'MongoWriteConcernError', code: 50, result: { writeConcernError, ok: 1 } },
    'held',
  ],
  ['by later drivers', { name: 'MongoServerError', code: 50, writeConcernError, ok: 0 }, 'held'],
  [
    'a majority that was not reached in time, by driver 6.0',
    { name: 'MongoWriteConcernError', code: 50, result: { n: 1, writeConcernError, ok: 1 } },
    'not_durable',
  ],
  [
    'a majority that was not reached, by driver 6.0',
    { name: 'MongoWriteConcernError', code: 64, result: { n: 1, writeConcernError, ok: 1 } },
    'not_durable',
  ],
  ['by later drivers, which return it', { n: 1, writeConcernError, ok: 1 }, 'not_durable'],
])('%s', (_, error, failure) => {
  expect(failureOf(error)).toBe(failure);
});

describe('a server that had no room for a command ran nothing of it, and is asked again', () => {
  it.each([
    [
      'too many open transactions, as MongoDB 9.0 has it',
      { name: 'MongoServerError', code: 99_999, codeName: 'TooManyOpenTransactions', errorLabels: [] },
    ],
    [
      'any that the server labels as an overload',
      { name: 'MongoServerError', code: 433, errorLabels: ['SystemOverloadedError'] },
    ],
  ])('%s', (_, error) => {
    expect(failureOf(error)).toBe('lost');
    expect(failureKindOf(error)).toBe('transient');
  });
});

it.each(['MongoCompatibilityError', 'MongoMissingDependencyError', 'MongoMissingCredentialsError'])(
  'a %s of the driver is no outage: waiting does not help',
  (name) => {
    expect(failureOf(Object.assign(new Error('no'), { name }))).toBe('denied');
  },
);
