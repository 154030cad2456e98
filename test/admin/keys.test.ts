import { randomUUID } from 'node:crypto';
import { Long } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { gate } from '../support/gate.ts';
import { startPaymentApp } from '../support/payment-app.ts';
import { PAYMENT_APIS } from '../support/payment-client.ts';
import { ago, ahead, failed, REASON, responseOf, startAdmin } from './support.ts';

const SECRET = 'sk_live_51H';

it('case 16: secrets are shown by a reveal only, which needs a role and leaves an entry', async () => {
  await using admin = await startAdmin();
  const inner = JSON.stringify({ refresh_token: SECRET, note: 'kept' });
  const body = `{"data":{"createApiKey":{"id":"1","secret":"${SECRET}","nested":{"password":["${SECRET}"]},"settings":${JSON.stringify(inner)}}}}`;
  const id = await admin.put({
    response: responseOf(body),
    request: responseOf(`{"query":"q","variables":{"cardNumber":"${SECRET}"}}`),
  });
  const shown = [
    await admin.vic.keys.list.query({ filter: {} }),
    await admin.vic.keys.get.query({ id }),
    await admin.vic.keys.body.query({ id, part: 'response', whole: true }),
    await admin.vic.keys.body.query({ id, part: 'request' }),
    await admin.vic.keys.diff.query({ id }),
    await admin.olga.keys.dryRun.query({ id }),
    await admin.olga.keys.export.mutate({ filter: {}, format: 'ndjson', reason: REASON, commandKey: 'e' }),
  ];
  expect(JSON.stringify(shown)).not.toContain(SECRET);
  const masked = await admin.vic.keys.body.query({ id, part: 'response' });
  expect(masked).toMatchObject({ redacted: true, cut: false, damage: null });
  expect(masked.text).toContain('kept');
  const reveal = { id, part: 'response', reason: REASON, commandKey: 'r' } as const;
  const revealed = await admin.olga.keys.reveal.mutate(reveal);
  expect(revealed.text).toContain(SECRET);
  await admin.olga.keys.reveal.mutate(reveal);
  const { entries } = await admin.vic.audit.list.query({ action: 'reveal' });
  // It was shown twice, by one command.
  const entry = { by: 'olga', reason: REASON, keyId: id };
  expect(entries).toMatchObject([entry, entry]);
});

it('case 20: a list reads no bodies, and a body comes cut, with its size', async () => {
  await using admin = await startAdmin();
  const large = responseOf(JSON.stringify({ data: 'x'.repeat(1_048_576) }));
  const items = Array.from({ length: 5_000 }, (_, index) => ({ index }));
  const id = await admin.put({ response: large, more: items });
  for (let count = 0; count < 20; count++) await admin.put({ response: large });
  const page = JSON.stringify(await admin.vic.keys.list.query({ filter: {} }));
  expect(page.length).toBeLessThan(20_000);
  const detail = await admin.vic.keys.get.query({ id });
  expect(detail.response).toMatchObject({ bytes: large.bytes, damage: null });
  expect(JSON.stringify(detail).length).toBeLessThan(20_000);
  expect(detail.raw).toContain('… (4900 more)');
  const cut = await admin.vic.keys.body.query({ id, part: 'response' });
  expect(cut).toMatchObject({ cut: true, bytes: large.bytes });
  expect(Buffer.byteLength(cut.text as string)).toBeLessThanOrEqual(65_536);
  const whole = await admin.vic.keys.body.query({ id, part: 'response', whole: true });
  expect(whole).toMatchObject({ cut: false });
});

describe('case 26: a completed record whose body is', () => {
  it.each([
    ['missing', undefined, /missing/],
    ['null', null, /object/],
    ['of another type', { format: 'graphql/1', body: 7, bytes: 1 }, /text/],
    ['half-cut', { format: 'graphql/1', body: '{"data":{"pay', bytes: 20 }, /13 bytes/],
  ])('%s is shown with its damage, and can still be acted upon', async (_what, response, damage) => {
    await using admin = await startAdmin();
    const id = await admin.put({ response });
    expect((await admin.vic.keys.list.query({ filter: {} })).rows).toMatchObject([
      { id, state: 'completed' },
    ]);
    const detail = await admin.ada.keys.get.query({ id });
    expect(detail.damage).toMatch(damage);
    expect(detail.actions.find(({ action }) => action === 'expire')?.refused).toBeNull();
    expect(await admin.vic.keys.preview.query({ id })).toMatchObject({
      code: 'IDEMPOTENCY_RESULT_NOT_RETAINED',
    });
    await admin.vic.keys.body.query({ id, part: 'response' });
  });
});

