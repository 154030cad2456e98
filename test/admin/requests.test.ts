import { request } from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';
import { createDashboard } from '../../server/admin/index.ts';
import { type Admin, REASON, sessionOf, startAdmin } from './support.ts';

const HEADERS = {
  'content-type': 'application/json',
  'x-latchkey': '1',
  'x-session': 'ada',
  'sec-fetch-site': 'same-origin',
};

let admin: Admin;
beforeAll(async () => {
  admin = await startAdmin({ allowedHosts: ['127.0.0.1', 'Admin.Example.com', 'other.example:8080'] });
  return () => admin[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number | undefined;
  /** What was sent of the body by then. */
  readonly sent: number;
}

/** Sends a body that does not end, until there is an answer. */
function sendWithoutEnd(headers: Record<string, string>): Promise<Answer> {
  const chunk = Buffer.alloc(64 * 1_024, ' ');
  return new Promise((resolve, reject) => {
    let sent = 0;
    const call = request(`${admin.url}/api/trpc/keys.export`, { method: 'POST', headers });
    const send = () => {
      while (call.writable && !call.destroyed) {
        sent += chunk.length;
        if (!call.write(chunk)) return void call.once('drain', send);
      }
    };
    call.on('error', reject);
    call.on('response', ({ statusCode }) => {
      call
        .removeAllListeners('drain')
        .removeAllListeners('error')
        .on('error', () => {})
        .destroy();
      resolve({ status: statusCode, sent });
    });
    if (headers['content-length'] === undefined) send();
    else call.flushHeaders();
  });
}

describe('a body of more than 2 MB is refused with 413', () => {
  it('when its length says so, before any of it has come', async () => {
    const answer = await sendWithoutEnd({ ...HEADERS, 'content-length': '400000000' });
    expect(answer).toEqual({ status: 413, sent: 0 });
  });

  it('when it turns out to be, without its end', async () => {
    expect(await sendWithoutEnd({ ...HEADERS, 'transfer-encoding': 'chunked' })).toMatchObject({
      status: 413,
    });
  });

  it('and one of less is read whole', async () => {
    const detail = await admin.ada.keys.get.query({ id: await admin.put({ state: 'in_doubt' }) });
    await admin.put({ scope: 'other' }); // says in which form the operation is answered
    if (!detail.seen) throw new TypeError('Expected a record that can be read');
    const response = JSON.stringify({ pay: 'x'.repeat(1_000_000) });
    const command = { action: 'complete', seen: detail.seen, response, reason: REASON } as const;
    expect(await admin.ada.keys.act.mutate({ ...command, commandKey: 'long' })).toMatchObject({ done: true });
  });
});

describe('with `allowedHosts`', () => {
  const statusFor = (host: string, path = '/api/trpc/me', { url } = admin) =>
    new Promise<number | undefined>((resolve, reject) => {
      request(`${url}${path}`, { headers: { ...HEADERS, host } }, (response) =>
        resolve(response.resume().statusCode),
      )
        .on('error', reject)
        .end();
    });

  it.each([
    ['admin.example.com', 200],
    ['ADMIN.example.com', 200],
    ['admin.example.com:8443', 200],
    ['other.example:8080', 200],
    ['other.example', 421],
    ['other.example:80', 421],
    ['evil.example', 421],
    ['admin.example.com.evil.example', 421],
    ['evil.example:8080', 421],
    ['localhost', 421],
  ])('a request for %s is answered with %i', async (host, status) => {
    expect(await statusFor(host)).toBe(status);
    expect(await statusFor(host, '/assets/gone.js')).toBe(status === 200 ? 404 : 421);
  });

  it('without it any host will do', async () => {
    await using open = await startAdmin();
    expect(await statusFor('whatever.example', '/api/trpc/me', open)).toBe(200);
  });

  it.each([
    ['none', []],
    ['an address', ['https://admin.example.com']],
    ['a path', ['admin.example.com/keys']],
    ['a text', 'admin.example.com'],
    ['a pattern', ['*.example.com']],
  ])('%s is refused at once', (_, allowedHosts) => {
    const options = { idempotency: admin.idempotency, authorize: sessionOf, allowedHosts } as Parameters<
      typeof createDashboard
    >[0];
    expect(() => createDashboard(options)).toThrow(/`allowedHosts`.*admin\.example\.com/);
  });
});
