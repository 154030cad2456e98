import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { getRequestListener } from '@hono/node-server';
import { createServerAdapter } from '@whatwg-node/server';
import express from 'express';
import { describe, expect, test } from 'vitest';
import { toNodeHandler } from '../../plugin/http/index.ts';
import { startApi } from './api.ts';
import { HOSTS, type Parser, startHost } from './hosts.ts';
import type { Handler } from './server.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const TEXT_TYPE = { 'content-type': 'text/plain' };
const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' };

/** Says which bytes came, and of which type. */
const echo: Handler = async (request) =>
  new Response(await request.arrayBuffer(), {
    status: 201,
    headers: { 'content-type': request.headers.get('content-type') ?? 'none' },
  });

/** What each parser reads, so that a request with it has been through the parser. */
const BODIES: Readonly<Record<Parser, { headers: Record<string, string>; body: string; other: string }>> = {
  none: { headers: JSON_TYPE, body: '{ "amount": 5.00 }', other: '{ "amount": 500 }' },
  json: { headers: JSON_TYPE, body: '{"amount":5,"to":"Ärger"}', other: '{"amount":500,"to":"Ärger"}' },
  form: { headers: FORM_TYPE, body: 'amount=5&to=ada+b', other: 'amount=500&to=ada+b' },
  text: { headers: TEXT_TYPE, body: 'Ärger 5', other: 'Ärger 500' },
  raw: { headers: TEXT_TYPE, body: 'Ärger 5', other: 'Ärger 500' },
  'json that keeps the bytes': {
    headers: JSON_TYPE,
    body: '{ "amount": 5.00 }',
    other: '{ "amount": 5.01 }',
  },
};

const ROWS = Object.entries(HOSTS).flatMap(([host, parsers]) =>
  Object.entries(parsers).map(([parser, start]) => [host, parser as Parser, start] as const),
);

describe('the same key with another amount is refused, and never answered with the first receipt', () => {
  test.each(ROWS)('%s, parser in front: %s', async (_, parser, start) => {
    await using api = await startApi(echo);
    await using host = await startHost(start, api.wrapped);
    const { headers, body, other } = BODIES[parser];

    const first = await host.send({ key: 'k', headers, body });
    expect(host.failures).toEqual([]);
    expect(first).toMatchObject({ status: 201, text: body, replayed: false });
    expect(first.headers['content-type']).toBe(headers['content-type']);
    const again = await host.send({ key: 'k', headers, body });
    expect(again).toMatchObject({ status: 201, text: body, replayed: true });
    expect(await host.send({ key: 'k', headers, body: other })).toMatchObject({
      status: 422,
      replayed: false,
    });
    expect(api.runs).toBe(1);
  });
});

describe('a retry after a deploy that put a parser in front, or took it away, gets the first answer', () => {
  test.each(ROWS.filter(([, parser]) => parser !== 'none'))('%s: %s', async (host, parser, start) => {
    await using api = await startApi(echo);
    await using before = await startHost(HOSTS[host]?.none ?? start, api.wrapped);
    await using after = await startHost(start, api.wrapped);
    const { headers, body } = BODIES[parser];
    const send = { key: 'k', headers, body };
    const first = await before.send(send);
    expect(await after.send(send)).toMatchObject({ text: first.text, replayed: true });
    expect(api.runs).toBe(1);
  });
});

describe('a body is what the client sent', () => {
  test.each(ROWS)(
    '%s, parser in front: %s: also empty, without a key, and of 50,000 bytes',
    async (_, parser, start) => {
      await using host = await startHost(start, echo);
      const { headers, body } = BODIES[parser];
      expect(await host.send({ headers, body })).toMatchObject({ status: 201, text: body });
      if (parser !== 'json that keeps the bytes') expect((await host.send({ body: '' })).text).toBe('');
      const large = `${'x'.repeat(50_000)}`;
      const whole =
        headers === JSON_TYPE ? JSON.stringify({ large }) : headers === FORM_TYPE ? `x=${large}` : large;
      expect((await host.send({ headers, body: whole })).text).toBe(whole);
    },
  );

  test.each(
    Object.entries(HOSTS).flatMap(([host, { raw, none }]) =>
      [raw, none].flatMap((start) => (start ? [[host, start] as const] : [])),
    ),
  )('%s: bytes that are no text', async (_, start) => {
    await using host = await startHost(start, echo);
    const body = Uint8Array.from({ length: 1_000 }, (_byte, at) => at % 256);
    const { bytes } = await host.send({ headers: { 'content-type': 'application/octet-stream' }, body });
    expect(bytes.equals(body)).toBe(true);
  });

  test('JSON in another layout counts as what the parser made of it', async () => {
    await using api = await startApi(echo);
    await using host = await startHost(HOSTS['Express 5']?.json as never, api.wrapped);
    const first = await host.send({ key: 'k', headers: JSON_TYPE, body: '{ "a": 1,\n"b": [1.0, null] }' });
    expect(first.text).toBe('{"a":1,"b":[1,null]}');
    expect(await host.send({ key: 'k', headers: JSON_TYPE, body: '{"a":1,"b":[1,null]}' })).toMatchObject({
      replayed: true,
    });
  });

  test('what was packed is unpacked by the parser, and says so', async () => {
    const told: Handler = async (request) =>
      new Response(`${request.headers.get('content-encoding')} ${await request.text()}`);
    const body = gzipSync('{"amount":5}');
    const headers = { ...JSON_TYPE, 'content-encoding': 'gzip' };
    for (const parser of ['json', 'json that keeps the bytes', 'raw'] as const) {
      await using host = await startHost(HOSTS['Express 5']?.[parser] as never, told);
      expect((await host.send({ headers, body })).text).toBe('null {"amount":5}');
    }
    await using fastify = await startHost(HOSTS.Fastify?.raw as never, async (request) => {
      const bytes = Buffer.from(await request.arrayBuffer());
      return new Response(`${request.headers.get('content-encoding')} ${bytes.equals(body)}`);
    });
    expect((await fastify.send({ headers, body })).text).toBe('gzip true');
  });
});