it('damaged records, and those of another release, break neither the list nor their page', async () => {
  await using admin = await startAdmin();
  const damages: Record<string, unknown>[] = [
    { state: 'paused' },
    { state: undefined, scope: undefined },
    { v: 2 },
    { fence: 'seven', startedAt: 'yesterday', history: 'none' },
    { history: [null, 7, { event: 5, at: 'x' }] },
    { key: 'x'.repeat(100_000) },
    { scope: { $gt: '' }, key: 7, expiresAt: null },
    { attempts: Long.fromString('9223372036854775807') },
    { steps: [{ name: 7 }, null], request: 'text' },
  ];
  for (const damage of damages) await admin.put(damage);
  const { rows } = await admin.vic.keys.list.query({ filter: {} });
  expect(rows).toHaveLength(damages.length);
  for (const { id } of rows) {
    const detail = await admin.ada.keys.get.query({ id });
    expect(detail.sentence).not.toBe('');
    await admin.vic.keys.diff.query({ id });
    await admin.vic.keys.preview.query({ id });
  }
  const huge = rows.find(({ attempts }) => attempts === '9223372036854775807');
  expect(huge?.state).toBe('unreadable');
});

it('case 28: times are those of the server, the newest attempt comes first, and nothing is negative', async () => {
  await using admin = await startAdmin();
  const history = [
    { event: 'in_doubt', at: ago(9_000), startedAt: ago(20_000), owner: 'a', fence: 1, reason: 'error A' },
    {
      event: 'operator',
      at: ago(7_000),
      owner: 'operator:1',
      fence: 2,
      reason: 'go on',
      action: 'allow_retry',
      by: 'ada',
    },
    { event: 'released', at: ago(5_000), startedAt: ago(6_000), owner: 'b', fence: 3, reason: 'error B' },
  ];
  const id = await admin.put({
    attempts: 3,
    fence: 4,
    owner: 'c',
    history,
    startedAt: ahead(60_000),
    completedAt: ahead(1_000),
  });
  const detail = await admin.vic.keys.get.query({ id });
  expect(detail.timeline.map(({ event, reason, current }) => [event, reason, current])).toEqual([
    ['completed', null, true],
    ['released', 'error B', false],
    ['operator', 'go on', false],
    ['in_doubt', 'error A', false],
  ]);
  expect(detail.durationMs).toBe(0);
  expect(detail.sentence).toBe('Succeeded 0 s ago, attempt 3: retries get the same result.');
  const server = (await admin.db.admin().command({ hello: 1 })).localTime as Date;
  expect(Math.abs(detail.now - server.getTime())).toBeLessThan(10_000);
});

const HOSTILE = [
  'a/b?c#d%2F',
  '..',
  '+',
  `"'\``,
  'k'.repeat(255),
  'مفتاح',
  '00123',
  '<script>alert(1)</script>',
  'javascript:alert(1)',
  '\u202etxt.exe',
];

it('case 29: keys of any characters are found, opened and acted upon, by an id that holds none of them', async () => {
  await using admin = await startAdmin();
  for (const key of HOSTILE) {
    const id = await admin.put(failed({ scope: 'a scope', key, operation: key.slice(0, 20) }));
    const { rows } = await admin.vic.keys.list.query({ filter: { scope: 'a scope', key } });
    expect(rows).toMatchObject([{ id, key, scope: 'a scope' }]);
    expect(id).toMatch(/^[0-9a-f]{24}$/);
    const { seen } = await admin.ada.keys.get.query({ id });
    if (!seen) throw new TypeError('Expected a record that can be read');
    const command = {
      action: 'allow_retry',
      seen,
      reason: REASON,
      mayRepeat: true,
      commandKey: randomUUID(),
    } as const;
    expect(await admin.ada.keys.act.mutate(command)).toMatchObject({ done: true, detail: { key } });
  }
});

it('a preview says what a retry would get, and writes nothing', async () => {
  await using admin = await startAdmin();
  const cases = [
    [{}, { decision: 'replay', code: null }],
    [{ state: 'running' }, { decision: 'wait' }],
    [
      { state: 'running', leaseExpiresAt: ago(1) },
      { decision: 'take_over', code: 'IDEMPOTENCY_IN_DOUBT' },
    ],
    [{ state: 'in_doubt' }, { decision: 'refuse', code: 'IDEMPOTENCY_IN_DOUBT' }],
    [{ state: 'released' }, { decision: 'run' }],
    [{ state: 'paused' }, { decision: 'refuse', code: 'IDEMPOTENCY_RECORD_UNREADABLE' }],
  ] as const;
  for (const [record, expected] of cases) {
    const id = await admin.put(record);
    const before = await admin.find(id);
    expect(await admin.vic.keys.preview.query({ id })).toMatchObject(expected);
    expect(await admin.find(id)).toEqual(before);
  }
  const id = await admin.put();
  const { otherPayload } = await admin.vic.keys.preview.query({ id });
  expect(otherPayload).toContain('IDEMPOTENCY_KEY_REUSED');
});

