import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ActionName, KeyDetail } from '../../server/admin/contract/contract.ts';
import { startMongod } from '../support/mongod/start-mongod.ts';
import { act, ago, failed, type More, REASON, read, responseOf, startAdmin } from './support.ts';

const CASES: [ActionName, record: Record<string, unknown>, after: Record<string, unknown>, more?: More][] = [
  ['allow_retry', failed(), { state: 'released', outcome: null }],
  ['complete', { state: 'in_doubt' }, { state: 'completed', outcome: 'success' }, { response: '{"pay":1}' }],
  ['fail', { state: 'in_doubt' }, { state: 'completed', outcome: 'error' }, { response: 'declined' }],
  ['expire', {}, { state: 'expired' }],
  ['force_release', { state: 'running' }, { state: 'released' }],
  ['purge_body', {}, { state: 'completed', response: { omitted: 'purged' } }],
];

describe.each(CASES)('%s', (action, record, after, more) => {
  it('changes the record and leaves who, why, before and after in the audit', async () => {
    await using admin = await startAdmin();
    await admin.db.collection('idempotency_keys').dropIndex('expiresAt_1');
    await admin.put({ scope: 'other' }); // says in which form the operation is answered
    const id = await admin.put({ key: 'k', ...record });
    const detail = await read(admin, id);
    const result = await act(admin.ada, detail, action, more);
    expect(result).toMatchObject({ done: true, detail: after });
    const { entries } = await admin.ada.audit.list.query({ keyId: id });
    expect(entries).toMatchObject([
      { by: 'ada', role: 'admin', action, reason: REASON, keyId: id, scope: 'acme', key: 'k', jobId: null },
    ]);
    expect(entries[0]?.before).toContain(detail.seen?.state);
    const { timeline } = await read(admin, id);
    expect(timeline[0]).toMatchObject({
      event: 'operator',
      action,
      by: 'ada',
      reason: REASON,
      current: true,
    });
  });

  it('sent again with its command key, acts once and answers the same', async () => {
    await using admin = await startAdmin();
    await admin.db.collection('idempotency_keys').dropIndex('expiresAt_1');
    await admin.put({ scope: 'other' });
    const id = await admin.put(record);
    const detail = await read(admin, id);
    const commandKey = randomUUID();
    const results = await Promise.all(
      [1, 2, 3].map(() => act(admin.ada, detail, action, { ...more, commandKey })),
    );
    results.push(await act(admin.ada, detail, action, { ...more, commandKey }));
    expect(results.map(({ done }) => done)).toEqual([true, true, true, true]);
    expect((await admin.ada.audit.list.query({ keyId: id })).entries).toHaveLength(1);
    expect((await admin.find(id))?.fence).toBe(1_700_000_000_001);
  });

  it('is refused, with what stands, when the record changed since it was shown; nothing is written', async () => {
    await using admin = await startAdmin();
    await admin.put({ scope: 'other' });
    const id = await admin.put(record);
    const detail = await read(admin, id);
    await admin.db
      .collection('idempotency_keys')
      .updateMany({}, { $set: { owner: 'owner-2' }, $inc: { fence: 5 } });
    const before = await admin.find(id);
    const result = await act(admin.ada, detail, action, more);
    expect(result).toMatchObject({ done: false, detail: { owner: 'owner-2' } });
    expect(await admin.find(id)).toEqual(before);
    const { entries } = await admin.ada.audit.list.query({ keyId: id });
    expect(entries).toMatchObject([{ by: 'ada', action, result: 'refused', before: null, after: null }]);
  });
});

it('asks for the word and the tick on the server, too', async () => {
  await using admin = await startAdmin();
  const id = await admin.put(failed());
  const detail = await read(admin, id);
  expect(await act(admin.ada, detail, 'expire', { confirm: 'yes' })).toMatchObject({ done: false });
  expect(await act(admin.ada, detail, 'allow_retry', { mayRepeat: false })).toMatchObject({ done: false });
  await expect(
    admin.ada.keys.act.mutate({
      action: 'purge_body',
      seen: detail.seen as NonNullable<KeyDetail['seen']>,
      reason: '  short   ',
      commandKey: randomUUID(),
    }),
  ).rejects.toMatchObject({ data: { code: 'BAD_REQUEST' } });
});

it('a command key that was used for another command is refused', async () => {
  await using admin = await startAdmin();
  const commandKey = randomUUID();
  const [one, two] = [await admin.put(failed()), await admin.put(failed())];
  await act(admin.ada, await read(admin, one), 'allow_retry', { commandKey });
  expect(await act(admin.ada, await read(admin, two), 'allow_retry', { commandKey })).toMatchObject({
    done: false,
  });
  expect((await admin.find(two))?.state).toBe('completed');
});

