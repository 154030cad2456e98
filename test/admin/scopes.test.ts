import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Admin, ago, recordOf, startAdmin } from './support.ts';

/** The rule in other words than those of the query. */
const isUnder = (scope: string, under: string) => scope === under || scope.startsWith(`${under}/`);

// Few characters, so that scopes meet; those before and after the slash are among them.
const part = fc.string({
  unit: fc.constantFrom('a', '0', '.', '-', '%2F', 'é', '𝒳'),
  minLength: 1,
  maxLength: 2,
});
const someScope = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));

let admin: Admin;
let tenant = 'acme';
beforeAll(async () => {
  admin = await startAdmin({
    authorize: () => ({ id: 'tess', role: 'operator', scopes: { under: tenant } }),
  });
  return () => admin[Symbol.asyncDispose]();
});

async function put(scopes: readonly string[]) {
  const keys = admin.db.collection('idempotency_keys');
  await keys.deleteMany({});
  // Half of them are found by the index on what needs attention.
  const records = scopes.map((scope, index) =>
    recordOf({ scope, ...(index % 2 === 0 && { state: 'running', leaseExpiresAt: ago(1_000) }) }),
  );
  if (records.length > 0) await keys.insertMany(records, { ignoreUndefined: true });
}

async function shown(filter: object = {}) {
  const { rows } = await admin.ada.keys.list.query({ filter });
  return rows.map(({ scope }) => scope).sort();
}

it('an operator of a tenant sees the scope of that name and those below it, and no other', async () => {
  const cases = fc.record({
    scopes: fc.uniqueArray(someScope, { maxLength: 20 }),
    under: someScope,
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ scopes, under }) => {
      await put(scopes);
      tenant = under;
      const own = scopes.filter((scope) => isUnder(scope, under)).sort();
      expect(await shown()).toEqual(own);
      const lapsed = scopes.filter((scope, index) => index % 2 === 0 && isUnder(scope, under));
      expect(await shown({ state: 'lapsed' })).toEqual(lapsed.sort());
      expect((await admin.ada.overview.query({ window: '1h' })).attention.lapsed.count).toBe(lapsed.length);
      for (const scope of scopes.slice(0, 3))
        expect(await shown({ scope })).toEqual(isUnder(scope, under) ? [scope] : []);
    }),
    { numRuns: 40, examples: [[{ scopes: ['a', 'a/a', 'a0', 'a.', 'a-/a', 'aa'], under: 'a' }]] },
  );
});

describe('the tenant of an operator', () => {
  it('is on the page', async () => {
    tenant = 'acme';
    expect((await admin.ada.me.query()).operator.scopes).toEqual({ under: 'acme' });
  });

  it('is found by the index on scope and key, a range for it and one for those below', async () => {
    tenant = 'acme';
    await put(['acme', 'acme/ada', 'acme0', 'b', 'c']);
    admin.sent.length = 0;
    expect(await shown()).toEqual(['acme', 'acme/ada']);
    const lists = admin.sent.filter(({ aggregate, hint }) => aggregate === 'idempotency_keys' && hint);
    expect(lists.length).toBeGreaterThan(0);
    for (const { pipeline, hint } of lists) {
      const explained = await admin.db.command({
        explain: {
          aggregate: 'idempotency_keys',
          pipeline,
          hint,
          cursor: {},
          collation: { locale: 'simple' },
        },
        verbosity: 'executionStats',
      });
      expect(hint).toEqual({ scope: 1, key: 1 });
      const { totalKeysExamined } = (explained.stages?.[0].$cursor ?? explained).executionStats;
      expect(totalKeysExamined).toBeLessThanOrEqual(3);
    }
  });
});
