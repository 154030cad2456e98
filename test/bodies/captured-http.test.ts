import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createIdempotencyHandler } from '../../plugin/http/index.ts';
import type { Policy } from '../../server/index.ts';
import { startApi } from '../http/api.ts';
import type { Sent } from '../http/client.ts';
import type { Handler } from '../http/server.ts';

const SECRET = 'hunter2';
const json = { 'content-type': 'application/json' };
const credentials = {
  authorization: `Bearer ${SECRET}`,
  cookie: `session=${SECRET}`,
  'proxy-authorization': SECRET,
};
const ok: Handler = () => Response.json({ ok: true });

async function start(policy: Policy, handler = ok, options = {}) {
  const api = await startApi(handler, { engine: { captureRequest: true, ...policy }, ...options });
  return Object.assign(api, {
    async captured() {
      const [record] = await api.records();
      return JSON.parse(await api.idempotency.open(record as never, 'request'));
    },
  });
}

describe('a captured HTTP request', () => {
  test('has method, path, chosen headers and body; what lets one in is never in it', async () => {
    await using api = await start({}, ok, { captureHeaders: ['X-Tenant'] });
    const headers = { ...json, ...credentials, 'x-tenant': 'acme', 'x-other': 'no' };
    await api.send({ key: 'k', path: '/pay?dry=1', headers, body: '{"amount": 5}' });
    expect(await api.captured()).toEqual({
      method: 'POST',
      path: '/pay?dry=1',
      headers: [
        ['content-type', 'application/json'],
        ['x-tenant', 'acme'],
      ],
      text: '{"amount": 5}',
    });
    expect(JSON.stringify(await api.records())).not.toContain(SECRET);
  });

  test('whose body is no text has it in base64; one without a body has none', async () => {
    await using api = await start({});
    await api.send({ key: 'k', body: new Uint8Array([0xff, 0x00]) });
    expect(await api.captured()).toMatchObject({ base64: '/wA=' });
    await using empty = await start({});
    await empty.send({ key: 'k' });
    const sent = await empty.captured();
    expect([sent.text ?? '', sent.base64]).toEqual(['', undefined]);
  });

  test.each(['Authorization', 'cookie', 'Proxy-Authorization'])('%s can not be asked for', async (name) => {
    await using api = await start({});
    const { idempotency } = api;
    const idempotent = createIdempotencyHandler({ idempotency, scope: () => 'global' });
    expect(() => idempotent(ok, { captureHeaders: [name] })).toThrow(
      `Expected \`captureHeaders\` not to hold ${name}, which is never captured`,
    );
  });
});

describe('hidden names', () => {
  const redact = ['password', 'x-api-key'];
  const form = { 'content-type': 'application/x-www-form-urlencoded' };

  test.each<[string, Sent]>([
    ['in JSON', { headers: json, body: `{"a":[{"Password":"${SECRET}"}]}` }],
    [
      'in JSON of another type',
      {
        headers: { 'content-type': 'application/vnd.api+json; charset=utf-8' },
        body: `{"password":"${SECRET}"}`,
      },
    ],
    [
      'given twice in JSON, then as null',
      { headers: json, body: `{"password":"${SECRET}","password":null}` },
    ],
    ['in a form', { headers: form, body: `a=1&password=${SECRET}` }],
    ['in the query', { path: `/login?password=${SECRET}&a=1`, headers: json, body: '{}' }],
    ['in what says it is JSON, and is not', { headers: json, body: `{"password":"${SECRET}"` }],
    [
      'in what can not be looked into',
      { headers: { 'content-type': 'application/xml' }, body: `<password>${SECRET}</password>` },
    ],
    [
      'in what is compressed',
      { headers: { ...json, 'content-encoding': 'gzip' }, body: gzipSync(`{"password":"${SECRET}"}`) },
    ],
  ])('%s are not stored', async (_, sent) => {
    await using api = await start({ redact });
    expect((await api.send({ key: 'k', ...sent })).status).toBe(200);
    const [record] = await api.records();
    expect(record).toMatchObject({ request: { format: 'http/1', omitted: 'redacted' } });
    const text = await api.idempotency.open(record as never, 'request');
    expect(text).toContain('POST');
    expect(text).not.toContain(SECRET);
    expect(Buffer.from(JSON.parse(text).base64 ?? '', 'base64').toString('latin1')).not.toContain(
      '\u001f\u008b',
    );
  });

  test('in a header that is captured, or stored with the answer, are not stored', async () => {
    const handler: Handler = () => Response.json({}, { headers: { 'x-api-key': SECRET } });
    await using api = await start({ redact }, handler, {
      captureHeaders: ['x-api-key'],
      headers: ['x-api-key'],
    });
    await api.send({ key: 'k', headers: { ...json, 'x-api-key': SECRET }, body: '{}' });
    expect(JSON.stringify(await api.records())).not.toContain(SECRET);
  });

  test('do not keep what has none of them from being whole', async () => {
    await using api = await start({ redact });
    const sent = {
      key: 'k',
      path: '/pay?a=b',
      headers: json,
      body: '{ "amount": 1e0, "a\\":": [{"b":"c: \\"d\\":"}] }',
    };
    const first = await api.send(sent);
    expect(await api.send(sent)).toMatchObject({ replayed: true, text: first.text });
    expect(await api.captured()).toMatchObject({ path: '/pay?a=b', text: sent.body });
    expect((await api.records())[0]?.request).not.toHaveProperty('omitted');
  });

  test('in an answer that is no JSON: it is left out, and a retry is told', async () => {
    await using api = await start({ redact }, () => new Response(`password: ${SECRET}`, { status: 201 }));
    expect((await api.send({ key: 'k' })).text).toContain(SECRET);
    const [record] = await api.records();
    expect(await api.idempotency.open(record as never, 'response')).toBe(
      '{"status":201,"headers":[["content-type","text/plain;charset=UTF-8"]]}',
    );
    expect(JSON.parse((await api.send({ key: 'k' })).text)).toMatchObject({
      status: 410,
      idempotency: { reason: 'redacted' },
    });
    expect(api.runs).toBe(1);
  });
});
