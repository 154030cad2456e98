import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fingerprintOf, ruleOf } from '../../server/engine/fingerprint.ts';
import { resolveFingerprint } from '../../server/engine/fingerprint-policy.ts';
import { parseRule, ruleName } from '../../server/engine/fingerprint-rule.ts';
import { pathOf, without } from '../../server/engine/paths.ts';
import { exactNumber } from '../../server/fingerprints/exact-number.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';

const cut = (value: unknown, ...paths: string[]) => without(value, paths.map(pathOf));

describe('a path that does not count', () => {
  const order = {
    captcha: 'x',
    input: { captcha: 'y', amount: 5 },
    items: [
      { sku: 'a', seenAt: 1 },
      { sku: 'b', seenAt: 2 },
    ],
  };

  test.each<[string, string[], unknown]>([
    ['names a field from the root', ['captcha'], { input: order.input, items: order.items }],
    ['names a nested field', ['input.captcha'], { ...order, input: { amount: 5 } }],
    ['reaches each item of a list', ['items.*.seenAt'], { ...order, items: [{ sku: 'a' }, { sku: 'b' }] }],
    ['takes all items of a list', ['items.*'], { ...order, items: [] }],
    ['reaches each field of an object', ['*.captcha'], { ...order, input: { amount: 5 } }],
    ['takes all fields', ['*'], {}],
    ['does not look into a list by a name', ['items.seenAt'], order],
    ['may lead nowhere', ['input.other.deep', 'captcha.length', 'other'], order],
    ['may lie within another', ['input', 'input.captcha'], { captcha: 'x', items: order.items }],
  ])('%s', (_, paths, left) => {
    expect(cut(order, ...paths)).toEqual(left);
  });

  test.each([undefined, null, 5, 'text'])('does not look into %j', (nothing) => {
    expect(cut({ input: nothing }, 'input.captcha')).toEqual({ input: nothing });
  });

  test('leaves the parts that it does not lead to as they are, without a copy', () => {
    const { items, input } = cut(order, 'input.captcha') as typeof order;
    expect(items).toBe(order.items);
    expect(input).not.toBe(order.input);
    expect(cut(order)).toBe(order);
  });

  test('finds entries of a Map; what has a class of its own counts whole', () => {
    expect(
      cut(
        {
          m: new Map<unknown, unknown>([
            ['a', 1],
            [2, 3],
          ]),
        },
        'm.a',
      ),
    ).toEqual({ m: new Map([[2, 3]]) });
    const at = new Date(5);
    expect(cut({ at, set: new Set(['a']) }, 'at.time', 'set.a')).toEqual({ at, set: new Set(['a']) });
  });

  test('case 17: may be named as every object has a name', () => {
    const value = JSON.parse('{"__proto__":{"x":1},"constructor":{"y":2}}');
    expect(JSON.stringify(cut(value, '__proto__.x', 'constructor.y'))).toBe(
      '{"__proto__":{},"constructor":{}}',
    );
    expect(cut({}, 'toString')).toEqual({});
  });

  test('changes no input, and no other part of it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string({ minLength: 1 }), (fields, name) => {
        fc.pre(!name.includes('.') && !name.includes('*'));
        const before = structuredClone(fields);
        const { [name]: _, ...others } = fields;
        expect(fingerprintOf('op', cut(fields, name))).toBe(fingerprintOf('op', others));
        expect(fields).toEqual(before);
      }),
    );
  });
});

describe('the name of a rule', () => {
  const rule = (exclude: string[], versions: [string, string][] = []) => ({
    exclude,
    versions: new Map(versions),
  });

  test.each([
    ['all of the input', rule([]), 's1'],
    ['paths, in whatever order', rule(['b', 'a.*.c', 'b']), 's1 without a.*.c,b'],
    ['a function', rule([], [['', 'v2']]), 's1 by v2'],
    ['one for each root field', rule(['ship.at'], [['pay', 'v1']]), 's1 without ship.at by pay.v1'],
    [
      'functions, in whatever order',
      rule(
        [],
        [
          ['ship', 'v1'],
          ['pay', 'v2'],
        ],
      ),
      's1 by pay.v2,ship.v1',
    ],
    [
      'the form of its host',
      { ...rule(['at'], [['', 'v1']]), form: '0d6e4079' },
      's1 without at by v1 as 0d6e4079',
    ],
    ['names with what separates', rule(['a:b', 'c,d', 'e f']), 's1 without a%3Ab,c%2Cd,e%20f'],
  ])('tells of %s', (_, given, name) => {
    expect(ruleName(given)).toBe(name);
    expect(ruleOf(fingerprintOf('op', 1, name))).toBe(name);
  });

  test('says all that another release needs', () => {
    const names = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[.*]/.test(text));
    const paths = fc.uniqueArray(
      fc.array(names, { minLength: 1, maxLength: 4 }).map((path) => path.join('.')),
    );
    const versions = fc.dictionary(fc.constantFrom('', 'pay', 'ship_2'), fc.constantFrom('v1', 'order-2'));
    fc.assert(
      fc.property(
        paths,
        versions,
        fc.option(fc.constant('0d6e4079'), { nil: undefined }),
        (exclude, by, form) => {
          const parsed = parseRule(ruleName({ exclude, versions: new Map(Object.entries(by)), form }));
          expect(parsed).toEqual({
            exclude: exclude.toSorted(),
            versions: new Map(Object.entries(by)),
            form,
          });
        },
      ),
    );
  });

  test.each(['s2', 's2 without a', 's1 without', 's1 without %', 's1  by v1', 's1 with a', ''])(
    'that this release does not know is no rule: %j',
    (name) => {
      expect(parseRule(name)).toBeUndefined();
    },
  );
});

