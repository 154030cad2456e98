import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkScope } from '../../server/engine/key.ts';
import { scopeOf } from '../../server/index.ts';

/** What stands where a value is missing: the value itself, and what a template prints for it. */
const MISSING: [string, unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['NaN', Number.NaN],
  ['an infinite number', Number.POSITIVE_INFINITY],
  ['an empty text', ''],
  ['blanks', ' \t'],
  ['an object', {}],
  ['a boolean', false],
  ['a promise', Promise.resolve('ada')],
  ['a lone surrogate', '\ud800'],
  ...['undefined', 'null', 'NaN', '[object Object]', '[object Promise]', ' null ', '{{user}}', 'None'].map(
    (text): [string, string] => [`the text "${text}"`, text],
  ),
];

describe('scopeOf', () => {
  test.each(MISSING)('throws for %s, at whatever place', (_, part) => {
    for (const [at, parts] of [[part], [part, 'ada'], ['acme', part], ['acme', part, 'ada']].entries()) {
      expect(() => scopeOf(...(parts as string[])), String(at)).toThrow(TypeError);
      expect(() => scopeOf(...(parts as string[]))).toThrow(
        /^Expected part [12] of scopeOf\(\.\.\.\) to be /,
      );
    }
  });

  test('throws without any part, and for parts that are longer than a scope may be', () => {
    expect(() => scopeOf()).toThrow('Expected scopeOf(...) to be given at least one part');
    expect(() => scopeOf('a'.repeat(600), 'b'.repeat(600))).toThrow(/at most 1024 UTF-16 units, got 1201/);
    expect(scopeOf('a'.repeat(512), 'b'.repeat(511))).toHaveLength(1_024);
    expect(() => scopeOf('a'.repeat(512), 'b'.repeat(512))).toThrow(/got 1025/);
  });

  test.each([
    [['acme', 'ada@example.org'], 'acme/ada@example.org'],
    [['acme', 7], 'acme/7'],
    [['acme', 7n], 'acme/7'],
    [['auth0|5f7c', 'dev-null'], 'auth0|5f7c/dev-null'],
    [['a/b', 'c%'], 'a%2Fb/c%25'],
    [['https://idp.example', 'ada'], 'https:%2F%2Fidp.example/ada'],
  ] as [(string | number | bigint)[], string][])('of %s reads as %j', (parts, scope) => {
    expect(scopeOf(...parts)).toBe(scope);
    expect(checkScope(scope)).toBe(scope);
  });

  test('makes another scope of each list of parts, and always one that is taken', () => {
    const part = fc
      .oneof(
        fc.string({
          minLength: 1,
          maxLength: 8,
          unit: fc.constantFrom('a', '/', '%', '2', 'F', ':', '|', '#', ' '),
        }),
        fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' }),
      )
      .filter((text) => text.trim() !== '');
    const parts = fc.array(part, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const scope = scopeOf(...one);
        expect(checkScope(scope)).toBe(scope);
        expect(scope === scopeOf(...other)).toBe(JSON.stringify(one) === JSON.stringify(other));
        // The same characters, parted elsewhere.
        if (one.length > 1) expect(scopeOf(one.join('/'))).not.toBe(scope);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a scope that was made by a template without its value', () => {
  test.each([
    'null/ada',
    'ada/null',
    'undefined',
    'acme:undefined',
    'undefined|ada',
    'acme#NaN',
    '[object Object]',
    'acme/[object Object]',
    'null, ada',
    'acme; undefined',
    '   ',
    '\t\n',
    '{{tenant}}/ada',
    '$'.concat('{user.id}'),
  ])('%j is refused, and the message names scopeOf', (scope) => {
    expect(() => checkScope(scope)).toThrow(TypeError);
    expect(() => checkScope(scope)).toThrow(/scopeOf\(tenant, user\), which throws where a part is missing/);
  });

  test.each([
    'dev-null',
    'null-island',
    'ada.null@example.org',
    'Null',
    'NULL',
    'nullable',
    'acme/undefinedness',
    'x_undefined',
    'auth0|5f7c8ec7',
    'urn:user:ada',
    'https://idp.example/ada',
    '/ada',
    'global',
    '0',
    'org:true-north',
    'nan',
    '  ada  ',
  ])('%j is somebody’s, and is taken as it is', (scope) => {
    expect(checkScope(scope)).toBe(scope);
  });
});
