import { describe, expect, test } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import {
  checkPolicy,
  overlaid,
  resolvePolicy,
  storeWhatIsKnown,
} from '../../server/engine/resolve-policy.ts';
import { createIdempotency, type IdempotencyOptions, type Policy } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';

const withOptions = (options: object) =>
  createIdempotency({ store: createMemoryStore(), ...options } as IdempotencyOptions);

test('with nothing said, an outcome of up to 1 MiB is kept for a day, and a key in doubt for 30 days', () => {
  expect(internalsOf(withOptions({})).policy()).toEqual({
    retain: 'result',
    maxResultBytes: 1_048_576,
    retentionMs: 86_400_000,
    onCrash: 'in_doubt',
    resolve: null,
    unresolvedRetentionMs: 2_592_000_000,
    leaseMs: 30_000,
    maxRunMs: null,
    concurrent: 'wait',
    waitTimeoutMs: 10_000,
    classify: storeWhatIsKnown,
    transaction: false,
    cipher: null,
    redact: null,
    compressAboveBytes: 8_192,
    captureRequest: false,
    maxCapturedBytes: 65_536,
    keyFormat: 'any',
    fingerprint: { exclude: [], versions: new Map() },
    watchDuplicates: true,
  });
});

test.each([
  ['store', { outcome: 'success', started: true }],
  ['store', { outcome: 'error', started: true }],
  ['in_doubt', { outcome: 'error', started: 'unknown' }],
] as const)('without a `classify` function, what becomes of a run is %s: %j', (verdict, finished) => {
  expect(storeWhatIsKnown({ ...finished, result: null })).toBe(verdict);
});

test.each<[keyof Policy, unknown[]]>([
  ['leaseMs', [1_000, 86_400_000]],
  ['retentionMs', [1_000, 36_500 * 86_400_000, () => 5_000]],
  ['unresolvedRetentionMs', [30_000, 36_500 * 86_400_000, null]],
  ['maxRunMs', [1_000, 86_400_000, null]],
  ['waitTimeoutMs', [1, 86_400_000]],
  ['maxResultBytes', [0, 15 * 1_048_576]],
  ['compressAboveBytes', [0, 15 * 1_048_576, null]],
  ['cipher', [{ encrypt: () => {}, decrypt: () => {} }, null]],
  ['redact', [['password'], ['a', 'b'], () => null, null]],
  ['keyFormat', ['any', 'uuid', () => true]],
])('`%s` may be at its limits, and each of its kinds', (name, values) => {
  for (const value of values)
    expect(internalsOf(withOptions({ [name]: value })).policy(), String(value)).toHaveProperty(name, value);
});

test('a policy is checked by itself as far as it says all of it: its lease may come from elsewhere', () => {
  const origin = { of: 'useIdempotency', at: 'policy' };
  expect(checkPolicy({ unresolvedRetentionMs: 1_000 }, origin)).toEqual({
    ...resolvePolicy({}),
    leaseMs: 1_000,
    unresolvedRetentionMs: 1_000,
  });
  expect(() => checkPolicy({ leaseMs: 5_000, unresolvedRetentionMs: 4_999 }, origin)).toThrow(
    'Expected `policy.unresolvedRetentionMs` to be at least `leaseMs`, which is 5000, got 4999',
  );
  expect(() => checkPolicy({ leaseMs: 5 }, origin)).toThrow('Expected `policy.leaseMs` to be ');
});

test('an unknown option of a policy is one of createIdempotency where no place is named', () => {
  expect(() => resolvePolicy({ lease: 5_000 } as never)).toThrow(
    'Unknown option `lease` of createIdempotency(...); did you mean `leaseMs`?',
  );
});

