import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asCurl } from '../../dashboard/lib/as-curl.ts';
import { graphqlPieces } from '../../dashboard/lib/graphql-pieces.ts';
import { printJson, readJson } from '../../dashboard/lib/json-tree.ts';
import { readableBody } from '../../dashboard/lib/readable-body.ts';
import { piecesOf } from '../../dashboard/lib/verbatim.ts';
import { anyCharacter } from '../support/any-character.ts';

/** Reads a stored body, with its trees as JSON texts. */
function read(format: string, part: 'request' | 'response', body: unknown) {
  const node = readJson(typeof body === 'string' ? body : JSON.stringify(body));
  const found = node && readableBody(format, part, node);
  if (!found) return undefined;
  const trees = found.trees.map(({ label, node }) => [label, printJson(node).replace(/\s/g, '')]);
  const shown = Object.entries({ ...found, trees }).filter(
    ([, value]) => value !== null && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(shown);
}

const QUERY = 'mutation Pay($amount: Int!) {\n  pay(amount: $amount) { id }\n}';

describe('a stored body is read as', () => {
  it.each([
    [
      'a GraphQL document, and its variables',
      'graphql/1',
      'request',
      { query: QUERY, operationName: 'Pay', variables: { amount: 5 } },
      { query: QUERY, trees: [['Variables', '{"amount":5}']] },
    ],
    [
      'a GraphQL result, with its errors as the client got them',
      'graphql/1',
      'response',
      { data: null, errors: [['error', { message: 'No', path: ['pay'] }]] },
      { trees: [[null, '{"data":null,"errors":[{"message":"No","path":["pay"]}]}']] },
    ],
    [
      'a GraphQL result whose error was masked',
      'graphql/1',
      'response',
      { data: null, errors: [['unexpected', { path: ['pay'] }]] },
      { trees: [[null, '{"data":null,"errors":[{"path":["pay"]}]}']], note: expect.stringMatching(/masks/) },
    ],
    [
      'a call of a tRPC procedure',
      'trpc/1',
      'request',
      { path: 'refunds.create', input: { amount: 5 } },
      { start: 'refunds.create', trees: [['Input', '{"amount":5}']] },
    ],
    [
      'a tRPC result, without the notes of its transformer',
      'trpc/1 as s5f0',
      'response',
      { data: { json: { at: '2026-01-01' }, meta: { values: { at: ['Date'] } } } },
      { start: '200 OK', trees: [[null, '{"at":"2026-01-01"}']] },
    ],
    [
      'a tRPC error with its status',
      'trpc/1',
      'response',
      { error: { code: 'CONFLICT', message: 'Twice' } },
      { start: '409 CONFLICT', trees: [['Error', '{"code":"CONFLICT","message":"Twice"}']] },
    ],
    [
      'an HTTP request whose content is JSON',
      'http/1',
      'request',
      { method: 'POST', path: '/pay', headers: [['content-type', 'application/json']], text: '{"n":1}' },
      { start: 'POST /pay', headers: [['content-type', 'application/json']], trees: [[null, '{"n":1}']] },
    ],
    [
      'an HTTP response whose content is a text',
      'http/1',
      'response',
      { status: 201, statusText: 'Created', headers: [], text: 'two\nlines' },
      { start: '201 Created', text: 'two\nlines' },
    ],
    [
      'an HTTP response without content',
      'http/1',
      'response',
      { status: 204, headers: [] },
      { start: '204', note: 'It has no content.' },
    ],
    [
      'what a function returned, with all digits of its numbers',
      'json/1',
      'response',
      '{"data":{"id":9007199254740993}}',
      { trees: [[null, '{"id":9007199254740993}']] },
    ],
  ] as const)('%s', (_, format, part, body, shown) => {
    expect(read(format, part, body)).toEqual(shown);
  });

  it.each([
    ['own/1', 'response', { data: 1 }],
    ['graphql/1', 'request', { variables: {} }],
    ['http/1', 'response', { data: 1 }],
    ['graphql/1', 'response', [1]],
  ] as const)('no form that it does not have: %s %s %j', (format, part, body) => {
    expect(read(format, part, body)).toBeUndefined();
  });
});

describe('a GraphQL document in colours', () => {
  it('is the same text, whatever it is', () => {
    const text = fc.oneof(
      fc.string({ unit: anyCharacter }),
      fc.constantFrom(QUERY, '"""a"b"""', '{ f(a: "x\\"y") } # c'),
    );
    fc.assert(
      fc.property(text, (document) => {
        expect(
          graphqlPieces(document)
            .map(({ text }) => text)
            .join(''),
        ).toBe(document);
      }),
    );
  });

  it('has words of the language, variables and values apart', () => {
    const kinds = Object.fromEntries(graphqlPieces(`${QUERY} "t" # c`).map(({ text, kind }) => [text, kind]));
    expect(kinds).toMatchObject({
      mutation: 'keyword',
      pay: 'word',
      $amount: 'variable',
      '"t"': 'value',
      '# c': 'comment',
    });
  });
});

describe('a captured request as a command of curl', () => {
  it.each([
    [
      'graphql/1',
      { query: "{ f(a: 'x') }" },
      `curl -i "$API" \\\n  -H 'content-type: application/json' \\\n  -H 'idempotency-key: "a\\"b"' \\\n  --data-raw '{\n  "query": "{ f(a: '\\''x'\\'') }"\n}'`,
    ],
    [
      'http/1',
      {
        method: 'POST',
        path: '/pay?a=1',
        headers: [
          ['accept', '*/*'],
          ['Idempotency-Key', 'old'],
        ],
        text: 'n=1',
      },
      `curl -i -X 'POST' "$API"'/pay?a=1' \\\n  -H 'accept: */*' \\\n  -H 'idempotency-key: "a\\"b"' \\\n  --data-raw 'n=1'`,
    ],
    ['trpc/1', { path: 'pay' }, undefined],
    ['http/1', { headers: [] }, undefined],
  ])('of %s keeps each character from the shell', (format, body, command) => {
    expect(asCurl(format, JSON.stringify(body), 'a"b')).toBe(command);
  });
});

describe('a text of a body', () => {
  it.each([
    ['one\ntwo', ['one\ntwo']],
    ['one\r\ntwo\tthree', ['one\r\ntwo\tthree']],
    ['one\rtwo', ['one', 'U+000D', 'two']],
    ['a\u202eb\nc', ['a', 'U+202E', 'b\nc']],
  ])('%j keeps its lines, and shows what can not be seen: %j', (text, shown) => {
    expect(piecesOf(text, true).map(({ text }) => text)).toEqual(shown);
  });
});
