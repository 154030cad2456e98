import type { Idempotency } from 'latchkey';
import type { Operator } from 'latchkey/dashboard';
import { createOperator, type Erased, type FoundKey, type OperatorResult } from 'latchkey/operator';
import { expectTypeOf } from 'vitest';

declare const idempotency: Idempotency;
const operator = createOperator({ idempotency, by: 'webhook' });
const reason = 'the provider has told us';
const address = { scope: 'user-1', key: 'k-1' };

export async function actions() {
  const found = await operator.find(address);
  expectTypeOf(found).toEqualTypeOf<FoundKey | null>();
  if (!found) return;
  // What was found is an address.
  const result = await operator.complete(found, {
    data: { id: 1 },
    reason,
    api: 'graphql',
    commandKey: 'evt_1',
  });
  expectTypeOf(result).toEqualTypeOf<OperatorResult>();
  if (result.done) expectTypeOf(result.again).toBeBoolean();
  else if (result.code === 'may_repeat') expectTypeOf(result.why).toBeString();
  await operator.fail(address, { error: new Error('declined'), reason });
  await operator.allowRetry(address, { reason, mayRepeat: true });
  await operator.expire(address, { reason });
  expectTypeOf(await operator.erase({ scope: 'user-1', reason })).toEqualTypeOf<Erased>();
  const { keys, next } = await operator.resolvePending({
    limit: 500,
    resolve: async ({ step, state }) => {
      expectTypeOf(state).toEqualTypeOf<'lapsed' | 'in_doubt'>();
      const charge = await step<{ id: string }>('charge');
      return charge ? { action: 'complete', data: charge, api: 'run' } : { action: 'in_doubt' };
    },
  });
  expectTypeOf(next).toEqualTypeOf<string | null>();
  for (const resolved of keys) {
    expectTypeOf(resolved.scope).toBeString();
    if (resolved.outcome === 'refused') expectTypeOf(resolved.why).toBeString();
    if (resolved.outcome === 'error') expectTypeOf(resolved.error).toBeUnknown();
  }
  await operator.resolvePending();
}

export function mistakes() {
  // @ts-expect-error the audit needs a name
  createOperator({ idempotency });
  // @ts-expect-error an option of the dashboard
  createOperator({ idempotency, by: 'webhook', authorize: () => null });
  // @ts-expect-error no reason
  void operator.expire(address, {});
  // @ts-expect-error misspelt
  void operator.allowRetry(address, { reason, mayrepeat: true });
  // @ts-expect-error there is no record to read
  void operator.find(address).then((found) => found?.fingerprint);
  // @ts-expect-error a number is no scope
  void operator.find({ scope: 1, key: 'k' });
}

// The operators of the dashboard: some scopes, one tenant, or all.
export const some: Operator = { id: 'ada', role: 'operator', scopes: ['org_1/ada', 'org_1/bob'] };
export const tenant: Operator = { id: 'ada', role: 'operator', scopes: { under: 'org_1' } };
export const all: Operator = { id: 'ada', role: 'admin' };
// @ts-expect-error one scope is a list of one
export const one: Operator = { id: 'ada', role: 'operator', scopes: 'org_1' };
// @ts-expect-error nothing can be left out of a tenant
export const most: Operator = { id: 'ada', role: 'operator', scopes: { under: 'org_1', except: ['a'] } };