describe('case 24: a value that can not be meant is refused when it is given, never read as "not set"', () => {
  test.each<[keyof Policy, unknown[]]>([
    ['leaseMs', [0, -1, Number.NaN, 5, 999, 1_000.5, '1000', null, Number.POSITIVE_INFINITY, 2 ** 31, 10n]],
    ['retentionMs', [0, -1, Number.NaN, '1d', null, Number.POSITIVE_INFINITY, Promise.resolve(5_000), {}]],
    ['unresolvedRetentionMs', [0, -1, Number.NaN, '1d', Number.POSITIVE_INFINITY]],
    ['maxRunMs', [0, -1, Number.NaN, 999, 1_000.5, '1000', Number.POSITIVE_INFINITY, 2 ** 31]],
    ['waitTimeoutMs', [0, -1, Number.NaN, '1', null, 2 ** 31]],
    ['maxResultBytes', [-1, Number.NaN, '1', null, 16 * 1_048_576]],
    ['concurrent', ['queue', true, null]],
    ['onCrash', ['rerun', 'ask', () => 'retry', true, null, {}]],
    ['resolve', ['retry', 'in_doubt', true, {}, Promise.resolve()]],
    ['classify', ['store', 'a function', null]],
    ['retain', ['none', true, null]],
    ['cipher', ['aes', {}, { encrypt: () => {} }, { decrypt: () => {} }, true, Buffer.alloc(32)]],
    ['redact', ['password', [], [''], ['a', 5], [/a/], {}, true]],
    ['compressAboveBytes', [-1, Number.NaN, '1', true, 16 * 1_048_576]],
    ['captureRequest', ['yes', null, 1, {}]],
    ['watchDuplicates', ['no', null, 0, ['like']]],
    ['keyFormat', ['uuid4', '', null, /k/, true]],
    ['maxCapturedBytes', [-1, Number.NaN, '1', null, 524_289]],
  ])('%s', (name, values) => {
    for (const value of values) {
      const refusal = (at: string) =>
        expect.objectContaining({
          name: 'TypeError',
          message: expect.stringMatching(`^Expected \`${at}\` to be .+, got `),
        });
      expect(() => withOptions({ [name]: value }), String(value)).toThrow(refusal(name));
      const at = { of: 'useIdempotency', at: 'fields.pay' } as const;
      expect(
        () => internalsOf(withOptions({})).policy({ [name]: value } as Policy, at),
        String(value),
      ).toThrow(refusal(`fields.pay.${name}`));
    }
  });
});

test.each([
  ['no store', { store: undefined }, /Expected `store`/],
  ['a client for a store', { store: {} }, /Expected `store`/],
  ['a listener that is no function', { onEvent: 'log' }, /Expected `onEvent`/],
  ['a switch that is no boolean', { enabled: 'no' }, /Expected `enabled`/],
])('%s is refused', (_, options, message) => {
  expect(() => withOptions(options)).toThrow(message);
});

test.each(['in_doubt', 'retry'] as const)(
  '`onCrash: %j` beside `transaction: true` is refused: a crash of a transaction has committed nothing',
  (onCrash) => {
    const both = { transaction: true, onCrash } as never;
    const message = (at: string) => `Expected no \`${at}\` beside \`transaction: true\`, got "${onCrash}": `;
    expect(() => withOptions(both)).toThrow(message('onCrash'));
    const at = { of: 'useIdempotency', at: 'fields.pay' } as const;
    expect(() => internalsOf(withOptions({})).policy(both, at)).toThrow(message('fields.pay.onCrash'));
  },
);

test.each<[string, object, string]>([
  ['waitTimeoutMs', { concurrent: 'reject', waitTimeoutMs: 5 }, "beside `concurrent: 'reject'`, got 5: "],
  ['maxCapturedBytes', { maxCapturedBytes: 5 }, 'without `captureRequest: true` in the same place, got 5: '],
  [
    'maxCapturedBytes',
    { captureRequest: false, maxCapturedBytes: 5 },
    'without `captureRequest: true` in the same place, got 5: ',
  ],
  ['redact', { retain: 'outcome', redact: ['pin'] }, 'beside `retain: \'outcome\'`, got ["pin"]: '],
  ['redact', { retain: 'outcome', redact: () => null }, "beside `retain: 'outcome'`, got a function: "],
])('`%s` in %j is refused: it would have no effect', (name, options, message) => {
  expect(() => withOptions(options)).toThrow(`Expected no \`${name}\` ${message}`);
  const at = { of: 'useIdempotency', at: 'fields.pay' } as const;
  expect(() => internalsOf(withOptions({})).policy(options, at)).toThrow(
    `Expected no \`fields.pay.${name}\` ${message}`,
  );
});

