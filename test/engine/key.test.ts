import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkKey, checkKeyFormat, checkScope, isUnfilled, parseKeyHeader } from '../../server/engine/key.ts';
import { anyCharacter } from '../support/any-character.ts';

const invalid = (reason: string) =>
  expect.objectContaining({ code: 'IDEMPOTENCY_KEY_INVALID', status: 400, reason });

describe('a key', () => {
  test.each([
    ['of one character', 'k'],
    ['of 255 characters', 'k'.repeat(255)],
    ['with Mongo names in it', '$$NOW.a.$b'],
    ['named like a prototype', '__proto__'],
    ['that looks like a number', '00123'],
    ['in Arabic', 'طلب'],
    ['of emoji', '💳'],
    ['of 127 emoji and a letter', `${'💳'.repeat(127)}k`],
    ['with spaces around it', ' k '],
  ])('%s is taken as it is', (_, key) => {
    expect(checkKey(key)).toBe(key);
  });

  test.each([
    ['type', undefined],
    ['type', null],
    ['type', 5],
    ['type', { $gt: '' }],
    ['type', ['k']],
    ['empty', ''],
    ['empty', '   '],
    ['too_long', 'k'.repeat(256)],
    ['too_long', '💳'.repeat(128)],
    ['control_character', 'a\u0000b'],
    ['control_character', 'a\nb'],
    ['control_character', 'a\u007fb'],
    ['control_character', 'a\u0085b'],
    ['not_well_formed', '\ud800'],
    ['not_well_formed', '\udc00\ud800'],
  ])('is refused as %s: %j', (reason, key) => {
    expect(() => checkKey(key)).toThrow(invalid(reason));
  });

  test.each([
    ...['undefined', 'null', 'NaN', 'Infinity', '-Infinity', 'true', 'false', '[object Object]'],
    ...['[object Promise]', 'None', 'nil', '<nil>', '(null)', '{{orderKey}}', `\${order.key}`],
    ...[' undefined ', 'undefined:undefined', 'null/undefined', 'undefined-NaN', 'null__null'],
    ...[
      'undefined : null',
      'undefined - - null',
      ' 00000000-0000-0000-0000-000000000000 ',
      ` \${order.key} `,
    ],
    '00000000-0000-0000-0000-000000000000',
  ])('that a template prints where it had no value is refused as unfilled: %s', (key) => {
    expect(isUnfilled(key)).toBe(true);
    expect(() => checkKey(key)).toThrow(
      expect.objectContaining({
        code: 'IDEMPOTENCY_KEY_INVALID',
        reason: 'unfilled',
        message: expect.stringContaining('template'),
      }),
    );
    expect(() => parseKeyHeader(`"${key}"`)).toThrow(invalid('unfilled'));
  });

  test.each([
    ...['Null', 'nan', 'order-undefined', 'null/ada', 'undefinedly', 'truest', 'true-2', '0', '-', '...'],
    ...['object Object', '{}', '$NOW', '00000000-0000-4000-8000-000000000000'],
  ])('that only resembles one of them is taken as it is: %s', (key) => {
    expect(checkKey(key)).toBe(key);
  });

  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [5, 'number'],
    [{}, 'object'],
  ])('that is no text is refused by its type: %s', (key, type) => {
    expect(() => checkKey(key)).toThrow(`The idempotency key must be a string, got ${type}`);
  });

  test('is not repeated in the refusal', () => {
    expect(() => checkKey('secret\u0000')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    );
  });
});