it('new rows are counted, up to a bound', async () => {
  await using admin = await startAdmin();
  const newest = await admin.put();
  const newer = () => admin.vic.keys.newer.query({ filter: { state: 'attention' }, newest });
  expect(await newer()).toEqual({ count: 0, capped: false });
  for (let count = 0; count < 3; count++) await admin.put(failed());
  await admin.put();
  expect(await newer()).toEqual({ count: 3, capped: false });
});

it('a filter without an index says how far it looked, and the next page looks further', async () => {
  await using admin = await startAdmin();
  const rare = await admin.put({ operation: 'rare' });
  const keys = admin.db.collection('idempotency_keys');
  const { _id, ...record } = (await keys.findOne({ operation: 'rare' })) as { _id: unknown };
  await keys.insertMany(
    Array.from({ length: 6_000 }, (_, index) => ({ ...record, key: `k${index}`, operation: 'usual' })),
  );
  const first = await admin.vic.keys.list.query({ filter: { operation: 'rare' } });
  expect(first).toMatchObject({ rows: [], searched: { records: 4_000, complete: false } });
  expect(first.searched.backTo).toBeGreaterThan(0);
  const second = await admin.vic.keys.list.query({
    filter: { operation: 'rare' },
    cursor: first.next as string,
  });
  expect(second).toMatchObject({ rows: [{ id: rare }], next: null, searched: { complete: true } });
});

it('an export is audited, and its cells are no formulas', async () => {
  await using admin = await startAdmin();
  for (const key of ['=1+1', '+1', '-1', '@x', 'a,"b"\r\nc', 'plain']) await admin.put({ key });
  const request = { filter: {}, format: 'csv', reason: REASON, commandKey: 'e' } as const;
  const { text, rows, left, filename } = await admin.olga.keys.export.mutate(request);
  expect({ rows, left, filename }).toEqual({ rows: 6, left: null, filename: 'keys.csv' });
  for (const cell of [",'=1+1,", ",'+1,", ",'-1,", ",'@x,", ',"a,""b""\r\nc",', ',plain,'])
    expect(text).toContain(cell);
  const { entries } = await admin.vic.audit.list.query({ action: 'export' });
  expect(entries).toMatchObject([{ by: 'olga', reason: REASON }]);
});

describe.each(Object.entries(PAYMENT_APIS))('case 19, %s', (_api, pay) => {
  it('an action on what the page showed is refused once the client has retried, and the retry is untouched', async () => {
    await using admin = await startAdmin();
    const [started, release] = [gate(), gate()];
    await using app = await startPaymentApp(admin.idempotency, async ({ mode }) => {
      if (mode !== 'hold') throw new Error('declined');
      started.open();
      await release;
    });
    await pay({ url: app.url, key: 'k', mode: 'fail' });
    const { rows } = await admin.ada.keys.list.query({ filter: { key: 'k' } });
    const id = rows[0]?.id as string;
    const page = await admin.ada.keys.get.query({ id });
    const act = (action: 'allow_retry' | 'expire' | 'force_release', seen = page.seen) => {
      if (!seen) throw new TypeError('Expected a record that can be read');
      const confirm = action === 'expire' ? 'expire' : 'force';
      return admin.ada.keys.act.mutate({
        action,
        seen,
        confirm,
        reason: REASON,
        mayRepeat: true,
        commandKey: randomUUID(),
      });
    };
    await act('allow_retry');
    const retry = pay({ url: app.url, key: 'k', mode: 'hold' });
    await started;
    const running = await admin.find(id);
    for (const action of ['allow_retry', 'expire'] as const)
      expect(await act(action)).toMatchObject({ done: false, detail: { state: 'running' } });
    const now = await admin.ada.keys.get.query({ id });
    for (const action of ['allow_retry', 'expire'] as const)
      expect(await act(action, now.seen)).toMatchObject({ done: false });
    expect(await admin.find(id)).toEqual(running);
    // Break-glass: then the worker's own completion is refused.
    expect(await act('force_release', now.seen)).toMatchObject({ done: true });
    const forced = await admin.find(id);
    release.open();
    await retry;
    expect(await admin.find(id)).toEqual(forced);
  });
});
