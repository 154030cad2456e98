import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Db } from 'mongodb';
import { appRouter } from '../../server/admin/api/router.ts';
import { createDashboard, type Operator } from '../../server/admin/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import type { Target } from './target.ts';
import { anyText, text } from './texts.ts';

const SECRET = 'of-another-tenant';
const from = <T>(...values: T[]) => fc.constantFrom(...values);

/** What each field of the inputs may hold: what is right, and anything else. */
const id = fc.oneof(
  from('0'.repeat(24), 'f'.repeat(24), '{"$gt":""}', null),
  fc.string({ unit: from('0', 'a', 'f', 'g'), maxLength: 25 }),
  text,
);
const FIELDS = {
  id,
  ids: fc.array(id, { maxLength: 3 }),
  cursor: id,
  newest: id,
  keyId: id,
  filter: fc.record(
    {
      state: fc.oneof(from('attention', 'running', 'completed', 'expired', 'unreadable', 'lapsed'), text),
      scope: anyText,
      key: fc.oneof(anyText, fc.constant({ $gt: '' })),
      operation: anyText,
      olderThanMs: fc.oneof(fc.integer(), fc.double()),
      startedFrom: fc.oneof(fc.integer(), fc.double()),
      error: fc.oneof(fc.boolean(), fc.constant({ $ne: 1 })),
    },
    { requiredKeys: [] },
  ),
  part: fc.oneof(from('request', 'response'), text),
  whole: fc.oneof(fc.boolean(), text),
  life: fc.oneof(from('1', '1e999', '-0', '..', '+-e'), text),
  window: fc.oneof(from('1h', '24h', '7d'), text),
  reason: fc.oneof(fc.constant('the provider has told us'), anyText),
  commandKey: fc.oneof(fc.uuid(), anyText),
  format: from('csv', 'ndjson', 'xml'),
  action: fc.oneof(from('allow_retry', 'expire', 'fail', 'complete', 'rerun'), text),
  seen: fc.record({
    id,
    life: text,
    owner: anyText,
    fence: text,
    state: from('running', 'completed', 'gone'),
  }),
  count: fc.integer(),
  by: anyText,
  text: anyText,
  confirm: anyText,
  mayRepeat: fc.boolean(),
  response: anyText,
};

const input = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record(FIELDS, { requiredKeys: [] })
      .chain((all) =>
        fc
          .subarray(Object.keys(all))
          .map((names) => Object.fromEntries(names.map((name) => [name, all[name as keyof typeof all]]))),
      ),
  },
  fc.jsonValue(),
);
/** A procedure with the fields that it takes, so that its inputs come through often enough. */
const PLAUSIBLE: Readonly<Record<string, readonly (keyof typeof FIELDS)[]>> = {
  'keys.list': ['filter'],
  'keys.newer': ['filter', 'newest'],
  'keys.get': ['id'],
  'keys.body': ['id', 'part'],
  'keys.preview': ['id'],
  'keys.diff': ['id'],
  'keys.dryRun': ['id'],
  'keys.reveal': ['id', 'part', 'reason', 'commandKey'],
  'keys.act': ['action', 'seen', 'reason', 'commandKey'],
  'keys.export': ['filter', 'format', 'reason', 'commandKey'],
  'audit.list': ['by'],
  overview: ['window'],
};
const plausible = from(...Object.entries(PLAUSIBLE)).chain(([name, fields]) =>
  fc
    .record(Object.fromEntries(fields.map((field) => [field, FIELDS[field]])))
    .map((one) => ({ name, one: one as unknown })),
);
/** By their paths, as the router keeps them: `keys.list`. */
const procedures = Object.entries<{ readonly _def: { readonly type: string } }>(
  appRouter._def.procedures as object as Record<string, { _def: { type: string } }>,
);
const call = fc.oneof(
  plausible,
  fc
    .tuple(from(...procedures.map(([name]) => name)), input)
    .map(([name, one]) => ({ name, one: one as unknown })),
);
const path = fc.oneof(
  { weight: 8, arbitrary: fc.constant(undefined) },
  text.map((piece) => encodeURI(piece.toWellFormed())),
);

/** What the page and its API are sent: an answer or a refusal, never what broke, and never a key of another tenant. */
export async function dashboardTarget(db: Db): Promise<Target> {
  const idempotency = createIdempotency({ store: createMongoStore({ db, timeoutMs: 60_000 }) });
  await idempotency.ready();
  await idempotency.run({ scope: `acme/${SECRET}`, key: 'k', operation: SECRET }, async () => SECRET);
  await idempotency.run({ scope: 'shop/ada', key: 'k', operation: 'pay' }, async () => 'paid');
  const operator: Operator = { id: 'olga', role: 'operator', scopes: { under: 'shop' } };
  const dashboard = createDashboard({ idempotency, authorize: () => operator, basePath: '/keys' });
  const kindOf = new Map(procedures.map(([name, procedure]) => [name, procedure._def.type]));
  const reached = { answered: 0, refused: 0 };
  return {
    name: 'dashboard',
    reached,
    property: fc.asyncProperty(call, path, async ({ name, one }, elsewhere) => {
      const json = JSON.stringify(one) ?? 'null';
      const isQuery = kindOf.get(name) === 'query';
      const url = new URL(
        elsewhere === undefined ? `/keys/api/trpc/${name}` : `/keys/api/${elsewhere}`,
        'http://shop',
      );
      if (isQuery) url.searchParams.set('input', json);
      const response = await dashboard(
        new Request(url, {
          method: isQuery ? 'GET' : 'POST',
          headers: { 'x-latchkey': '1', 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' },
          ...(!isQuery && { body: json }),
        }),
      );
      const answer = await response.text();
      assert.ok(response.status < 500, `${response.status} ${answer}`);
      reached[response.ok ? 'answered' : 'refused']++;
      // What was sent may be said again; what another tenant has may not.
      assert.ok(json.includes(SECRET) || !answer.includes(SECRET), answer);
    }),
  };
}