describe('the format of a key', () => {
  const uuid = '8e03978e-40d5-43e8-bc93-6894a57f9324';

  test.each([
    ['any', 'order 1'],
    ['uuid', uuid],
    ['uuid', uuid.toUpperCase()],
    ['uuid', '0192f5c0-5f7b-7cc3-98c4-dc0c0c07398f'],
  ] as const)('%s takes %s', (format, key) => {
    expect(checkKeyFormat(key, format)).toBe(key);
  });

  test.each([
    ['order 1'],
    [` ${uuid}`],
    [`{${uuid}}`],
    [`urn:uuid:${uuid}`],
    [uuid.replaceAll('-', '')],
    [`${uuid}0`],
    [`0${uuid}`],
  ])('uuid refuses %s', (key) => {
    expect(() => checkKeyFormat(key, 'uuid')).toThrow(invalid('format'));
  });

  test('by a function is what it says true of', () => {
    const isOrder = (key: string) => key.startsWith('order-');
    expect(checkKeyFormat('order-1', isOrder)).toBe('order-1');
    expect(() => checkKeyFormat('basket-1', isOrder)).toThrow(invalid('format'));
  });

  test.each([[1], [null], [undefined], ['yes'], [[]]])(
    'by a function that gives %j is a TypeError, never taken for yes or no',
    (verdict) => {
      expect(() => checkKeyFormat('k', () => verdict as never)).toThrow(TypeError);
    },
  );
});

describe('a key header', () => {
  test.each([
    ['abc', 'abc'],
    ['"abc"', 'abc'],
    [' "abc" ', 'abc'],
    ['"a,b"', 'a,b'],
    [String.raw`"a\"b\\c"`, String.raw`a"b\c`],
    ['8e03978e-40d5-43e8-bc93-6894a57f9324', '8e03978e-40d5-43e8-bc93-6894a57f9324'],
    ['"abc";v=1', 'abc'],
  ])('%s means %s', (header, key) => {
    expect(parseKeyHeader(header)).toBe(key);
  });

  test.each([
    ['empty', ''],
    ['empty', '   '],
    ['empty', '""'],
    ['malformed', '"abc'],
    ['malformed', 'abc"'],
    ['malformed', '"a"b"'],
    ['malformed', '"a",'],
    ['ambiguous', '"a", "b"'],
    ['ambiguous', '"a", b'],
    ['ambiguous', '"a", ("b")'],
    ['malformed', '"ключ"'],
    ['ambiguous', 'a, b'],
    ['ambiguous', 'a,a'],
    ['too_long', 'k'.repeat(300)],
    ['too_long', `"${'k'.repeat(300)}"`],
  ])('case 1b: is refused as %s, never taken for no key: %s', (reason, header) => {
    expect(() => parseKeyHeader(header)).toThrow(invalid(reason));
  });

  test('any header is either a key that checkKey takes or IDEMPOTENCY_KEY_INVALID', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, maxLength: 300 }), (header) => {
        try {
          expect(checkKey(parseKeyHeader(header))).toBeTypeOf('string');
        } catch (error) {
          expect(error).toMatchObject({ code: 'IDEMPOTENCY_KEY_INVALID' });
        }
      }),
    );
  });
});

describe('a scope', () => {
  test.each([[undefined], [null], ['']])(
    '%j is IDEMPOTENCY_SCOPE_MISSING, never a shared bucket',
    (scope) => {
      expect(() => checkScope(scope)).toThrow(
        expect.objectContaining({ code: 'IDEMPOTENCY_SCOPE_MISSING', status: 401 }),
      );
    },
  );

  test.each([[5], [{ $gt: '' }], [['a']], [Symbol('s')], ['s'.repeat(1_025)], ['\ud800']])(
    'that can not be one is a TypeError: %s',
    (scope) => {
      expect(() => checkScope(scope)).toThrow(TypeError);
    },
  );

  test.each([
    [5, 'number'],
    [{}, 'object'],
    [Promise.resolve('ada'), 'object'],
  ])('that is no text is refused by its type: %o', (scope, type) => {
    expect(() => checkScope(scope)).toThrow(`Expected \`scope\` to return a string or null, got ${type}`);
  });

  test.each([['global'], ['a:b'], ['$fingerprint'], ['s'.repeat(1_024)], ['a\u0000b']])(
    '%j is taken as it is',
    (scope) => {
      expect(checkScope(scope)).toBe(scope);
    },
  );
});
