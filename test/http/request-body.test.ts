import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type HttpCall, toNodeHandler } from '../../plugin/http/index.ts';
import { gate } from '../support/gate.ts';
import { listen } from '../support/listen.ts';
import { startApi } from './api.ts';
import { file, formOf } from './bodies.ts';
import { problemIn } from './client.ts';
import { serve } from './server.ts';

const echo = async (request: Request) => new Response(await request.arrayBuffer());

describe('the body of a keyed request', () => {
  test('reaches the handler whole: text, bytes and a form with a file', async () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256);
    await using api = await startApi(async (request) => {
      const type = request.headers.get('content-type') ?? '';
      if (!type.startsWith('multipart/')) return echo(request);
      const form = await request.formData();
      return new Response(form.get('scan') as File, { headers: { 'x-note': form.get('note') as string } });
    });
    expect((await api.send({ key: '1', body: 'Ärger' })).text).toBe('Ärger');
    expect((await api.send({ key: '2', body: bytes })).bytes.equals(bytes)).toBe(true);
    expect((await api.send({ key: '3', body: [bytes, bytes] })).bytes).toHaveLength(140_000);
    const answer = await api.send({ key: '4', ...(await formOf(['note', 'n'], ['scan', file(bytes)])) });
    expect(answer.headers).toMatchObject({ 'x-note': 'n', 'content-type': 'application/pdf' });
    expect(answer.bytes.equals(bytes)).toBe(true);
  });

  test('may be empty or missing, and both are the same', async () => {
    await using api = await startApi(async (request) => new Response(`<${await request.text()}>`));
    const headers = { 'x-user': 'ada', 'idempotency-key': 'k' };
    const missing = new Request(`${api.url}/payments`, { method: 'POST', headers });
    expect(await (await api.wrapped(missing)).text()).toBe('<>');
    expect(await api.send({ key: 'k', body: '' })).toMatchObject({ text: '<>', replayed: true });
  });

  test('is told apart by its last byte, and by bytes that are no text', async () => {
    await using api = await startApi(echo);
    await api.send({ key: 'k', body: Uint8Array.of(1, 0xff) });
    expect(await api.send({ key: 'k', body: Uint8Array.of(1, 0xfe) })).toMatchObject({ status: 422 });
    expect(await api.send({ key: 'k', body: Uint8Array.of(1, 0xff) })).toMatchObject({ replayed: true });
  });

  test('that comes in pieces without a length is the same as in one', async () => {
    await using api = await startApi(echo);
    await api.send({ key: 'k', body: [Buffer.from('ab'), Buffer.from('c')] });
    expect(await api.send({ key: 'k', body: 'abc' })).toMatchObject({ text: 'abc', replayed: true });
  });

  test('that was read before, by a parser in front, is an error for the host and runs nothing', async () => {
    await using api = await startApi(echo, {
      scope: async ({ request }) => (JSON.parse(await request.text()) as { user: string }).user,
    });
    expect(await api.send({ key: 'k', body: '{"user":"ada"}' })).toMatchObject({ status: 500 });
    expect(api.failures).toEqual([
      new TypeError(
        'Expected the body of a request with an idempotency key to be unread; let `scope` and what runs before ' +
          'idempotent(...) read a request.clone()',
      ),
    ]);
    expect([api.runs, api.claims]).toEqual([0, 0]);
  });

  test('that breaks off does not use the key', async () => {
    const broken = gate<unknown>();
    await using api = await startApi(echo);
    await using server = await serve(async (request) => {
      const answered = api.wrapped(request);
      answered.catch(broken.open);
      return answered;
    });
    const socket = connect(server.port, '127.0.0.1');
    socket.write(
      'POST / HTTP/1.1\r\nHost: h\r\nX-User: ada\r\nIdempotency-Key: k\r\nContent-Length: 9\r\n\r\nhalf',
    );
    socket.end();
    expect(await broken).toBeInstanceOf(Error);
    expect([api.runs, api.claims]).toEqual([0, 0]);
    expect(await api.send({ key: 'k', body: 'the whole' })).toMatchObject({
      text: 'the whole',
      replayed: false,
    });
  });
});

