import { describe, expect, test } from 'vitest';
import { requestHeaders } from '../server/http/request-headers.ts';

/** What Next.js 15 gives: a promise that, for older code, has the methods of `Headers` too. */
const promised = Object.assign(Promise.resolve(new Headers()), { get: () => null });

describe('a header is found in each form that hosts keep headers in, whatever the case of its name', () => {
  test.each<[string, unknown]>([
    ['Headers', new Headers({ 'X-Key': 'a' })],
    [
      'what has a `get`, as a frozen copy of Headers has',
      { get: (name: string) => new Headers({ 'X-Key': 'a' }).get(name) },
    ],
    ['Node.js’s own', { host: 'x', 'x-key': 'a' }],
    ['a plain object as it was written', { 'X-Key': 'a' }],
    ['an object without a prototype', Object.assign(Object.create(null), { 'X-KEY': 'a' })],
    ['a Map', new Map([['X-Key', 'a']])],
    ['pairs', [['X-Key', 'a']]],
    ['an array of one value', { 'x-key': ['a'] }],
    ['a Map of arrays', new Map([['x-key', ['a']]])],
  ])('%s', (_, source) => {
    const headers = requestHeaders(source, 'ctx.headers');
    expect([headers?.get('x-key'), headers?.get('X-Key'), headers?.get('x-other')]).toEqual([
      'a',
      'a',
      undefined,
    ]);
  });
});

test.each<[string, unknown]>([
  [
    'Headers',
    new Headers([
      ['x-key', 'a'],
      ['X-Key', 'b'],
    ]),
  ],
  [
    'pairs',
    [
      ['x-key', 'a'],
      ['X-Key', 'b'],
    ],
  ],
  ['a plain object with both cases', { 'X-Key': 'a', 'x-key': 'b' }],
  [
    'a Map with both cases',
    new Map([
      ['X-Key', 'a'],
      ['x-key', 'b'],
    ]),
  ],
  ['an array of values', { 'x-key': ['a', 'b'] }],
])('a header that came twice has both values: %s', (_, source) => {
  expect(requestHeaders(source, '')?.get('x-key')).toBe('a, b');
});

test.each<[string, unknown, string | undefined]>([
  ['an empty value is there', { 'x-key': '' }, ''],
  ['a number is its digits', { 'x-key': 5 }, '5'],
  ['undefined is not there', { 'x-key': undefined }, undefined],
  ['no value is not there', { 'x-key': [] }, undefined],
  ['a name of every object is not there', { toString: undefined }, undefined],
])('%s', (_, source, value) => {
  expect(requestHeaders(source, '')?.get('x-key')).toBe(value);
});

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['null', null],
  ['a text', 'x-key: a'],
  ['a function that was not called', () => new Headers({ 'x-key': 'a' })],
  ['a flat list of names and values', ['x-key', 'a']],
])('where there is nothing to read is not the same as no such header: %s', (_, source) => {
  expect(requestHeaders(source, '')).toBeUndefined();
});

test.each<[string, unknown]>([
  ['a promise of Headers', Promise.resolve(new Headers({ 'x-key': 'a' }))],
  ['one with the methods of Headers', promised],
  // biome-ignore lint/suspicious/noThenProperty: a promise of another library
  ['what is no Promise, and can be awaited', { then: () => {} }],
])('%s is an error that says to await it', (_, source) => {
  expect(() => requestHeaders(source, 'ctx.headers')).toThrow(
    new TypeError(
      'Expected `ctx.headers` to be the headers of the request, got a promise of them; await it, such as `await headers()`',
    ),
  );
});
