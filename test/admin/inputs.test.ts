import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Admin, act, ago, ahead, failed, REASON, read, responseOf, startAdmin } from './support.ts';

let admin: Admin;
let id: string;
beforeAll(async () => {
  admin = await startAdmin({ ownDatabase: true });
  id = await admin.put(failed());
  return () => admin[Symbol.asyncDispose]();
});

async function call(path: string, body: string, method: 'GET' | 'POST') {
  const query = method === 'GET' ? `?input=${encodeURIComponent(body)}` : '';
  const response = await fetch(`${admin.url}/api/trpc/${path}${query}`, {
    method,
    headers: {
      'content-type': 'application/json',
      'x-latchkey': '1',
      'sec-fetch-site': 'same-origin',
      'x-session': 'ada',
    },
    ...(method === 'POST' && { body }),
  });
  const { error } = (await response.json()) as { error: { message: string } };
  return { status: response.status, message: error.message };
}

const own = { reason: REASON, commandKey: 'c' };
const JOB = '00000000-0000-4000-8000-000000000000';

describe('an input that is not what it should be is refused in plain words:', () => {
  it.each([
    ['keys.get', { id: 'zzz' }, 'Expected `id` to be the id of a record, got "zzz"'],
    ['keys.get', {}, 'Expected `id` to be a text, got undefined'],
    ['keys.get', null, 'Expected the input to be an object, got null'],
    ['keys.get', { id: 'a'.repeat(24), life: 'x' }, 'Expected `life` to be a number, got "x"'],
    ['keys.get', { id: 'a'.repeat(24), of: 1 }, 'Unknown field `of`'],
    [
      'keys.list',
      { filter: { state: 'paused' } },
      'Expected `filter.state` to be one of attention, running, completed, released, in_doubt, lapsed, expired, unreadable, got "paused"',
    ],
    [
      'keys.list',
      { filter: { olderThanMs: 1.5 } },
      'Expected `filter.olderThanMs` to be a whole number, got 1.5',
    ],
    ['keys.list', { filter: { olderThanMs: -1 } }, 'Expected `filter.olderThanMs` to be 0 or more, got -1'],
    [
      'keys.list',
      { filter: { scope: '' } },
      'Expected `filter.scope` to be a text of 1 characters or more, got ""',
    ],
    ['keys.list', { filter: { error: 'yes' } }, 'Expected `filter.error` to be true or false, got "yes"'],
    ['keys.list', { filter: { sate: 'x' } }, 'Unknown field `filter.sate`'],
    ['overview', { window: '2h' }, 'Expected `window` to be one of 1h, 24h, 7d, got "2h"'],
    ['bulk.get', { id: 'x' }, 'Expected `id` to be the id of a job, got "x"'],
    ['bulk.get', { id: JOB, cursor: 'x' }, 'Expected `cursor` to be a cursor of the keys of a job, got "x"'],
    [
      'keys.reveal',
      { id: 'a'.repeat(24), part: 'all', ...own },
      'Expected `part` to be one of request, response, got "all"',
    ],
    [
      'keys.reveal',
      { id: 'a'.repeat(24), part: 'request', ...own, reason: 'no' },
      'Expected `reason` to be a reason of 8 characters or more, got "no"',
    ],
    ['bulk.plan', { action: 'expire', ids: [], ...own }, 'Expected `ids` to be a list of 1 or more, got []'],
    [
      'bulk.plan',
      { action: 'expire', ids: ['x'], ...own },
      'Expected `ids[0]` to be the id of a record, got "x"',
    ],
    ['bulk.plan', { action: 'expire', ...own }, 'Expected the input to be a filter or ids, got an object'],
  ])('%s %j', async (path, input, expected) => {
    const isQuery = ['keys.get', 'keys.list', 'overview', 'bulk.get'].includes(path);
    const { status, message } = await call(path, JSON.stringify(input), isQuery ? 'GET' : 'POST');
    expect({ status, message }).toEqual({ status: 400, message: expected });
  });

  it('what is no JSON', async () => {
    for (const method of ['GET', 'POST'] as const) {
      const { status, message } = await call(method === 'GET' ? 'keys.get' : 'keys.act', '{', method);
      expect({ status, message }).toEqual({ status: 400, message: 'Expected the input to be JSON' });
    }
  });
});

