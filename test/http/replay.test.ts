import { describe, expect, test } from 'vitest';
import { startApi } from './api.ts';
import { repeated } from './client.ts';

const created = async (request: Request) =>
  Response.json({ paid: await request.json() }, { status: 201, headers: { location: '/payments/1' } });
const PAYMENT = { headers: { 'content-type': 'application/json' }, body: '{"amount":5}' };

describe('a request with a key', () => {
  test.each(['POST', 'PATCH'])(
    '%s runs once; its retry gets the same answer, and says so',
    async (method) => {
      await using api = await startApi(created);
      const first = await api.send({ ...PAYMENT, method, key: '"k"' });
      const second = await api.send({ ...PAYMENT, method, key: '"k"' });
      expect(first).toMatchObject({ status: 201, text: '{"paid":{"amount":5}}', replayed: false });
      expect(first.headers).not.toHaveProperty('idempotent-replayed');
      expect(second).toMatchObject({ replayed: true, headers: { location: '/payments/1' } });
      expect(repeated(second)).toEqual(repeated(first));
      expect(api.runs).toBe(1);
    },
  );

  test('is the same with the key quoted, as the draft has it, and bare, as Stripe has it', async () => {
    await using api = await startApi(created);
    await api.send({ ...PAYMENT, key: '"8e03978e-40d5-43e8-bc93-6894a57f9324"' });
    const second = await api.send({ ...PAYMENT, key: '8e03978e-40d5-43e8-bc93-6894a57f9324' });
    expect(second.replayed).toBe(true);
  });

  test('may name the key in another header', async () => {
    await using api = await startApi(created, { headerName: 'X-Request-Key' });
    const sent = { ...PAYMENT, headers: { ...PAYMENT.headers, 'x-request-key': 'k' } };
    await api.send(sent);
    expect((await api.send(sent)).replayed).toBe(true);
    await api.send({ ...PAYMENT, key: 'k' });
    expect(api.runs).toBe(2);
  });

  test.each([
    ['another body', { body: '{"amount":6}' }],
    ['the same JSON in other bytes', { body: '{ "amount": 5 }' }],
    ['another content type', { headers: { 'content-type': 'application/merge-patch+json' } }],
    ['another coding of the body', { headers: { ...PAYMENT.headers, 'content-encoding': 'gzip' } }],
    ['another query', { path: '/payments?dry-run' }],
    ['case 10: another path', { path: '/refunds' }],
    ['case 10: another method', { method: 'PATCH' }],
  ])('is refused with %s', async (_, change) => {
    await using api = await startApi(created);
    await api.send({ ...PAYMENT, key: 'k' });
    const other = await api.send({ ...PAYMENT, ...change, key: 'k' });
    expect(other).toMatchObject({ status: 422, headers: { 'content-type': 'application/problem+json' } });
    expect(JSON.parse(other.text)).toMatchObject({
      idempotency: { code: 'IDEMPOTENCY_KEY_REUSED' },
    });
    expect(api.runs).toBe(1);
  });

  test('case 10: is refused for another path or method even where one operation names them all', async () => {
    await using api = await startApi(created, { operation: () => 'accounts' });
    await api.send({ ...PAYMENT, path: '/accounts/1', key: 'k' });
    const others = [{ path: '/accounts/2' }, { path: '/accounts/1', method: 'PATCH' }];
    for (const other of others) {
      expect(await api.send({ ...PAYMENT, ...other, key: 'k' })).toMatchObject({ status: 422 });
    }
    expect(api.runs).toBe(1);
  });

  test('has the name of its operation in its record; one without a name is an error for the host', async () => {
    await using api = await startApi(created, {
      operation: ({ request }) => new URL(request.url).pathname.slice(1),
    });
    await api.send({ ...PAYMENT, key: 'k' });
    expect(await api.records()).toMatchObject([{ operation: 'payments' }]);
    await api.send({ ...PAYMENT, path: '/', key: 'l' });
    expect(api.failures).toEqual([
      new TypeError('Expected `operation` to return a string that is not empty, got '),
    ]);
    expect(api.runs).toBe(1);
  });

  test('is the same through another name of the service', async () => {
    await using api = await startApi(created);
    await api.send({ ...PAYMENT, key: 'k' });
    const other = await api.send({
      ...PAYMENT,
      headers: { ...PAYMENT.headers, host: 'b.example' },
      key: 'k',
    });
    expect(other.replayed).toBe(true);
  });

  test('meets another one only in the same scope', async () => {
    await using api = await startApi(async (request) => new Response(request.headers.get('x-user')));
    const answers = ['ada', 'bob', 'ada'].map((user) => api.send({ key: 'k', user }));
    expect((await Promise.all(answers)).map((answer) => answer.text)).toEqual(['ada', 'bob', 'ada']);
    expect(api.runs).toBe(2);
  });
});

describe('a request passes by', () => {
  test.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])('with %s, whatever key it has', async (method) => {
    await using api = await startApi(async () => new Response('done'), { require: true });
    const answers = [await api.send({ method, key: 'k' }), await api.send({ method, key: '' })];
    expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
    expect([api.runs, api.claims]).toEqual([2, 0]);
  });

  test.each(['PUT', 'DELETE', 'GET'])('no more with %s once that is asked for', async (method) => {
    await using api = await startApi(async () => new Response('done'), { methods: [method.toLowerCase()] });
    await api.send({ method, key: 'k' });
    expect(await api.send({ method, key: 'k' })).toMatchObject({ text: 'done', replayed: true });
    await api.send({ method: 'POST', key: 'k' });
    expect(api.runs).toBe(2);
  });

  test('case 1: without a key, for each caller and each time, and leaves no record', async () => {
    await using api = await startApi(created);
    for (const user of ['ada', 'bob', 'ada']) {
      expect(await api.send({ ...PAYMENT, user })).toMatchObject({ status: 201, replayed: false });
    }
    expect([api.runs, api.claims]).toEqual([3, 0]);
  });

  test('without being read: it is the very request that the host made', async () => {
    const seen: Request[] = [];
    await using api = await startApi(async (request) => {
      seen.push(request);
      return new Response();
    });
    const request = new Request('http://api.example/', {
      method: 'POST',
      body: 'x',
      headers: { 'x-user': 'a' },
    });
    await api.wrapped(request);
    expect(seen).toEqual([request]);
    expect(request.bodyUsed).toBe(false);
  });

  test('while idempotency is switched off, even where a key is required or is not valid', async () => {
    await using api = await startApi(created, { engine: { enabled: false }, require: true });
    for (const key of ['k', 'k', '"', undefined]) {
      expect(await api.send({ ...PAYMENT, ...(key && { key }) })).toMatchObject({
        status: 201,
        replayed: false,
      });
    }
    expect([api.runs, api.claims]).toEqual([4, 0]);
  });
});
