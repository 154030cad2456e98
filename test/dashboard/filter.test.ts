import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FILTER_STATES,
  filterOf,
  TERM_NAMES,
  type Term,
  termsFrom,
} from '../../dashboard/lib/filter-terms.ts';
import { listPath, paramsOf, searchOf } from '../../dashboard/lib/list-address.ts';
import { formatSearch, parseSearch } from '../../dashboard/lib/search-text.ts';
import { anyCharacter } from '../support/any-character.ts';

const text = fc.string({ unit: anyCharacter, minLength: 1, maxLength: 100 });
const duration = fc
  .tuple(fc.integer({ min: 1, max: 999 }), fc.constantFrom('s', 'm', 'h', 'd'))
  .map((parts) => parts.join(''));
const values = {
  state: fc.constantFrom(...FILTER_STATES),
  scope: text,
  op: text,
  key: text,
  age: fc.oneof(
    duration.map((ms) => `>${ms}`),
    duration.map((ms) => `<${ms}`),
    fc.tuple(duration, duration).map((ends) => ends.join('..')),
  ),
  started: fc
    .tuple(fc.integer({ min: 0, max: 4e9 }), fc.integer({ min: 1, max: 1e6 }))
    .map(([from, length]) =>
      [from, from + length].map((s) => `${new Date(s * 1_000).toISOString().slice(0, 19)}Z`).join('..'),
    ),
  error: fc.constantFrom('yes', 'no'),
};
const terms: fc.Arbitrary<Term[]> = fc
  .record(values, { requiredKeys: [] })
  .map((chosen) =>
    TERM_NAMES.flatMap((name) => (chosen[name] === undefined ? [] : [{ name, value: chosen[name] }])),
  );

describe('a search', () => {
  it.each<[string, Term[]]>([
    ['ord-1042', [{ name: 'key', value: 'ord-1042' }]],
    ['  ord 1042 ', [{ name: 'key', value: 'ord 1042' }]],
    ['say "hi" \\ there', [{ name: 'key', value: 'say "hi" \\ there' }]],
    ['https://a/b?c#d%2F', [{ name: 'key', value: 'https://a/b?c#d%2F' }]],
    [
      'scope:acme ord-1',
      [
        { name: 'scope', value: 'acme' },
        { name: 'key', value: 'ord-1' },
      ],
    ],
    [
      'scope:"two words" key:"scope:x"',
      [
        { name: 'scope', value: 'two words' },
        { name: 'key', value: 'scope:x' },
      ],
    ],
    ['key:00123', [{ name: 'key', value: '00123' }]],
    ['operation:chargeCard', [{ name: 'op', value: 'chargeCard' }]],
    [
      'status:error tenant:acme',
      [
        { name: 'state', value: 'completed' },
        { name: 'scope', value: 'acme' },
        { name: 'error', value: 'yes' },
      ],
    ],
    [
      'state:succeeded',
      [
        { name: 'state', value: 'completed' },
        { name: 'error', value: 'no' },
      ],
    ],
    ['state:"in doubt"', [{ name: 'state', value: 'in_doubt' }]],
    ['error:true', [{ name: 'error', value: 'yes' }]],
    ['', []],
    ['   ', []],
  ])('%j asks for %j', (typed, expected) => {
    expect(parseSearch(typed)).toEqual({ terms: expected, problem: null });
  });

  it.each([
    ['state:broken', /state: to be one of attention, .* got broken/],
    ['state:', /got nothing/],
    ['age:5m', /age: to be like >5m/],
    ['age:>', /age: to be like/],
    ['age:5m..', /age: to be like/],
    ['age:1x..2h', /age: to be like/],
    ['started:2026-01-31', /started: to be like 2026-01-31T08:00:00Z\.\./],
    ['started:2026-01-31T08:00:00Z..2026-01-31T07:00:00Z', /started: to be like/],
    ['error:maybe', /error: to be yes or no, got maybe/],
  ])('%j is refused, not guessed at', (typed, problem) => {
    expect(parseSearch(typed).problem).toMatch(problem);
  });

  it('reads back what it shows', () => {
    fc.assert(
      fc.property(terms, (given) => {
        expect(parseSearch(formatSearch(given)).terms).toEqual(given);
      }),
    );
  });
});

describe('the address of a list', () => {
  it('holds its terms, whatever is in them', () => {
    fc.assert(
      fc.property(terms, (given) => {
        expect(searchOf(new URLSearchParams(paramsOf(given)))).toEqual({ terms: given, problem: null });
      }),
    );
  });

  it('without terms asks for what needs attention', () => {
    const terms = [{ name: 'state', value: 'attention' }];
    expect(searchOf(new URLSearchParams())).toEqual({ terms, problem: null });
  });

  it('asks for all when it says so', () => {
    expect(listPath({})).toBe('/keys?all');
    expect(searchOf(new URLSearchParams('all'))).toEqual({ terms: [], problem: null });
  });

  it.each([
    ['state=indoubt&scope=acme', 'Expected state: to be one of attention'],
    ['age=x&scope=acme', 'Expected age: to be like >5m'],
    ['started=2026', 'Expected started: to be like'],
    ['error=maybe', 'Expected error: to be yes or no, got maybe'],
    ['scope=', 'Expected scope: to be a text of 1 to 1024 characters, got nothing'],
    [`key=${'k'.repeat(256)}`, 'Expected key: to be a text of 1 to 255 characters, got 256'],
    ['sate=in_doubt', 'Expected a filter by state, scope, op, key, age, started, error, got sate'],
    ['scope=acme&scope=globex', 'Expected scope: once, got it twice'],
  ])('%s can not be read as a whole: nothing of it is left out in silence', (address, problem) => {
    expect(searchOf(new URLSearchParams(address)).problem).toContain(problem);
  });
});

describe('a filter', () => {
  it.each([
    ['age:>5m', { olderThanMs: 300_000 }],
    ['age:<1.5h', { newerThanMs: 5_400_000 }],
    ['age:30s..7d', { olderThanMs: 30_000, newerThanMs: 604_800_000 }],
    ['error:no state:completed', { error: false, state: 'completed' }],
    ['op:orders.create', { operation: 'orders.create' }],
  ])('of %j is %j', (typed, expected) => {
    expect(filterOf(parseSearch(typed).terms)).toEqual(expected);
  });

  it('makes the terms that make it', () => {
    fc.assert(
      fc.property(terms, (given) => {
        expect(filterOf(termsFrom(filterOf(given)))).toEqual(filterOf(given));
      }),
    );
  });
});