it('case 19: of two operators with the same page, one acts and the other is told what changed', async () => {
  await using admin = await startAdmin();
  const id = await admin.put({ state: 'in_doubt' });
  await admin.put({ scope: 'other' });
  const detail = await read(admin, id);
  const results = await Promise.all([
    act(admin.ada, detail, 'allow_retry'),
    act(admin.olga, detail, 'fail', { response: 'declined' }),
  ]);
  expect(results.filter(({ done }) => done)).toHaveLength(1);
  const { entries } = await admin.ada.audit.list.query({ keyId: id });
  expect(entries.map(({ result }) => result).sort()).toEqual(['done', 'refused']);
});

it('no audit entry, no action: when the entry can not be written, the record stays', async () => {
  await using admin = await startAdmin({ ownDatabase: true });
  const id = await admin.put(failed());
  const detail = await read(admin, id);
  await act(admin.ada, await read(admin, await admin.put(failed())), 'allow_retry'); // the collection is there
  await admin.db.command({ collMod: 'idempotency_keys_audit', validator: { impossible: true } });
  const before = await admin.find(id);
  await expect(act(admin.ada, detail, 'allow_retry')).rejects.toMatchObject({
    data: { code: 'INTERNAL_SERVER_ERROR' },
  });
  expect(await admin.find(id)).toEqual(before);
});

it('a record that holds encrypted bodies is not given one in clear text where there is no cipher; others are', async () => {
  await using admin = await startAdmin();
  const encrypted = { ...responseOf('c2VhbGVk'), cipher: { keyId: 'k1', iv: '', tag: '' } };
  const step = { name: 's', at: ago(1_000), attempt: 1, value: encrypted };
  const request = responseOf('{}');
  const mark = async (record: Record<string, unknown>) => {
    const id = await admin.put({ state: 'in_doubt', request, ...record });
    return act(admin.ada, await read(admin, id), 'fail', { response: 'declined' });
  };
  for (const record of [{ request: encrypted }, { steps: [step] }]) {
    await expect(mark(record)).rejects.toMatchObject({
      data: { code: 'BAD_REQUEST' },
      message: expect.stringContaining('no cipher'),
    });
  }
  expect((await admin.ada.audit.list.query({})).entries).toEqual([]);
  const clear = { ...step, value: responseOf('1', 'step/1') };
  for (const record of [{}, { steps: [clear] }, { request: undefined, steps: [clear] }])
    expect(await mark(record)).toMatchObject({ done: true });
});

it('on a standalone server the intent is written first, and a command that was cut off is concluded once', async () => {
  await using mongod = await startMongod({ replSet: false });
  await using admin = await startAdmin({ uri: mongod.uri, allowStandalone: true });
  const id = await admin.put({ state: 'running', leaseExpiresAt: ago(1_000) });
  const detail = await read(admin, id);
  const commandKey = randomUUID();
  expect(await act(admin.ada, detail, 'allow_retry', { commandKey })).toMatchObject({ done: true });
  const audit = admin.db.collection('idempotency_keys_audit');
  expect(await audit.findOne({ commandKey })).toMatchObject({
    result: 'done',
    owner: (await admin.find(id))?.owner,
  });
  // As a crash between the record's write and the end of the audit would leave it.
  await audit.updateOne({ commandKey }, { $set: { result: 'intended' } });
  const applied = await admin.find(id);
  expect(await act(admin.ada, detail, 'allow_retry', { commandKey })).toMatchObject({ done: true });
  expect(await admin.find(id)).toEqual(applied);
  expect(await audit.find().toArray()).toMatchObject([{ commandKey, result: 'done' }]);
  // And as one before it would: the same command then carries it out.
  const other = await admin.put(failed());
  const otherDetail = await read(admin, other);
  const owner = `operator:${randomUUID()}`;
  const { insertedId } = await audit.insertOne({
    commandKey: 'cut',
    by: 'ada',
    action: 'allow_retry',
    keyId: other,
    reason: REASON,
    owner,
    result: 'intended',
    note: '',
  });
  expect(await act(admin.ada, otherDetail, 'allow_retry', { commandKey: 'cut' })).toMatchObject({
    done: true,
  });
  expect(await admin.find(other)).toMatchObject({ state: 'released', owner });
  expect(await audit.findOne({ _id: insertedId })).toMatchObject({ result: 'done' });
});

const STORE_NO_RESPONSE = CASES.filter(([, , , more]) => more === undefined);

it.each(STORE_NO_RESPONSE)(
  '%s reads the record once before its transaction, once in it, and once for the answer',
  async (action, record) => {
    await using admin = await startAdmin();
    const detail = await read(admin, await admin.put(record));
    const from = admin.sent.length;
    expect(await act(admin.ada, detail, action)).toMatchObject({ done: true });
    const reads = admin.sent.slice(from).filter(({ aggregate }) => aggregate === 'idempotency_keys');
    expect(reads.map(({ autocommit }) => autocommit === false)).toEqual([false, true, false]);
  },
);
