import { describe, expect, test } from 'vitest';
import { createIdempotency, type IdempotencyOptions, type Policy } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';

const withOptions = (options: object) =>
  createIdempotency({ store: createMemoryStore(), ...options } as IdempotencyOptions);

test('every default is filled in', () => {
  expect(withOptions({}).policy({})).toEqual({
    retentionMs: 86_400_000,
    abandonedRetentionMs: 2_592_000_000,
    leaseMs: 30_000,
    maxRunMs: null,
    concurrent: 'wait',
    waitTimeoutMs: 10_000,
    onAbandoned: 'in_doubt',
    classify: expect.any(Function),
    transaction: false,
    maxResultBytes: 1_048_576,
    retain: 'result',
    cipher: null,
    redact: null,
    compressAboveBytes: 8_192,
    captureRequest: false,
    maxCapturedBytes: 65_536,
    keyFormat: 'any',
    fingerprint: { exclude: [], versions: new Map() },
  });
});

describe('case 24: a value that can not be meant is refused when it is given, never read as "not set"', () => {
  const bad: [keyof Policy, unknown[]][] = [
    ['leaseMs', [0, -1, Number.NaN, 5, 999, 1_000.5, '1000', null, Number.POSITIVE_INFINITY, 2 ** 31, 10n]],
    ['retentionMs', [0, -1, Number.NaN, '1d', null, Number.POSITIVE_INFINITY]],
    ['abandonedRetentionMs', [0, -1, Number.NaN, '1d', Number.POSITIVE_INFINITY]],
    ['maxRunMs', [0, -1, Number.NaN, 999, 1_000.5, '1000', Number.POSITIVE_INFINITY, 2 ** 31]],
    ['waitTimeoutMs', [0, -1, Number.NaN, '1', null, 2 ** 31]],
    ['maxResultBytes', [-1, Number.NaN, '1', null, 16 * 1_048_576]],
    ['concurrent', ['queue', true, null]],
    ['onAbandoned', ['retry', 'a function', true, null, {}]],
    ['classify', ['store', 'a function', null]],
    ['retain', ['none', true, null]],
    ['cipher', ['aes', {}, { encrypt: () => {} }, true, Buffer.alloc(32)]],
    ['redact', ['password', [], [''], ['a', 5], [/a/], {}, true]],
    ['compressAboveBytes', [-1, Number.NaN, '1', true, 16 * 1_048_576]],
    ['captureRequest', ['yes', null, 1, {}]],
    ['keyFormat', ['uuid4', '', null, /k/, true]],
    ['maxCapturedBytes', [-1, Number.NaN, '1', null, 524_289]],
  ];
  test.each(bad.flatMap(([name, values]) => values.map((value) => [name, value] as const)))(
    '%s: %s',
    (name, value) => {
      expect(() => withOptions({ [name]: value })).toThrow(TypeError);
      expect(() => withOptions({ [name]: value })).toThrow(new RegExp(`Expected \`${name}\` to be .+, got `));
      expect(() =>
        withOptions({}).policy({ [name]: value } as Policy, { of: 'useIdempotency', at: 'fields.pay' }),
      ).toThrow(new RegExp(`Expected \`fields.pay.${name}\` to be .+, got `));
    },
  );
});

test('the message says what was expected and what came', () => {
  expect(() => withOptions({ leaseMs: 5 })).toThrow(
    'Expected `leaseMs` to be an integer from 1000 to 86400000, got 5',
  );
});

test.each([
  ['a name that every object has', { isPrototypeOf: 5 }, /Unknown option `isPrototypeOf`/],
  [
    'a name that is no option',
    { leaseMillis: 5 },
    /^Unknown option `leaseMillis` of createIdempotency\(...\); did you mean `leaseMs`\?$/,
  ],
  ['no store', { store: undefined }, /Expected `store`/],
  ['a client for a store', { store: {} }, /Expected `store`/],
  ['a listener that is no function', { onEvent: 'log' }, /Expected `onEvent`/],
  ['a switch that is no boolean', { enabled: 'no' }, /Expected `enabled`/],
])('%s is refused', (_, options, message) => {
  expect(() => withOptions(options)).toThrow(message);
});

test('an operation’s policy overlays the defaults; undefined leaves them', () => {
  const idempotency = withOptions({ leaseMs: 2_000, abandonedRetentionMs: null });
  expect(idempotency.policy({ retentionMs: 5_000, leaseMs: undefined } as never)).toMatchObject({
    leaseMs: 2_000,
    abandonedRetentionMs: null,
    retentionMs: 5_000,
  });
});