describe('a body that can not be had again is an error of the host, and nothing runs', () => {
  const express5 = (parser: express.RequestHandler): never =>
    (async (handler: Handler, failures: unknown[]) => {
      const app = express().use(parser);
      app.post('/payments', toNodeHandler(handler));
      app.use(((error, _request, response, _next) => {
        failures.push(error);
        response.status(500).end();
      }) satisfies express.ErrorRequestHandler);
      return { server: (await import('node:http')).createServer(app) };
    }) as never;
  const swallow: express.RequestHandler = (request, _response, next) => {
    request.resume().once('end', () => next());
  };
  const changed =
    (value: unknown): express.RequestHandler =>
    (request, response, next) =>
      express.json()(request, response, (error) => {
        request.body = value;
        next(error);
      });

  test.each<
    [
      string,
      express.RequestHandler,
      { headers?: Record<string, string>; body: string | Uint8Array | Uint8Array[] },
      RegExp,
    ]
  >([
    [
      'read by something unknown',
      swallow,
      { headers: JSON_TYPE, body: '{"a":1}' },
      /has read it and left nothing of it/,
    ],
    [
      'read by something unknown, in chunks',
      swallow,
      { body: [Buffer.from('a'), Buffer.from('b')] },
      /left nothing of it/,
    ],
    [
      'a form with files',
      swallow,
      { headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: '--x--' },
      /left nothing of it/,
    ],
    [
      'an integer beyond 2^53',
      express.json(),
      { headers: JSON_TYPE, body: '{"a":[{"n":9007199254740993}]}' },
      /made 9007199254740992 of the number `body\.a\[0\]\.n`/,
    ],
    [
      'bytes that are no UTF-8',
      express.text({ type: '*/*' }),
      { headers: TEXT_TYPE, body: Uint8Array.of(0x61, 0xff) },
      /bytes that are no UTF-8/,
    ],
    [
      'bytes that are no UTF-8, in chunks',
      express.text({ type: '*/*' }),
      { headers: TEXT_TYPE, body: [Uint8Array.of(0x61, 0xff), Uint8Array.of(0x62)] },
      /bytes that are no UTF-8/,
    ],
    [
      'JSON that a parser for text has unpacked',
      express.text({ type: '*/*' }),
      { headers: { ...JSON_TYPE, 'content-encoding': 'gzip' }, body: gzipSync('{"a":1}') },
      /left a text, which may be the JSON itself or what it says/,
    ],
    [
      'a form with names in brackets',
      express.urlencoded({ extended: true }),
      { headers: FORM_TYPE, body: 'a[b]=1' },
      /field `a`; parse forms with `extended: false`/,
    ],
    [
      'a Date in place of the JSON',
      changed({ at: new Date(0) }),
      { headers: JSON_TYPE, body: '{"at":0}' },
      /left an object of class Date at `body\.at`/,
    ],
    [
      'a Map in place of the JSON',
      changed(new Map([['a', 1]])),
      { headers: JSON_TYPE, body: '{"a":1}' },
      /left an object of class Map at `body`/,
    ],
  ])('%s', async (_, parser, sent, message) => {
    await using api = await startApi(echo);
    await using host = await startHost(express5(parser), api.wrapped);
    expect(await host.send({ key: 'k', ...sent })).toMatchObject({ status: 500 });
    expect(host.failures).toEqual([expect.any(TypeError)]);
    expect(String(host.failures[0])).toMatch(message);
    expect(String(host.failures[0])).toContain(
      'Put the handler before the parser, or let the parser keep the bytes',
    );
    expect([api.runs, api.claims]).toEqual([0, 0]);
  });

  test('and concerns nobody who does not read it', async () => {
    await using host = await startHost(express5(swallow), async () => new Response('fine'));
    expect((await host.send({ headers: JSON_TYPE, body: '{"a":1}' })).text).toBe('fine');
  });
});

