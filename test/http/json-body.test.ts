import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimalOf } from '../../plugin/http/decimal.ts';
import { comparableJson } from '../../plugin/http/json-body.ts';
import { fingerprintOf } from '../../server/engine/fingerprint.ts';

const of = (text: string) => {
  const json = comparableJson('application/json', Buffer.from(text));
  if (json === undefined) throw new TypeError(`Expected JSON, got ${text}`);
  return fingerprintOf('POST /pay', { json }, 's1 as json');
};

/** A JSON text as a tree, so that the same value can be written in several ways. */
type Tree =
  | { readonly of: 'list'; readonly items: readonly Tree[] }
  | { readonly of: 'object'; readonly members: readonly (readonly [string, Tree])[] }
  | { readonly of: 'number'; readonly digits: bigint; readonly exponent: number }
  | { readonly of: 'text'; readonly text: string }
  | { readonly of: 'word'; readonly word: string };

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({
      of: fc.constant('number' as const),
      digits: fc.bigInt(-(10n ** 20n), 10n ** 20n),
      exponent: fc.integer({ min: -30, max: 30 }),
    }),
    fc.record({ of: fc.constant('text' as const), text: fc.string({ unit: 'grapheme', maxLength: 5 }) }),
    fc.record({ of: fc.constant('word' as const), word: fc.constantFrom('true', 'false', 'null') }),
    fc.record({ of: fc.constant('list' as const), items: fc.array(tie('tree'), { maxLength: 4 }) }),
    fc.record({
      of: fc.constant('object' as const),
      members: fc.uniqueArray(fc.tuple(fc.string({ maxLength: 4 }), tie('tree')), {
        selector: ([name]) => name,
        maxLength: 4,
      }),
    }),
  ),
}));

/** Makes one choice after the other: numbers that a property draws, so that a failure shrinks. */
type Choose = (of: number) => number;
const chooser = (choices: readonly number[]): Choose => {
  let at = 0;
  return (of) => (choices[at++ % choices.length] as number) % of;
};

/** Writes a value in one of its ways. */
function written(node: Tree, choose: Choose): string {
  const gap = () => ['', ' ', '\n\t'][choose(3)] as string;
  switch (node.of) {
    case 'list':
      return `[${node.items.map((item) => gap() + written(item, choose) + gap()).join(',')}]`;
    case 'object': {
      const from = choose(node.members.length || 1);
      const members = [...node.members.slice(from), ...node.members.slice(0, from)];
      return `{${members.map(([name, value]) => `${gap()}${quoted(name, choose)}${gap()}:${gap()}${written(value, choose)}`).join(',')}}`;
    }
    case 'number':
      return writtenNumber(node, choose);
    case 'text':
      return quoted(node.text, choose);
    case 'word':
      return node.word;
  }
}

function writtenNumber({ digits, exponent }: { digits: bigint; exponent: number }, choose: Choose): string {
  const shift = choose(4);
  const sign = digits < 0n ? '-' : '';
  const text = String(digits < 0n ? -digits : digits);
  const e = ['e', 'E'][choose(2)];
  const power = (by: number) =>
    by === 0 && choose(2) === 0 ? '' : `${e}${by >= 0 && choose(2) === 0 ? '+' : ''}${by}`;
  if (choose(2) === 0)
    return `${sign}${text === '0' ? '0' : text + '0'.repeat(shift)}${power(exponent - (text === '0' ? 0 : shift))}`;
  const padded = text.padStart(shift + 2, '0');
  const at = padded.length - shift - 1;
  const whole = padded.slice(0, at).replace(/^0+(?=\d)/, '');
  return `${sign}${whole}.${padded.slice(at)}${power(exponent + shift + 1)}`;
}

function quoted(text: string, choose: Choose): string {
  if (choose(2) === 0) return JSON.stringify(text);
  const units = Array.from({ length: text.length }, (_, at) =>
    text.charCodeAt(at).toString(16).padStart(4, '0'),
  );
  return `"${units.map((unit) => `\\u${unit}`).join('')}"`;
}

/** Says what a value is in one way: exactly, by rationals of big integers. */
function meaning(node: Tree): unknown {
  switch (node.of) {
    case 'list':
      return node.items.map(meaning);
    case 'object':
      return {
        object: Object.fromEntries(
          node.members
            .toSorted(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, value]) => [`:${name}`, meaning(value)]),
        ),
      };
    case 'number':
      return { number: String(node.digits * 10n ** BigInt(node.exponent + 30)) };
    case 'text':
      return node.text;
    case 'word':
      return { word: node.word };
  }
}

const choices = fc.array(fc.nat(1_000), { minLength: 5, maxLength: 60 });

describe('a JSON body', () => {
  it('is the same in whatever way its value is written', () => {
    fc.assert(
      fc.property(tree, choices, choices, (node, some, others) => {
        const [one, other] = [written(node, chooser(some)), written(node, chooser(others))];
        expect(of(one), `${one} and ${other}`).toBe(of(other));
      }),
      { numRuns: 500 },
    );
  });

  it('of another value is another one', () => {
    fc.assert(
      fc.property(tree, tree, choices, (one, other, some) => {
        const isSame = JSON.stringify(meaning(one)) === JSON.stringify(meaning(other));
        expect(of(written(one, chooser(some))) === of(written(other, chooser(some)))).toBe(isSame);
      }),
      { numRuns: 500 },
    );
  });

  it('has the same fingerprint in each release: records of an earlier one are compared by it', () => {
    expect(
      of('{"amount":9007199254740993,"items":[{"sku":"é","n":1.50}],"note":null,"ok":true}'),
    ).toMatchInlineSnapshot(`"s1 as json:7299749870fa525d35025db281b2c25a2f7d6a195a4a6028de8ea82f7226737b"`);
    expect(of('-0')).toMatchInlineSnapshot(
      `"s1 as json:58785c1f348957989370e450ffe2d4926d8ed2c8fba15dffb7b62c6c362cf307"`,
    );
    expect(of('[]')).toMatchInlineSnapshot(
      `"s1 as json:fef654e8efb4d3085970f8a7ab7fcd067e07ba066a80632ab10c18247935d44a"`,
    );
  });
});

describe('a number', () => {
  it.each([
    ['1e0', ['1', '1.0', '1.000', '10e-1', '0.1e1', '1E+0', '0.01E2']],
    ['-15e-1', ['-1.5', '-15e-1', '-0.15e1', '-1.50']],
    ['0', ['0', '-0', '0.0', '0e5', '-0.00e-7']],
    ['1e2', ['100', '1e2', '100.0']],
    ['9007199254740993e0', ['9007199254740993', '9007199254740993.0', '9.007199254740993e15']],
    ['9007199254740992e0', ['9007199254740992']],
    ['1e400', ['1e400', '10e399']],
    ['1e-400', ['1e-400', '0.1e-399']],
  ])('is %s, written as %j', (decimal, ways) => {
    for (const way of ways) expect(decimalOf(way)).toBe(decimal);
  });

  it('with an exponent that no program takes for a number counts as it is written', () => {
    expect(decimalOf('1e9999999999999999')).toBe('1e9999999999999999');
    expect(decimalOf('1.0e9999999999999999')).not.toBe(decimalOf('1e9999999999999999'));
  });

  it('of a million digits is read at once', () => {
    expect(decimalOf(`1${'0'.repeat(1_000_000)}`)).toBe('1e1000000');
    expect(decimalOf(`${'10'.repeat(500_000)}1`)).toHaveLength(1_000_003);
  });
});