describe.each<[string, (call: HttpCall<[]>) => string | Promise<string>]>([
  ['that nobody has looked at', () => 'ada'],
  ['whose headers were looked at', ({ request }) => String(request.headers.get('x-user'))],
  [
    'of which a clone was read',
    async ({ request }) => `ada ${(await request.clone().arrayBuffer()).byteLength}`,
  ],
])('the body of a request %s', (_, scope) => {
  test('is whole, is compared to its last byte, and was used by the request that the host made', async () => {
    const requests: Request[] = [];
    await using api = await startApi(echo, {
      scope(call) {
        if (scope.length > 0) requests.push(call.request);
        return scope(call);
      },
    });
    const body = Buffer.alloc(140_000, 'abcdefg');
    const pieces = [body.subarray(0, 70_000), body.subarray(70_000)];
    expect((await api.send({ key: 'k', body: pieces })).bytes.equals(body)).toBe(true);
    expect(await api.send({ key: 'k', body })).toMatchObject({ status: 200, replayed: true });
    const changed = Buffer.concat([body.subarray(0, -1), Buffer.from('!')]);
    expect(await api.send({ key: 'k', body: changed })).toMatchObject({ status: 422 });
    expect(requests.map(({ bodyUsed }) => bodyUsed)).toEqual(requests.map(() => true));
    for (const request of requests) await expect(request.text()).rejects.toThrow(TypeError);
  });

  test('is refused where it is too large, and runs nothing', async () => {
    await using api = await startApi(echo, { scope, maxRequestBytes: 10 });
    const pieces = [Buffer.from('123456'), Buffer.from('78901')];
    expect(await api.send({ key: 'k', body: pieces })).toMatchObject({ status: 413 });
    expect([api.runs, api.claims]).toEqual([0, 0]);
  });

  test('that breaks off does not use the key', async () => {
    const broken = gate<unknown>();
    await using api = await startApi(echo, { scope });
    const handle = toNodeHandler(api.wrapped);
    await using server = await listen(createServer((req, res) => handle(req, res, broken.open)));
    const socket = connect(server.port, '127.0.0.1');
    const head =
      'POST / HTTP/1.1\r\nHost: h\r\nX-User: ada\r\nIdempotency-Key: k\r\nContent-Length: 9\r\n\r\n';
    socket.end(`${head}half`);
    expect(await broken).toBeInstanceOf(Error);
    expect([api.runs, api.claims]).toEqual([0, 0]);
  });
});

describe('the limit on request bodies', () => {
  const options = { maxRequestBytes: 10 };

  test.each([
    ['with a length', 'elf bytes …'],
    ['in pieces', [Buffer.from('123456'), Buffer.from('78901')]],
  ])('refuses a larger one, sent %s, before anything runs', async (_, body) => {
    await using api = await startApi(echo, options);
    const answer = await api.send({ key: 'k', body });
    expect(answer).toMatchObject({ status: 413, headers: { 'content-type': 'application/problem+json' } });
    expect(problemIn(answer)).toEqual({
      type: 'about:blank',
      title: 'Payload Too Large',
      status: 413,
      detail: 'A request with an idempotency key may have a body of at most 10 bytes',
      idempotency: { code: 'IDEMPOTENCY_REQUEST_TOO_LARGE', retryable: false, key: 'reuse' },
    });
    expect([api.runs, api.claims]).toEqual([0, 0]);
  });

  test('lets one of just that size through, and any without a key', async () => {
    await using api = await startApi(echo, options);
    expect(await api.send({ key: 'k', body: 'ten bytes.' })).toMatchObject({ status: 200 });
    expect(await api.send({ key: 'l', body: [Buffer.from('ten '), Buffer.from('bytes.')] })).toMatchObject({
      text: 'ten bytes.',
    });
    expect(await api.send({ body: 'any number of bytes' })).toMatchObject({ text: 'any number of bytes' });
  });

  test('is 10 MiB by default', async () => {
    await using api = await startApi(echo);
    const answer = (size: number) => {
      const headers = { 'x-user': 'ada', 'idempotency-key': String(size) };
      return api.wrapped(new Request(api.url, { method: 'POST', headers, body: Buffer.alloc(size) }));
    };
    expect(await answer(10_485_761)).toMatchObject({ status: 413 });
    expect(await answer(10_485_760)).toMatchObject({ status: 200 });
  });

  test('does not wait for the rest of what is too large', async () => {
    await using api = await startApi(echo, options);
    const socket = connect(api.port, '127.0.0.1');
    socket.write(
      'POST / HTTP/1.1\r\nHost: h\r\nX-User: ada\r\nIdempotency-Key: k\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    socket.write('b\r\nmore to com\r\n');
    const [head] = await once(socket, 'data');
    expect(String(head)).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
  });
});
