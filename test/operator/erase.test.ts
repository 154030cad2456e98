import { randomUUID } from 'node:crypto';
import { BSON, type Db } from 'mongodb';
import { expect, test } from 'vitest';
import { createOperator } from '../../server/operator/index.ts';
import { act, ago, ahead, read, recordOf, responseOf, startAdmin } from '../admin/support.ts';
import { COLLECTION, REASON, startOperator } from './support.ts';

/** Reads everything that our collections hold, as text. */
async function dump(db: Db): Promise<string> {
  const collections = await db.listCollections({}, { nameOnly: true }).toArray();
  const all = collections
    .filter(({ name }) => !name.startsWith('system.'))
    .map(async ({ name }) =>
      (await db.collection(name).find().toArray()).map((document) => BSON.EJSON.stringify(document)),
    );
  return (await Promise.all(all)).flat().join('\n');
}

const SCOPE = 'user-17@example.com';
const SECRETS = [
  SCOPE,
  'order-4711',
  'order-4712',
  'Ada Lovelace',
  'iban-DE02',
  'step-secret',
  'answer-secret',
];

/** Makes a scope with records in each state, and everything that operators can do about them. */
async function startUsed() {
  const admin = await startAdmin();
  const request = {
    ...responseOf('{"query":"mutation { pay }","variables":{"iban":"iban-DE02","name":"Ada Lovelace"}}'),
    bytes: 80,
  };
  const of = (fields: object) => ({ scope: SCOPE, request, ...fields });
  const step = {
    name: 'charge',
    at: ago(1_000),
    attempt: 1,
    value: responseOf('{"id":"step-secret"}', 'json/1'),
  };
  const first = await admin.put(of({ key: 'order-4711', state: 'in_doubt', steps: [step] }));
  await admin.put(of({ key: 'order-4712', response: responseOf('{"data":{"pay":"answer-secret"}}') }));
  await admin.put(of({ key: `${SCOPE}/order-4713`, state: 'running', leaseExpiresAt: ago(1_000) }));
  await admin.put(of({ key: 'order-4714', state: 'released', fingerprint: undefined }));
  await admin.put(of({ key: 'order-4715', expiresAt: ago(1_000) }));
  await admin.put(of({ key: 'order-4716', v: 2 }));
  await admin.put({ scope: 'user-1', key: 'order-4711', state: 'in_doubt' });
  await admin.put({ scope: 'user-17', key: 'mine' });
  const { ada, idempotency } = admin;
  const reason = `asked by Ada's bank, for ${SCOPE} and order-4711`;
  await ada.keys.reveal.mutate({ id: first, part: 'request', reason, commandKey: 'reveal order-4711' });
  await act(ada, await read(admin, first), 'complete', { response: '{"pay":1}', reason });
  const plan = { action: 'fail' as const, reason: `asked by ${SCOPE}`, error: `declined for ${SCOPE}` };
  await ada.bulk.plan.mutate({ ...plan, filter: { scope: SCOPE }, commandKey: randomUUID() });
  await ada.bulk.plan.mutate({
    ...plan,
    error: 'declined',
    reason: REASON,
    filter: { key: 'order-4711' },
    commandKey: randomUUID(),
  });
  await ada.bulk.plan.mutate({
    ...plan,
    error: 'declined',
    reason: REASON,
    filter: { scope: 'user-1' },
    commandKey: randomUUID(),
  });
  for (const filter of [
    { scope: SCOPE, key: 'order-4712' },
    { key: 'order-4711' },
    { scope: 'user-1', key: 'order-4711' },
  ])
    await ada.keys.export.mutate({ filter, format: 'csv', reason: REASON, commandKey: randomUUID() });
  return { ...admin, operator: createOperator({ idempotency, by: 'privacy' }), first, reason };
}

test('erase leaves nothing of a scope in any collection but pseudonyms in the audit', async () => {
  await using at = await startUsed();
  const before = await dump(at.db);
  for (const secret of SECRETS) expect(before).toContain(secret);
  const ofOthers = await at.db
    .collection(COLLECTION)
    .find({ scope: { $ne: SCOPE } })
    .toArray();

  const erased = await at.operator.erase({ scope: SCOPE, reason: `${SCOPE} asked to be forgotten` });
  expect(erased).toEqual({
    ...{ records: 6, running: 0, jobItems: 1, jobs: 2, auditEntries: 4 },
    pseudonym: expect.stringMatching(/^erased:[\w-]{22}$/),
  });

  const after = await dump(at.db);
  const left = SECRETS.filter((secret) => after.includes(secret));
  // Another scope has a key of the same name; a person's name in a reason is what an operator typed.
  expect(left).toEqual(['order-4711']);
  const ofScope = after.split('\n').filter((document) => document.includes('order-4711'));
  expect(ofScope.filter((document) => !document.includes('user-1'))).toEqual([]);
  expect(await at.db.collection(COLLECTION).find().toArray()).toEqual(ofOthers);
});

