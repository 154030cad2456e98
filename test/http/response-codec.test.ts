import { getRequestListener } from '@hono/node-server';
import { describe, expect, test } from 'vitest';
import { bufferResponse, Thrown } from '../../plugin/http/handled.ts';
import { createResponseCodec } from '../../plugin/http/response-codec.ts';
import { namesToStore } from '../../plugin/http/stored-headers.ts';

const codec = createResponseCodec(namesToStore(['location']));
const stored = async (response: Response) =>
  JSON.parse(codec.encode(await bufferResponse(response, 1_000)).body ?? 'null');

describe('a stored response', () => {
  test('can be read by an operator where it is text', async () => {
    expect(await stored(Response.json({ a: 'ü' }, { status: 201, statusText: 'Made' }))).toEqual({
      status: 201,
      statusText: 'Made',
      headers: [['content-type', 'application/json']],
      text: '{"a":"ü"}',
    });
  });

  test('is base64 where it is not', async () => {
    expect(await stored(new Response(Uint8Array.of(0xff)))).toEqual({
      status: 200,
      headers: [],
      base64: '/w==',
    });
  });

  test('tells an empty body from none', async () => {
    expect(await stored(new Response(''))).toMatchObject({ text: '' });
    expect(await stored(new Response(null))).toEqual({ status: 200, headers: [] });
  });

  test.each([
    [200, 'success'],
    [304, 'success'],
    [400, 'error'],
    [503, 'error'],
  ])('with %i is a %s', async (status, outcome) => {
    expect(codec.encode(await bufferResponse(new Response(null, { status }), 0))).toMatchObject({
      outcome,
      started: true,
    });
  });

  test('of a handler that threw there is none', () => {
    const error = new Error('boom');
    expect(codec.encode(new Thrown(error))).toEqual({
      outcome: 'error',
      body: undefined,
      started: true,
      result: error,
    });
  });
});

test.each([
  'null',
  '{}',
  '{"status":"200","headers":[]}',
  '{"status":999,"headers":[]}',
  '{"status":200}',
  '{"status":200,"headers":[["a b","c"]]}',
  '{"status":204,"headers":[],"text":"x"}',
  '{"status":200,"headers":[],"text":"cut',
])('case 26: a damaged one is never answered: %s', (body) => {
  expect(() => codec.decode(body)).toThrow();
  // This server replaces `Response` by a class that checks nothing.
  getRequestListener(() => new Response());
  expect(() => codec.decode(body)).toThrow();
});
