import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { startApi } from './api.ts';
import { streamOf } from './bodies.ts';
import { refusalIn, repeated } from './client.ts';

const binary = Uint8Array.from({ length: 256 }, (_, index) => index);

describe('case 8: a replay repeats byte for byte', () => {
  test.each<[string, () => Response]>([
    ['JSON', () => Response.json({ id: 1, $set: { 'a.b': 'ü' } }, { status: 201 })],
    ['0', () => Response.json(0)],
    ['false', () => Response.json(false)],
    ['null', () => Response.json(null)],
    ['an empty text', () => new Response('')],
    ['no body', () => new Response(null)],
    ['204', () => new Response(null, { status: 204 })],
    ['205', () => new Response(null, { status: 205 })],
    ['304', () => new Response(null, { status: 304, headers: { etag: '"1"' } })],
    ['a redirect', () => Response.redirect('http://shop.example/payments/1', 303)],
    ['a redirect that keeps the method', () => Response.redirect('http://shop.example/ü?a=b#c', 308)],
    [
      'a redirect to a relative address',
      () => new Response(null, { status: 302, headers: { location: '../1' } }),
    ],
    [
      'two links',
      () =>
        new Response('x', {
          headers: [
            ['link', '<a>; rel="x"'],
            ['link', '<b,c>; rel="y"'],
          ],
        }),
    ],
    [
      'two challenges',
      () =>
        new Response('x', {
          status: 401,
          headers: [
            ['www-authenticate', 'Basic'],
            ['www-authenticate', 'Bearer a="b, c"'],
          ],
        }),
    ],
    ['bytes that are no text', () => new Response(binary)],
    ['text with a byte order mark', () => new Response('\ufeffa,b\r\n')],
    ['nothing but a byte order mark', () => new Response('\ufeff')],
    ['UTF-16 with its byte order mark', () => new Response(Buffer.from('\ufeffÄ', 'utf16le'))],
    ['UTF-8 that breaks off in a character', () => new Response(Buffer.from('Ä').subarray(0, 1))],
    ['a surrogate encoded by itself', () => new Response(Uint8Array.of(0xed, 0xa0, 0x80))],
    ['a Blob with its type', () => new Response(new Blob([binary], { type: 'image/x-own' }))],
    ['a form with a file', () => new Response(formWith(binary))],
    ['a NUL', () => new Response('a\0b')],
    ['a form', () => new Response(new URLSearchParams({ a: '1' }))],
    ['a refusal', () => Response.json({ error: 'declined' }, { status: 402 })],
    ['an error', () => new Response('upstream is down', { status: 502 })],
    [
      'words of its own for the status',
      () => new Response('x', { status: 299, statusText: 'Paid Twice Over' }),
    ],
    ['a body that comes in pieces', () => new Response(streamOf(['a', 'b', 'c']))],
  ])('%s', async (_, respond) => {
    await using api = await startApi(async () => respond());
    const first = await api.send({ key: 'k' });
    const second = await api.send({ key: 'k' });
    expect(second.replayed).toBe(true);
    expect(repeated(second)).toEqual(repeated(first));
    for (const name of ['location', 'link', 'www-authenticate', 'etag'])
      expect(second.headers[name]).toEqual(first.headers[name]);
    expect(api.runs).toBe(1);
  });

  test('a body that the handler compressed, with the name of the coding', async () => {
    const compressed = brotliCompressSync('{"paid":true}');
    const headers = { 'content-encoding': 'br', 'content-type': 'application/json' };
    await using api = await startApi(async () => new Response(compressed, { headers }));
    await api.send({ key: 'k' });
    const second = await api.send({ key: 'k' });
    expect(second).toMatchObject({ replayed: true, headers });
    expect(brotliDecompressSync(second.bytes).toString()).toBe('{"paid":true}');
  });
});

describe('an answer that can not be given leaves the key in doubt, and the handler does not run again', () => {
  const read = async () => {
    const response = Response.json({ id: 1 });
    await response.text();
    return response;
  };
  const locked = () => {
    const response = Response.json({ id: 1 });
    response.body?.getReader();
    return response;
  };
  test.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['null', () => null],
    ['a text', () => 'paid'],
    ['an object that is no response', () => ({ id: 1 })],
    ['an object with a status', () => ({ status: 200 })],
    ['a network error', () => Response.error()],
    ['a response whose body was read', read],
    ['a response whose body somebody reads', locked],
    ['a response that another call has given', () => shared],
  ])('%s', async (_, respond) => {
    await using api = await startApi(async () => respond() as Response);
    expect(await api.send({ key: 'k' })).toMatchObject({ status: 500 });
    expect(api.failures).toEqual([expect.any(Error)]);
    const retry = await api.send({ key: 'k' });
    expect([retry.status, refusalIn(retry).code]).toEqual([409, 'IDEMPOTENCY_IN_DOUBT']);
    expect(api.runs).toBe(1);
  });
});

