import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fingerprintOf, ruleOf } from '../../server/engine/fingerprint.ts';

const of = (args: unknown) => fingerprintOf('op', args);

describe('equal requests have equal fingerprints', () => {
  test('whatever the order of their fields', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (fields) => {
        const reversed = Object.fromEntries(Object.entries(fields).reverse());
        expect(of(reversed)).toBe(of(fields));
      }),
    );
  });

  test('an absent field and an undefined one are the same over HTTP', () => {
    expect(of({ a: 1, b: undefined })).toBe(of({ a: 1 }));
  });

  test('copies of Dates, Maps, Sets, bytes and big integers', () => {
    const make = () => ({
      d: new Date(5),
      m: new Map([['a', 1]]),
      s: new Set([1]),
      b: Buffer.from('x'),
      a: new Uint8Array([1, 2]).buffer,
      n: 10n,
    });
    expect(of(make())).toBe(of(make()));
  });

  test('the same bytes, however they are held', () => {
    const bytes = new Uint8Array([9, 1, 2, 9]);
    const held = [
      Buffer.from([1, 2]),
      new Uint8Array([1, 2]).buffer,
      bytes.subarray(1, 3),
      new DataView(bytes.buffer, 1, 2),
    ];
    expect(new Set(held.map(of)).size).toBe(1);
  });
});

describe('different requests have different fingerprints', () => {
  test('for any two JSON values that differ', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const equal = JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
        expect(of(a) === of(b)).toBe(equal);
      }),
      { numRuns: 2_000 },
    );
  });

  test('case 10: for the same arguments of another operation', () => {
    expect(fingerprintOf('createOrder', { id: 1 })).not.toBe(fingerprintOf('createRefund', { id: 1 }));
    expect(fingerprintOf('a', ['b'])).not.toBe(fingerprintOf('a["b"]', []));
  });

  const lookAlikes: [string, unknown, unknown][] = [
    ['case 30: nested lists', [[1], [2]], [[1, 2]]],
    ['case 30: nested and flat lists', [[1, 2]], [1, 2]],
    ['case 30: names and values joined elsewhere', { a: 'b', cd: 'e' }, { ab: 'c', d: 'e' }],
    ['a big integer and its text', 10n, '10'],
    ['a big integer and a number', 10n, 10],
    ['a Date and its text', new Date(0), new Date(0).toISOString()],
    ['a Map and an object', new Map([['a', 1]]), { a: 1 }],
    ['an empty Map and an empty object', new Map(), {}],
    ['two Maps', new Map([['a', 1]]), new Map([['a', 2]])],
    ['a Set and an array', new Set([1]), [1]],
    ['two Sets', new Set([1]), new Set([2])],
    ['two ArrayBuffers', new Uint8Array([1]).buffer, new Uint8Array([2]).buffer],
    ['bytes and their text', Buffer.from('x'), 'eA=='],
    ['NaN and null', Number.NaN, null],
    ['Infinity and NaN', Number.POSITIVE_INFINITY, Number.NaN],
    ['undefined and null in a list', [undefined], [null]],
    ['no argument and null', undefined, null],
    ['zero and false', 0, false],
    ['empty text and null', '', null],
    ['bytes that differ in the last one', Buffer.from([1, 2]), Buffer.from([1, 3])],
    ['text that differs in case', 'AbC', 'abc'],
    ['two lone surrogates', '\ud800', '\udbff'],
    ['composed and decomposed accents', '\u00e9', 'e\u0301'],
    ['case 17: an operator and its text', { $gt: '' }, '{"$gt":""}'],
    ['case 17: a proto field and none', JSON.parse('{"__proto__":{"x":1}}'), {}],
    ['two proto fields', JSON.parse('{"__proto__":{"x":1}}'), JSON.parse('{"__proto__":{"x":2}}')],
    ['integers beyond 2^53 as text', '9007199254740993', '9007199254740992'],
  ];
  test.each(lookAlikes)('%s', (_, a, b) => {
    expect(of(a)).not.toBe(of(b));
    expect(of({ in: [a] })).not.toBe(of({ in: [b] }));
  });

  const forgeries: [string, unknown, unknown][] = [
    ['a big integer', 10n, { $: 'bigint', content: '10' }],
    ['a Date', new Date(5), { $: 'date', content: '5' }],
    ['a Map', new Map([['a', 1]]), { $: 'map', content: [['a', 1]] }],
    ['an escaped name', { $: 1 }, { $$: 1 }],
    ['an escaped name inside a Map', new Map([['a', { $: 1 }]]), new Map([['a', { $$: 1 }]])],
  ];
  test.each(forgeries)('plain data can not pass for %s', (_, real, forged) => {
    expect(of(real)).not.toBe(of(forged));
  });
});

