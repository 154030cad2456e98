import { beforeAll, expect, it } from 'vitest';
import { createDashboard } from '../../server/admin/index.ts';
import { type Admin, ago, REASON, responseOf, sessionOf, startAdmin } from './support.ts';

const SECRET = 'hunter2zz';
const own = { reason: REASON, commandKey: 'c' };

let admin: Admin;
beforeAll(async () => {
  admin = await startAdmin({ ownDatabase: true });
  return () => admin[Symbol.asyncDispose]();
});

it('a body that can not be looked into is hidden as a whole, and can be revealed by those who may', async () => {
  const page = { status: 200, headers: [['content-type', 'text/html']], text: `<b>${SECRET}</b>` };
  const id = await admin.put({ response: responseOf(JSON.stringify(page), 'http/1') });
  const shown = await admin.vic.keys.body.query({ id, part: 'response' });
  expect(shown.redacted).toBe(true);
  expect(shown.text).not.toContain(SECRET);
  const reveal = { id, part: 'response', ...own } as const;
  expect((await admin.olga.keys.reveal.mutate(reveal)).text).toContain(SECRET);
  await expect(admin.vic.keys.reveal.mutate(reveal)).rejects.toMatchObject({ data: { code: 'FORBIDDEN' } });
});

it('names in a captured request say what the answer’s aliases and texts are', async () => {
  const query = 'mutation ($x: String!) { k: createSession(pin: $x) { v: token note } }';
  const request = responseOf(JSON.stringify({ query, variables: { x: SECRET } }));
  const answer = { data: { k: { v: 'abcabc', note: `it was ${SECRET}` } } };
  const id = await admin.put({ request, response: responseOf(JSON.stringify(answer)) });
  const texts = [
    (await admin.vic.keys.body.query({ id, part: 'request' })).text,
    (await admin.vic.keys.body.query({ id, part: 'response' })).text,
    JSON.stringify(await admin.vic.keys.diff.query({ id })),
  ].join();
  expect(texts).not.toMatch(/hunter2zz|abcabc/);
  expect(texts).toContain('createSession');
});

it('what `redact` has left of a body is there to be read, without anything to reveal', async () => {
  const body = responseOf('{"data":{"login":{"token":"[redacted]","name":"Ada"}}}');
  const id = await admin.put({ response: { ...body, omitted: 'redacted' } });
  const shown = await admin.vic.keys.body.query({ id, part: 'response' });
  expect(shown).toMatchObject({ omitted: 'redacted', redacted: false, damage: null });
  expect(JSON.parse(shown.text ?? '')).toEqual(JSON.parse(body.body));
});

it('the reason of a doubt that names a secret is no viewer’s business', async () => {
  const reasons = [`Bad token ${SECRET}`, 'The bank did not answer'];
  const history = reasons.map((reason, index) => ({
    event: 'in_doubt',
    at: ago(9 - index),
    startedAt: ago(20),
    owner: 'a',
    fence: index,
    reason,
  }));
  const id = await admin.put({ state: 'in_doubt', history });
  const seenBy = async (who: 'vic' | 'olga') => JSON.stringify(await admin[who].keys.get.query({ id }));
  expect(await seenBy('vic')).not.toContain(SECRET);
  expect(await seenBy('vic')).toContain('The bank did not answer');
  expect(await seenBy('olga')).toContain(SECRET);
});

it('the option `redact` of createDashboard hides what has a name of the host’s own', async () => {
  await using other = await startAdmin({ beside: admin, redact: { names: ['holder'], errorTexts: true } });
  const text = JSON.stringify({
    data: { pay: { holder: SECRET } },
    errors: [['error', { message: SECRET }]],
  });
  const id = await admin.put({ response: responseOf(text) });
  const { text: shown, redacted } = await other.vic.keys.body.query({ id, part: 'response' });
  expect([redacted, shown?.includes(SECRET)]).toEqual([true, false]);
  expect((await admin.vic.keys.body.query({ id, part: 'response' })).text).toContain(SECRET);
});

it.each([
  [{ name: ['pin'] }, /Unknown option `redact.name` of createDashboard\(...\); did you mean `names`/],
  [{ names: 'pin' }, /Expected `redact.names` to be an array of names and regular expressions, got/],
  [{ names: [7] }, /`redact.names`/],
  [{ names: [''] }, /`redact.names`/],
  [{ shown: [/x/] }, /Expected `redact.shown` to be an array of names/],
  [{ errorTexts: 'yes' }, /`redact.errorTexts`/],
  [['pin'], /`redact`/],
  ['pin', /Expected `redact` to be an object such as/],
])('`redact: %j` is refused at once', (redact, message) => {
  const { idempotency } = admin;
  expect(() => createDashboard({ idempotency, authorize: sessionOf, redact: redact as object })).toThrow(
    message,
  );
});