const shared = new Response('once');
await shared.text();

function formWith(bytes: Uint8Array<ArrayBuffer>): FormData {
  const form = new FormData();
  form.set('note', 'ü');
  form.set('scan', new File([bytes], 'scan.pdf', { type: 'application/pdf' }));
  return form;
}

describe('of the headers', () => {
  const everything = () => {
    const headers = new Headers({
      'content-type': 'text/csv',
      location: '/payments/1',
      etag: '"1"',
      'x-request-id': 'r1',
      'x-total': '5',
      connection: 'close, X-Hop',
      'x-hop': 'here',
      date: 'Mon, 01 Jan 2001 00:00:00 GMT',
      'content-length': '1',
      'idempotent-replayed': 'true',
      'idempotency-expires': 'Mon, 01 Jan 2001 00:00:00 GMT',
    });
    headers.append('set-cookie', 'a=1; HttpOnly');
    headers.append('set-cookie', 'b=2');
    headers.append('link', '</1>; rel="next"');
    headers.append('link', '</9>; rel="last"');
    return new Response('x', { headers });
  };

  test('the first answer has all, the cookies one by one', async () => {
    await using api = await startApi(async () => everything());
    const { headers } = await api.send({ key: 'k' });
    expect(headers).toMatchObject({ 'x-request-id': 'r1', 'x-hop': 'here', 'content-length': '1' });
    expect(headers['set-cookie']).toEqual(['a=1; HttpOnly', 'b=2']);
  });

  test('the length is among them, of a first answer and of a replay', async () => {
    await using api = await startApi(async () => new Response('ü'));
    for (const replayed of [false, true]) {
      const answer = await api.send({ key: 'k' });
      expect(answer).toMatchObject({ text: 'ü', replayed, headers: { 'content-length': '2' } });
      expect(answer.headers).not.toHaveProperty('transfer-encoding');
    }
  });

  test('a replay has those that describe the result', async () => {
    await using api = await startApi(async () => everything());
    await api.send({ key: 'k' });
    const { headers } = await api.send({ key: 'k' });
    expect(headers).toMatchObject({
      'content-type': 'text/csv',
      location: '/payments/1',
      etag: '"1"',
      link: '</1>; rel="next", </9>; rel="last"',
      'idempotent-replayed': 'true',
    });
    for (const name of ['set-cookie', 'x-request-id', 'x-total', 'x-hop'])
      expect(headers).not.toHaveProperty(name);
    expect(headers.date).not.toBe('Mon, 01 Jan 2001 00:00:00 GMT');
  });

  test('a record holds no cookie, and nothing else that is not repeated', async () => {
    await using api = await startApi(async () => everything());
    await api.send({ key: 'k' });
    const [record] = await api.records();
    expect(record).toMatchObject({
      operation: 'POST',
      outcome: 'success',
      response: { format: 'http/1' },
    });
    expect(JSON.parse(record?.response.body)).toEqual({
      status: 200,
      headers: [
        ['content-type', 'text/csv'],
        ['etag', '"1"'],
        ['link', '</1>; rel="next", </9>; rel="last"'],
        ['location', '/payments/1'],
      ],
      text: 'x',
    });
    expect(JSON.stringify(record)).not.toMatch(/HttpOnly|b=2|r1|here/);
  });

  test('a replay has what `headers` names instead, but nothing that concerned one connection', async () => {
    await using api = await startApi(async () => everything(), { headers: ['X-Total', 'x-hop'] });
    await api.send({ key: 'k' });
    const { headers } = await api.send({ key: 'k' });
    expect(headers).toMatchObject({ 'content-type': 'text/csv', 'x-total': '5' });
    for (const name of ['location', 'x-hop']) expect(headers).not.toHaveProperty(name);
  });

  test('the marker of another service, passed on, does not make a first answer a replay', async () => {
    await using api = await startApi(async () => everything());
    expect((await api.send({ key: 'k' })).replayed).toBe(false);
    expect((await api.send()).replayed).toBe(true); // without a key it is not ours to change
  });
});
