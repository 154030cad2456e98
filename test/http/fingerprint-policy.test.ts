import { describe, expect, test } from 'vitest';
import type { HttpFingerprint } from '../../plugin/http/index.ts';
import { startApi, storeIn } from './api.ts';

type Fingerprint = HttpFingerprint<[]> | undefined;

const paid = async (request: Request) => new Response(`paid for ${await request.text()}`);
const json = (body: string, type = 'application/json') => ({
  key: 'k',
  body,
  headers: { 'content-type': type },
});
const start = (fingerprint: Fingerprint, more: object = {}) =>
  startApi(paid, { policy: fingerprint === undefined ? {} : { fingerprint }, ...more });
const excluding = { exclude: ['captcha', 'items.*.seenAt'] };
const order = '{"amount":9007199254740993,"captcha":"a","items":[{"sku":"s","seenAt":1}]}';

describe('what stands at an excluded path of a JSON body does not count', () => {
  test.each<[string, string]>([
    ['with another value', '{"amount":9007199254740993,"captcha":"b","items":[{"sku":"s","seenAt":2.5}]}'],
    ['left out', '{"amount":9007199254740993,"items":[{"sku":"s"}]}'],
    ['in another layout and order', '{ "items": [ {"sku": "\\u0073"} ],\n "amount": 9007199254740993 }'],
  ])('%s', async (_, body) => {
    await using api = await start(excluding);
    const first = await api.send(json(order));
    expect(await api.send(json(body))).toMatchObject({ status: 200, text: first.text, replayed: true });
    expect(api.runs).toBe(1);
    expect(await api.records()).toMatchObject([
      { fingerprint: expect.stringMatching(/^s1 without captcha,items\.\*\.seenAt:[0-9a-f]{64}$/) },
    ]);
  });

  test.each<[string, ReturnType<typeof json>]>([
    [
      'an amount that a parser would take for the same',
      json('{"amount":9007199254740992,"items":[{"sku":"s"}]}'),
    ],
    ['the text of a number', json('{"amount":"9007199254740993","items":[{"sku":"s"}]}')],
    ['what a number is hashed as', json('{"amount":["9007199254740993"],"items":[{"sku":"s"}]}')],
    ['another item', json('{"amount":9007199254740993,"items":[{"sku":"t"}]}')],
    ['a name twice, with two values', json(`${order.slice(0, -1)},"amount":1}`)],
    ['another type', json(order, 'application/vnd.api+json')],
    ['what is no JSON', json(order.slice(0, -1))],
    ['another path', { ...json(order), path: '/refunds' } as never],
  ])('all else does: %s', async (_, sent) => {
    await using api = await start(excluding);
    await api.send(json(order));
    expect((await api.send(sent)).status).toBe(422);
    expect(api.runs).toBe(1);
  });

  test.each<[string, string, string]>([
    ['no JSON', 'text/plain', order],
    ['JSON only by name', 'application/json', '{"captcha":"a"'],
    ['that has two values for one name', 'application/json', '{"captcha":"a","amount":1,"amount":2}'],
  ])('a body that is %s counts by its bytes', async (_, type, body) => {
    await using api = await start(excluding);
    await api.send(json(body, type));
    expect((await api.send(json(body.replace('"a"', '"b"'), type))).status).toBe(422);
    expect(await api.send(json(body, type))).toMatchObject({ replayed: true });
  });

  test('without a policy JSON counts as it was sent', async () => {
    await using api = await start(undefined);
    await api.send(json('{"a":1}'));
    expect((await api.send(json('{ "a":1}'))).status).toBe(422);
  });
});