test('case 17: hashing changes no object prototype', () => {
  of(JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'));
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});

class OnlyGetters {
  get amount() {
    return 1;
  }
}

test.each([
  ['an object whose fields live on its class', new OnlyGetters()],
  ['a function', () => 1],
  ['a symbol', Symbol('s')],
  ['a Blob', new Blob(['x'])],
  [
    'a file of a server, with fields of its own',
    Object.assign(Object.create({ arrayBuffer: async () => new ArrayBuffer(1) }), { lastModified: 5 }),
  ],
  ['a form', new FormData()],
  ['a stream', new ReadableStream()],
  ['a regular expression', /x/],
  ['an object without fields, of a class without a name', Object.create(Object.create(Object.create(null)))],
])('%s is refused, with the way out in the message', (_, value) => {
  expect(() => of({ deep: [value] })).toThrow(/can not be fingerprinted; give a `fingerprint` function/);
});

test.each<[string, unknown, string]>([
  [
    'JSON',
    { b: 1, a: [true, null, -0, 1e21, 'é"\n\u2028'] },
    '0bff8f29d10a41dcbb64dbe748815aca2d4c5af56a11494075ab3894107d9032',
  ],
  [
    'names that are integers',
    { 10: 'ten', 9: 'nine', '-1': 0, Z: 0, a: 0, é: 0 },
    'fe0292522eb58f5383c0d75516d1ffd5c4ad63437976dccd42fa3fef8f11f8d1',
  ],
  [
    'names that every object has',
    JSON.parse('{"__proto__":{"x":1},"constructor":2}'),
    '30d0af8d7044b7abd9f117de7d89df726747d0e882267d00a09f790246d53fe3',
  ],
  [
    'names that start with $',
    { $: 1, $a: 2, a: 3 },
    '42a21331691cf397b450da172eefd175ac020b8805371a35f1d55edea1fed059',
  ],
  [
    'what JSON has no form for',
    {
      d: new Date(5),
      m: new Map([['a', undefined]]),
      s: new Set([1n]),
      b: Buffer.from('x'),
      n: Number.NaN,
      u: undefined,
      l: [undefined],
    },
    'ad49f8e55aedf0007da443dbfcb509ad1ffaaa83e48b396dccf769ec60085d98',
  ],
])('a record of an earlier release knows its request again: %s', (_, args, hash) => {
  expect(of(args)).toBe(`s1:${hash}`);
});

test('a circular structure and one nested a million deep are a TypeError that says so, never a crash', () => {
  const circular: { self?: unknown[] } = {};
  circular.self = [circular];
  for (const value of [circular, circular.self])
    expect(() => of(value)).toThrow(new TypeError('Converting circular structure to JSON'));
  expect(() => of(JSON.parse('['.repeat(1e6) + ']'.repeat(1e6)))).toThrow(
    expect.objectContaining({
      name: 'TypeError',
      message: 'The arguments are nested too deeply to fingerprint',
      cause: expect.any(RangeError),
    }),
  );
});

test('what stands at two places is not circular', () => {
  const shared = { items: [1] };
  expect(of([shared, { shared }, shared.items])).toBe(of([{ items: [1] }, { shared: { items: [1] } }, [1]]));
});

test('an object whose toJSON gives the object itself counts by its fields', () => {
  class Money {
    readonly cents: number;
    constructor(cents: number) {
      this.cents = cents;
    }
    toJSON() {
      return this;
    }
  }
  expect(of(new Money(1))).toBe(of({ cents: 1 }));
});

test.each([['a text'], [undefined], [{ deep: 1 }]])(
  'data with a field named as a file has its method is data: %o',
  (arrayBuffer) => {
    expect(of({ arrayBuffer, amount: 1 })).not.toBe(of({ arrayBuffer, amount: 2 }));
  },
);

test('an empty object of another realm is an empty object', () => {
  expect(of({ in: runInNewContext('({})') })).toBe(of({ in: {} }));
});

test.each([
  ['Maps', new Map([['a', 1]]), new Map([['a', 2]])],
  ['big integers', 1n, 2n],
])('what toJSON makes of an object is told apart too: %s', (_, a, b) => {
  expect(of({ toJSON: () => a })).not.toBe(of({ toJSON: () => b }));
});

test('class instances count by their own fields, and by toJSON where they have one', () => {
  class Money {
    readonly cents: number;
    constructor(cents: number) {
      this.cents = cents;
    }
  }
  class Decimal {
    #text: string;
    constructor(text: string) {
      this.#text = text;
    }
    toJSON() {
      return this.#text;
    }
  }
  expect(of(new Money(1))).not.toBe(of(new Money(2)));
  expect(of(new Decimal('1.0'))).not.toBe(of(new Decimal('2.0')));
});

describe('an object that has to be read first counts by what was read', () => {
  const contents = new Map<object, unknown>();
  const read = (content: unknown) => {
    const file = new File([], 'same name');
    contents.set(file, content);
    return file;
  };

  test.each<[string, (file: File) => unknown]>([
    ['alone', (file) => file],
    ['in a list', (file) => [1, [file]]],
    ['in a field', (file) => ({ $in: { file } })],
    ['in a Map', (file) => new Map([['file', file]])],
    ['in an instance of a class', (file) => Object.assign(new (class Scan {})(), { file })],
  ])('%s', (_, holding) => {
    const by = (file: File) => fingerprintOf('op', holding(file), undefined, contents);
    expect(by(read('a'))).toBe(by(read('a')));
    expect(by(read('a'))).not.toBe(by(read('')));
    expect(by(read(new Map([['a', 1]])))).not.toBe(by(read(new Map([['a', 2]]))));
    expect(() => by(new File([], 'not read'))).toThrow(TypeError);
  });
});

test('a fingerprint names its rule', () => {
  expect(ruleOf(of(1))).toBe('s1');
  expect(of(1)).toMatch(/^s1:[0-9a-f]{64}$/);
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, field]) => [name, sorted(field)]).concat([['object']]);
}