describe('what is about another life of a key is refused, and nothing is written:', () => {
  const ABOUT: Readonly<Record<string, (key: { id: string; life: string }) => Promise<unknown>>> = {
    'its request': (key) => admin.vic.keys.body.query({ ...key, part: 'request' }),
    'its response': (key) => admin.vic.keys.body.query({ ...key, part: 'response', whole: true }),
    'a reveal': (key) => admin.olga.keys.reveal.mutate({ ...key, part: 'response', ...own }),
    'a preview': (key) => admin.vic.keys.preview.query(key),
    'a diff': (key) => admin.vic.keys.diff.query(key),
    'a dry run': (key) => admin.olga.keys.dryRun.query(key),
  };

  it.each(Object.entries(ABOUT))('%s', async (_what, ask) => {
    const { life } = await read(admin, id);
    const before = await admin.db.collection('idempotency_keys_audit').countDocuments();
    await expect(ask({ id, life: '1600000000000' })).rejects.toMatchObject({
      message: expect.stringMatching(/^This key began a new life/),
      data: { httpStatus: 409 },
    });
    expect(await admin.db.collection('idempotency_keys_audit').countDocuments()).toBe(before);
    await ask({ id, life });
  });

  it('the page of the key shows the record as it is', async () => {
    const { life } = await read(admin, id);
    expect(await admin.vic.keys.get.query({ id, life: '1600000000000' })).toMatchObject({ life });
  });
});

describe('an action on what has changed says who changed it, when and why:', () => {
  const keys = () => admin.db.collection('idempotency_keys');
  const tryExpire = async (seen: Awaited<ReturnType<typeof read>>) => {
    const result = await act(admin.olga, seen, 'allow_retry');
    return result.done ? undefined : result.why;
  };

  it('another operator', async () => {
    const seen = await read(admin, await admin.put(failed()));
    await act(admin.ada, seen, 'allow_retry', { reason: 'the bank has confirmed it' });
    expect(await tryExpire(seen)).toMatch(
      /^It is released now, no longer completed\. ada did “allow retry” at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: “the bank has confirmed it”\.$/,
    );
  });

  it('another operator, and then a client', async () => {
    const key = `k-${randomUUID()}`;
    const seen = await read(admin, await admin.put(failed({ key })));
    await act(admin.ada, seen, 'allow_retry', { reason: 'the bank has confirmed it' });
    const running = { state: 'running', owner: 'retry', startedAt: ago(1), leaseExpiresAt: ahead(60_000) };
    await keys().updateOne({ key }, { $set: running, $inc: { fence: 1 } });
    expect(await tryExpire(seen)).toMatch(
      /^It is running now, no longer completed\. ada did “allow retry” .*\. A client’s request with this key began to run at .* UTC\.$/,
    );
  });

  it('the run itself', async () => {
    const key = `k-${randomUUID()}`;
    const seen = await read(admin, await admin.put({ key, state: 'in_doubt' }));
    const late = { state: 'completed', outcome: 'success', completedAt: ago(1), response: responseOf('{}') };
    await keys().updateOne({ key }, { $set: late });
    expect(await tryExpire(seen)).toMatch(
      /^It is completed now, no longer in_doubt\. The run that you saw ended at .* UTC\.$/,
    );
  });

  it('a new life of the key', async () => {
    const key = `k-${randomUUID()}`;
    const seen = await read(admin, await admin.put(failed({ key })));
    await keys().updateOne(
      { key },
      { $set: { owner: 'new', startedAt: ago(1) }, $inc: { life: 1, fence: 1 } },
    );
    expect(await tryExpire(seen)).toMatch(
      /^The key began a new life meanwhile\. A client’s request with this key began to run at /,
    );
  });
});