test.each<[string, object]>([
  ['an explicit default', { concurrent: 'wait', waitTimeoutMs: 5 }],
  ['one that is undefined', { concurrent: 'reject', waitTimeoutMs: undefined }],
  ['requests of a size', { captureRequest: true, maxCapturedBytes: 5 }],
  ['requests without secrets, and no results', { retain: 'outcome', captureRequest: true, redact: ['pin'] }],
  ['nothing to redact', { retain: 'outcome', redact: null }],
])('%s is no contradiction: %j', (_, options) => {
  expect(() => withOptions(options)).not.toThrow();
});

test.each<[object, object]>([
  [{ waitTimeoutMs: 5 }, { concurrent: 'reject' }],
  [{ concurrent: 'reject' }, { waitTimeoutMs: 5 }],
  [{ redact: ['pin'] }, { retain: 'outcome' }],
  [{ retain: 'outcome' }, { redact: ['pin'] }],
  [{ captureRequest: true, maxCapturedBytes: 5 }, { captureRequest: false }],
])('defaults %j and an operation’s %j do not contradict each other', (defaults, ofOne) => {
  expect(() => internalsOf(withOptions(defaults)).policy(ofOne)).not.toThrow();
});

test('an operation with `transaction: true` may stand beside defaults with `onCrash`, and may have a `resolve` function', () => {
  const resolve = () => ({ action: 'retry' }) as const;
  expect(internalsOf(withOptions({ onCrash: 'retry' })).policy({ transaction: true, resolve })).toMatchObject(
    {
      transaction: true,
      resolve,
    },
  );
  expect(
    internalsOf(withOptions({ transaction: true })).policy({ transaction: false, onCrash: 'retry' }),
  ).toMatchObject({
    onCrash: 'retry',
  });
});

test.each<[Policy, Policy, Policy]>([
  [{ leaseMs: 5_000 }, { leaseMs: 6_000 }, { leaseMs: 6_000 }],
  [{ leaseMs: 5_000 }, { leaseMs: undefined } as never, { leaseMs: 5_000 }],
  [{ onCrash: 'retry' }, { transaction: true }, { transaction: true }],
  [{ transaction: true }, { onCrash: 'retry' }, { transaction: true }],
  [{ waitTimeoutMs: 5 }, { concurrent: 'reject' }, { concurrent: 'reject' }],
  [
    { concurrent: 'reject' },
    { concurrent: 'wait', waitTimeoutMs: 5 },
    { concurrent: 'wait', waitTimeoutMs: 5 },
  ],
  [{ captureRequest: true, maxCapturedBytes: 5 }, { captureRequest: false }, { captureRequest: false }],
  [{ retain: 'outcome' }, { redact: ['pin'] }, { retain: 'outcome' }],
  [{ transaction: true }, { transaction: false, onCrash: 'retry' }, { transaction: false, onCrash: 'retry' }],
])('%j of all operations and %j of one make %j', (ofAll, ofOne, both) => {
  expect(overlaid(ofAll, ofOne)).toEqual(both);
  expect(() => internalsOf(withOptions({})).policy(both)).not.toThrow();
});

test('`resolve: null` asks nobody where the defaults have a function', () => {
  expect(
    internalsOf(withOptions({ resolve: () => ({ action: 'retry' }) })).policy({ resolve: null }),
  ).toMatchObject({
    resolve: null,
  });
});

test('an operation’s policy overlays the defaults; undefined leaves them', () => {
  const idempotency = withOptions({ leaseMs: 2_000, unresolvedRetentionMs: null });
  expect(internalsOf(idempotency).policy({ retentionMs: 5_000, leaseMs: undefined } as never)).toMatchObject({
    leaseMs: 2_000,
    unresolvedRetentionMs: null,
    retentionMs: 5_000,
  });
});