describe('a policy that can not be meant is refused at construction', () => {
  const path = (text: unknown) => ({ exclude: [text] });
  test.each<[unknown, string]>([
    [
      'input.captcha',
      'Expected `fingerprint` to be a function, an object with either `exclude` or `versions`, or null',
    ],
    [{}, 'Expected `fingerprint` to be a function'],
    [{ excludes: [] }, 'Expected `fingerprint` to be a function'],
    [{ exclude: [], versions: {} }, 'either `exclude` or `versions`'],
    [{ exclude: 'captcha' }, 'Expected `fingerprint.exclude` to be an array of at most 50 paths'],
    [{ exclude: Array(51).fill('a') }, 'an array of at most 50 paths'],
    [
      path(''),
      'Expected `fingerprint.exclude[0]` to be a path such as input.captchaToken, got "", which has an empty name',
    ],
    [path('a..b'), 'got "a..b", which has an empty name'],
    [path('.a'), 'which has an empty name'],
    [path('a.'), 'which has an empty name'],
    [path('items*.a'), 'which has a * that is not a whole name'],
    [path('\ud800'), 'which is not well-formed Unicode'],
    [path('a'.repeat(256)), 'which has more than 255 UTF-16 units'],
    [
      path(7),
      'Expected `fingerprint.exclude[0]` to be a path such as input.captchaToken, which is of type number',
    ],
    [path(['a']), 'which is of type object'],
    [path(null), 'which is of type null'],
    [['exclude'], 'Expected `fingerprint` to be a function'],
    [5, 'Expected `fingerprint` to be a function'],
    ...['hash', null, 5, []].map((versions): [unknown, string] => [
      { versions },
      'Expected `fingerprint.versions` to be an object of functions, the current one first',
    ]),
    [{ versions: {} }, 'Expected `fingerprint.versions` to be an object of functions, the current one first'],
    [{ versions: { 2: () => 1 } }, 'Expected `fingerprint.versions` to have names such as v2, got "2"'],
    ...['v 2', '2v', ' v2', 'v2:', 'é', '-v', `v${'2'.repeat(40)}`].map((name): [unknown, string] => [
      { versions: { [name]: () => 1 } },
      'to have names such as v2',
    ]),
    [{ versions: { v2: 'hash' } }, 'Expected `fingerprint.versions.v2` to be a function, got string'],
  ])('%j', (fingerprint, message) => {
    const options = { store: createMemoryStore(), fingerprint } as never;
    expect(() => createIdempotency(options)).toThrow(TypeError);
    expect(() => createIdempotency(options)).toThrow(message);
  });
});

test('null counts all of the input, and paths count once, in whatever order', () => {
  expect(resolveFingerprint(null, '')).toEqual({ exclude: [], versions: new Map() });
  const paths = ['input.captcha', '*', 'items.*.seenAt', 'input.captcha', 'a'.repeat(255)];
  const exclude = ['*', 'a'.repeat(255), 'input.captcha', 'items.*.seenAt'];
  expect(resolveFingerprint({ exclude: paths }, '')).toEqual({ exclude, versions: new Map() });
  expect(resolveFingerprint({ exclude: Array(50).fill('a') }, '').exclude).toEqual(['a']);
});

test.each(['v1', 'order-2_b', '_', 'V', `v${'2'.repeat(39)}`])('a version may be named %s', (name) => {
  const versions = { [name]: () => 1 };
  expect(resolveFingerprint({ versions }, '')).toEqual({
    exclude: [],
    versions: new Map(Object.entries(versions)),
  });
});

test('a bare function is version v1, and the first version is the current one', () => {
  const [one, two] = [() => 1, () => 2];
  expect(resolveFingerprint(one, '')).toEqual(resolveFingerprint({ versions: { v1: one } }, ''));
  expect([...resolveFingerprint({ versions: { v2: two, v1: one } }, '').versions.keys()]).toEqual([
    'v2',
    'v1',
  ]);
});

test.each([
  ['5', 5],
  ['-0.5', -0.5],
  ['1e3', 1000],
  ['9007199254740991', 9007199254740991],
  ['9007199254740993', '9007199254740993'],
  ['1234567890.12345', 1234567890.12345],
  ['0.12345678901234567', '0.12345678901234567'],
  ['1e400', '1e400'],
])('the number %s is shown as it is, or as its text', (text, shown) => {
  expect(exactNumber(text)).toBe(shown);
});
