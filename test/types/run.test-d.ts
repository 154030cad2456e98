import { createIdempotency, type Idempotency, type Policy, type Run, requireRun } from 'latchkey';
import { createDashboard } from 'latchkey/dashboard';
import { createMemoryStore } from 'latchkey/memory';
import 'latchkey/mongodb';
import type { Collection } from 'mongodb';
import { expectTypeOf } from 'vitest';

declare const run: Run;
declare const idempotency: Idempotency;

/** A step's value has the type that JSON gives back of it. */
export async function steps() {
  let count = await run.step('n', () => 1);
  count = 2;
  let later = await run.step('n', async () => 1);
  later = 2;
  const order = await run.step('o', () => ({ status: 'pending', lines: [1] }));
  order.status = 'paid';
  order.lines.push(count, later);

  const at = await run.step('d', () => ({ at: new Date(), by: { when: [new Date()] } }));
  expectTypeOf(at).toEqualTypeOf<{ at: string; by: { when: string[] } }>();
  expectTypeOf(await run.step('d', () => new Date())).toBeString();
  expectTypeOf(await run.step('d', () => new URL('http://x'))).toBeString();

  expectTypeOf(await run.step('u', async () => JSON.parse('1') as unknown)).toBeUnknown();
  expectTypeOf(await run.step('r', () => ({}) as Record<string, unknown>)).toEqualTypeOf<
    Record<string, unknown>
  >();
  expectTypeOf(await run.step('a', () => JSON.parse('1'))).toBeAny();

  interface Charge {
    readonly id: string;
    readonly refund?: { amount: number | null };
    readonly pair: readonly [string, number];
    capture(): Promise<void>;
  }
  const charge = await run.step('c', async ({ key, signal }) => {
    expectTypeOf(key).toBeString();
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
    return {} as Charge;
  });
  expectTypeOf(charge).toEqualTypeOf<{
    readonly id: string;
    readonly refund?: { amount: number | null };
    readonly pair: readonly [string, number];
  }>();
  expectTypeOf(await run.step('v', () => {})).toBeVoid();
  expectTypeOf(await run.step('o', () => (count > 1 ? 'many' : undefined))).toEqualTypeOf<
    string | undefined
  >();

  expectTypeOf(run.step('m', () => new Map<string, number>())).resolves.toBeNever();
  expectTypeOf(run.step('s', () => new Set<string>())).resolves.toBeNever();
  expectTypeOf(run.step('b', () => 1n)).resolves.toBeNever();
  expectTypeOf(await run.step('i', () => ({ ids: new Set<string>() }))).toEqualTypeOf<{ ids: never }>();
}

/** So has the value of a function that is run under a key. */
export async function functions() {
  const call = { scope: 'stripe', key: 'evt_1', operation: 'pay', input: { amount: 5 } };
  const value = await idempotency.run(
    call,
    (given) => {
      expectTypeOf(given).toEqualTypeOf<Run>();
      return { at: new Date(), status: 'paid' };
    },
    { fingerprint: ({ input }) => input?.amount, transaction: true },
  );
  expectTypeOf(value).toEqualTypeOf<{ at: string; status: string }>();
  expectTypeOf(await idempotency.run(call, async () => {})).toBeVoid();
  let count = await idempotency.run(call, () => 1);
  count = 2;
  // @ts-expect-error a key is text
  await idempotency.run({ ...call, key: 5 }, () => count);
  // @ts-expect-error the operation is not optional
  await idempotency.run({ scope: 's', key: 'k' }, () => 1);
  // @ts-expect-error no such option
  await idempotency.run(call, () => 1, { retention: 5 });
}

/** The session of a transaction is certain, and the driver's own. */
export async function inTransaction(orders: Collection) {
  expectTypeOf(requireRun()).toEqualTypeOf<Run>();
  const { session } = requireRun({ transaction: true });
  await orders.insertOne({ amount: 5 }, { session });
  await orders.insertOne({ amount: 5 }, { session: requireRun({ transaction: true }).session });
  // @ts-expect-error a run may have none
  expectTypeOf(requireRun().session.inTransaction()).toBeBoolean();
}

/** What closes itself closes in order. */
export async function closing() {
  await using idempotency = createIdempotency({ store: createMemoryStore() });
  await using dashboard = createDashboard({ idempotency, authorize: () => null });
  expectTypeOf(dashboard.close()).resolves.toBeVoid();
  await idempotency.close({ timeoutMs: null });
}

// A duplicate that is turned away at once does not wait.
const store = createMemoryStore();
createIdempotency({ store, concurrent: 'wait', waitTimeoutMs: 5 });
// @ts-expect-error these two exclude each other
createIdempotency({ store, concurrent: 'reject', waitTimeoutMs: 5 });
// @ts-expect-error in a policy, too
({ concurrent: 'reject', waitTimeoutMs: 5 }) satisfies Policy;
const composed: Policy = { waitTimeoutMs: 5, retain: 'outcome' };
createIdempotency({ store, ...composed });

createIdempotency({ store: createMemoryStore() }) satisfies Idempotency;