test('the audit still says who did what and when, with one pseudonym for the scope', async () => {
  await using at = await startUsed();
  const { pseudonym } = await at.operator.erase({ scope: SCOPE, reason: REASON });
  const entries = await at.db.collection(`${COLLECTION}_audit`).find().sort({ _id: 1 }).toArray();
  expect(entries.map(({ action, by, result }) => [action, by, result])).toEqual([
    ['reveal', 'ada', 'done'],
    ['complete', 'ada', 'done'],
    ['export', 'ada', 'done'],
    ['export', 'ada', 'done'],
    ['export', 'ada', 'done'],
    ['erase', 'privacy', 'done'],
  ]);
  const [reveal, complete, exported, byKey, ofOther, erase] = entries;
  expect(reveal).toMatchObject({ scope: pseudonym, key: complete?.key, keyId: at.first });
  expect(complete?.reason).toBe(`asked by Ada's bank, for ${pseudonym} and ${complete?.key}`);
  expect(exported?.note).toContain(`the keys with scope "${pseudonym}", key "erased:`);
  expect(byKey?.note).toContain(`the keys with key "${complete?.key}"`);
  expect(ofOther?.note).toContain('the keys with scope "user-1", key "order-4711"');
  expect(erase).toMatchObject({ scope: pseudonym, via: expect.stringMatching(/^code, on/) });
  expect((await at.ada.audit.list.query({})).entries).toHaveLength(6);
});

test('a run under way is left alone and counted, and is erased when it has ended', async () => {
  await using at = await startOperator();
  await at.put({ scope: SCOPE, key: 'running', state: 'running', leaseExpiresAt: ahead(60_000) });
  await at.put({ scope: SCOPE, key: 'done' });
  expect(await at.operator.erase({ scope: SCOPE, reason: REASON })).toMatchObject({ records: 1, running: 1 });
  expect(await at.operator.find({ scope: SCOPE, key: 'running' })).toMatchObject({ state: 'running' });
  await at.db.collection(COLLECTION).updateOne({}, { $set: { leaseExpiresAt: ago(1) } });
  expect(await at.operator.erase({ scope: SCOPE, reason: REASON })).toMatchObject({ records: 1, running: 0 });
  expect(await at.operator.erase({ scope: SCOPE, reason: REASON })).toMatchObject({
    records: 0,
    auditEntries: 0,
  });
  expect(await dump(at.db)).not.toContain(SCOPE);
});

test('more records than a batch holds are erased, and what begins with the same text stays', async () => {
  await using at = await startOperator();
  const many = Array.from({ length: 1_201 }, () => recordOf({ scope: 'org_1' }));
  await at.db
    .collection(COLLECTION)
    .insertMany([...many, recordOf({ scope: 'org_10' }), recordOf({ scope: 'ORG_1' })]);
  expect(await at.operator.erase({ scope: 'org_1', reason: REASON })).toMatchObject({ records: 1_201 });
  const rest = await at.db.collection(COLLECTION).distinct('scope');
  expect(rest.sort()).toEqual(['ORG_1', 'org_10']);
});

test('with a secret the same scope gets the same pseudonym, without one it never does', async () => {
  await using at = await startOperator();
  const pseudonymOf = async (secret?: string) =>
    (await at.operator.erase({ scope: SCOPE, reason: REASON, ...(secret && { secret }) })).pseudonym;
  const [one, other] = ['a secret of 16 or more', 'another secret of 16 or more'];
  expect(await pseudonymOf(one)).toBe(await pseudonymOf(one));
  expect(await pseudonymOf(one)).not.toBe(await pseudonymOf(other));
  expect(await pseudonymOf()).not.toBe(await pseudonymOf());
});

test('erase takes the scope out of the tenant of who planned a job', async () => {
  await using admin = await startAdmin();
  await admin.put({ scope: 'acme', state: 'in_doubt' });
  const plan = { action: 'fail' as const, reason: REASON, error: 'declined', filter: {} };
  await admin.tess.bulk.plan.mutate({ ...plan, commandKey: randomUUID() });
  const operator = createOperator({ idempotency: admin.idempotency, by: 'privacy' });
  const { pseudonym } = await operator.erase({ scope: 'acme', reason: REASON });
  const [job] = await admin.db.collection(`${COLLECTION}_jobs`).find({ kind: 'job' }).toArray();
  expect(job?.scopes).toEqual({ under: pseudonym });
});