describe('another adapter behind a body parser: the empty body is an error that names the parser, and nothing runs', () => {
  type Adapter = (handler: Handler) => (request: never, response: never) => unknown;
  test.each<[string, Adapter, string | Uint8Array[]]>([
    ['@whatwg-node/server', (handler) => createServerAdapter(handler), 'amount=5'],
    [
      '@whatwg-node/server, in chunks',
      (handler) => createServerAdapter(handler),
      [Buffer.from('amount'), Buffer.from('=5')],
    ],
    [
      '@hono/node-server',
      (handler) => getRequestListener(handler as never, { errorHandler: (error) => Promise.reject(error) }),
      'amount=5',
    ],
  ])('%s', async (_, adapt, body) => {
    await using api = await startApi(echo);
    const told: unknown[] = [];
    const handler: Handler = async (request) => {
      try {
        return await api.wrapped(request);
      } catch (error) {
        told.push(error);
        return new Response('the host was told', { status: 500 });
      }
    };
    const parser: express.RequestHandler = (request, _response, next) => {
      request.resume().once('end', () => next());
    };
    const start = async () => {
      const app = express()
        .use(parser)
        .use(adapt(handler) as never);
      return { server: (await import('node:http')).createServer(app) };
    };
    await using host = await startHost(start, handler);
    expect(await host.send({ key: 'k', headers: FORM_TYPE, body })).toMatchObject({ status: 500 });
    expect(String(told[0])).toMatch(
      /TypeError: .*a body parser in front \(such as express\.json\(\)\) has read it/,
    );
    expect([api.runs, api.claims]).toEqual([0, 0]);
  });
});

describe('the rest of a response goes through', () => {
  test.each(Object.entries(HOSTS).map(([host, { none }]) => [host, none as never] as const))(
    '%s',
    async (_, start) => {
      await using host = await startHost(start, (request) => {
        if (request.headers.get('x-case') === 'none')
          return new Response(null, { status: 204, headers: { 'x-a': 'b' } });
        const response = new Response('made', { status: 201, headers: { 'x-a': 'b' } });
        response.headers.append('set-cookie', 'a=1; Path=/');
        response.headers.append('set-cookie', 'b=2');
        response.headers.append('link', '<a>; rel="x"');
        response.headers.append('link', '<b>; rel="y"');
        return response;
      });
      const { status, headers, text } = await host.send({ body: '' });
      expect([status, text]).toEqual([201, 'made']);
      expect(headers).toMatchObject({
        'set-cookie': ['a=1; Path=/', 'b=2'],
        link: '<a>; rel="x", <b>; rel="y"',
        'x-a': 'b',
      });
      const empty = await host.send({ headers: { 'x-case': 'none' } });
      expect([empty.status, empty.text, empty.headers['x-a']]).toEqual([204, '', 'b']);
    },
  );

  test.each(Object.entries(HOSTS).map(([host, { none }]) => [host, none as never] as const))(
    '%s: an error of the handler is told to the host',
    async (name, start) => {
      const error = new Error(`of ${randomUUID()}`);
      await using host = await startHost(start, () => Promise.reject(error));
      const warned = new Promise((resolve) => process.once('warning', resolve));
      expect(await host.send({ body: '' })).toMatchObject({ status: 500 });
      if (name === 'node:http') expect(await warned).toBe(error);
      else expect(host.failures).toEqual([error]);
    },
  );

  test('the address is that of the client where a router is mounted below', async () => {
    await using host = await startHost(
      HOSTS['Express 5']?.none as never,
      (request) => new Response(request.url),
    );
    expect((await host.send({ path: '/mounted/a?b=c' })).text).toBe(
      `http://127.0.0.1:${host.port}/mounted/a?b=c`,
    );
    expect((await host.send({ path: '/mounted//evil.example/' })).text).toBe(
      `http://127.0.0.1:${host.port}/mounted//evil.example/`,
    );
  });

  test('the host’s own request is there for `scope`', async () => {
    await using host = await startHost(
      async (_handler, failures) => {
        const app = express();
        app.use((request, _response, next) => {
          Object.assign(request, { user: 'ada' });
          next();
        });
        app.post(
          '/payments',
          toNodeHandler((_request, { req }) => new Response((req as { user?: string }).user)),
        );
        return { server: (await import('node:http')).createServer(app), failures };
      },
      () => new Response(),
    );
    expect((await host.send()).text).toBe('ada');
  });
});