describe("'json' compares what a JSON body says", () => {
  test.each<[string, string]>([
    [
      'in another layout',
      '{ "amount" : 9007199254740993,\n\t"items":[{"sku":"s","seenAt":1}],"captcha":"a" }',
    ],
    ['in another order', '{"items":[{"seenAt":1,"sku":"s"}],"captcha":"a","amount":9007199254740993}'],
    ['with escapes', order.replace('sku', '\\u0073ku')],
    ['with 1.0 for 1', order.replace('"seenAt":1', '"seenAt":1.0')],
    [
      'with exponents',
      order.replace('"seenAt":1', '"seenAt":10E-1').replace('9007199254740993', '9.007199254740993e+15'),
    ],
    ['with a name twice that says the same', `${order.slice(0, -1)},"captcha":"a"}`],
    ['with a name twice and one number', `${order.slice(0, -1)},"amount":9007199254740993.0}`],
  ])('%s it is the same request', async (_, body) => {
    await using api = await start('json');
    const first = await api.send(json(order));
    expect(await api.send(json(body))).toMatchObject({ status: 200, text: first.text, replayed: true });
    expect(api.runs).toBe(1);
    expect(await api.records()).toMatchObject([
      { fingerprint: expect.stringMatching(/^s1 as json:[0-9a-f]{64}$/) },
    ]);
  });

  test.each<[string, ReturnType<typeof json>]>([
    ['an amount that a parser would take for the same', json(order.replace('993', '992'))],
    ['another number', json(order.replace('"seenAt":1', '"seenAt":1.01'))],
    ['the text of a number', json(order.replace('9007199254740993', '"9007199254740993"'))],
    ['a field more', json(`${order.slice(0, -1)},"note":null}`)],
    ['items in another order', json(order.replace('[{', '[{},{'))],
    ['a name twice, with two values', json(`${order.slice(0, -1)},"amount":1}`)],
    ['another type', json(order, 'application/vnd.api+json')],
    ['what is no JSON', json(order.slice(0, -1))],
    ['another path', { ...json(order), path: '/refunds' } as never],
  ])('all else is another one: %s', async (_, sent) => {
    await using api = await start('json');
    await api.send(json(order));
    expect((await api.send(sent)).status).toBe(422);
    expect(api.runs).toBe(1);
  });

  test.each<[string, string, string]>([
    ['no JSON', 'text/plain', '{"a":1}'],
    ['JSON only by name', 'application/json', '{"a":1'],
    ['that has two values for one name', 'application/json', '{"a":1,"a":2}'],
  ])('a body that is %s counts by its bytes', async (_, type, body) => {
    await using api = await start('json');
    await api.send(json(body, type));
    expect((await api.send(json(` ${body}`, type))).status).toBe(422);
    expect(await api.send(json(body, type))).toMatchObject({ replayed: true });
  });

  test('for one handler, and null for one where all others have it', async () => {
    await using api = await start(undefined, { own: { fingerprint: 'json' } });
    await api.send(json('{"a":1}'));
    expect(await api.send(json('{ "a":1}'))).toMatchObject({ status: 200, replayed: true });
    await using exact = await start('json', { own: { fingerprint: null } });
    await exact.send(json('{"a":1}'));
    expect((await exact.send(json('{ "a":1}'))).status).toBe(422);
  });
});

describe('a fingerprint function', () => {
  test('says what counts of the body and the request, which the handler still gets whole', async () => {
    const shown: unknown[] = [];
    await using api = await start(async ({ operation, json, request, scope, key, clientKey }) => {
      shown.push([operation, json, await request.text(), scope, key, clientKey]);
      return [request.headers.get('x-tenant'), (json as { id: string }).id];
    });
    const send = (body: string, tenant: string, path = '/payments') =>
      api.send({ ...json(body), path, headers: { 'content-type': 'application/json', 'x-tenant': tenant } });
    const body = '{"id":"o1","amount":9007199254740993,"rate":1.50}';
    expect(await send(body, 'a')).toMatchObject({ text: `paid for ${body}` });
    expect(shown).toEqual([
      ['POST', { id: 'o1', amount: '9007199254740993', rate: 1.5 }, body, 'ada', 'k', 'k'],
    ]);
    expect(await send('{"id":"o1"}', 'a')).toMatchObject({ text: `paid for ${body}`, replayed: true });
    expect((await send('{"id":"o1"}', 'b')).status).toBe(422);
    expect((await send('{"id":"o1"}', 'a', '/refunds')).status).toBe(422);
    expect(api.runs).toBe(1);
  });

  test('sees no JSON where the body is none', async () => {
    await using api = await start(({ json }) => String(json));
    expect(await api.send({ key: 'k', body: 'text' })).toMatchObject({ status: 200 });
    expect(await api.send({ key: 'k', body: 'other' })).toMatchObject({ replayed: true });
  });

  test.each<[string, () => unknown, unknown]>([
    ['throws', () => Promise.reject(new Error('no database')), new Error('no database')],
    [
      'gives nothing',
      () => undefined,
      new TypeError(
        'Expected the `fingerprint` function of POST to return a value (null, if nothing counts), got undefined',
      ),
    ],
  ])('that %s is an error for the host: nothing runs, no key is used', async (_, fingerprint, error) => {
    await using api = await start(fingerprint);
    expect((await api.send(json(order))).status).toBe(500);
    expect(api.failures).toEqual([error]);
    expect([api.runs, api.claims]).toEqual([0, 0]);
  });
});

describe('case 25: a release with another policy', () => {
  const one: Fingerprint = () => 1;
  test.each<[string, Fingerprint, Fingerprint, number]>([
    ['excludes a path', undefined, excluding, 200],
    ['excludes it no more', excluding, undefined, 200],
    ['compares JSON by what it says', undefined, 'json', 200],
    ['compares JSON by its bytes again', 'json', null, 200],
    ['excludes a path of JSON that counted whole', 'json', excluding, 200],
    ['has a function', undefined, one, 200],
    ['has a new version beside the old one', one, { versions: { v2: () => 2, v1: () => 1 } }, 200],
    ['has a function no more', one, undefined, 500],
  ])('that %s', async (_, before, after, status) => {
    const collection = `keys_deploy_${crypto.randomUUID()}`;
    await using old = await start(before, { store: storeIn(collection) });
    await using renewed = await start(after, { store: storeIn(collection) });
    const first = await old.send(json(order));
    const retry = await renewed.send(json(order));
    expect(retry).toMatchObject({ status, replayed: status === 200 });
    if (status === 200) expect(retry.text).toBe(first.text);
    expect(renewed.runs).toBe(0);
  });
});
