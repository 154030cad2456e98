// What users write in their tests.
import * as nodeRunner from 'node:test';
import { createIdempotency, type Store } from 'latchkey';
import { createMemoryStore } from 'latchkey/memory';
import {
  type AuditReport,
  assertSound,
  createTestkit,
  retryAudit,
  storeContract,
  type Testkit,
} from 'latchkey/testing';
import * as runner from 'vitest';
import { expectTypeOf } from 'vitest';

// The fields of a mutation and its input reach `send`.
export async function audit(kit: Testkit, charges: () => Promise<number>) {
  const report = await retryAudit(
    ({ path, name }, { key, scope, input }) => {
      expectTypeOf(path).toBeString();
      expectTypeOf(name).toBeString();
      expectTypeOf(key).toEqualTypeOf<string | undefined>();
      expectTypeOf(scope).toBeString();
      expectTypeOf(input.amount).toBeNumber();
      return fetch(path);
    },
    [
      {
        name: 'pay',
        path: '/payments',
        input: { amount: 5 },
        otherInput: { amount: 6 },
        failing: { arrange: () => {}, restore: async () => {} },
        effects: charges,
      },
    ],
    { kit, scopes: ['ada', 'bob'], isRefusal: (answer) => answer instanceof Error },
  );
  expectTypeOf(report).toEqualTypeOf<AuditReport>();
  assertSound(report);
  for (const { fault, evidence } of report.findings) {
    if (fault === 'effect_twice') expectTypeOf(evidence[0]?.effects).toEqualTypeOf<number | undefined>();
  }
  // @ts-expect-error a mutation counts its effects
  await retryAudit(async () => 1, [{ name: 'pay', input: {} }]);
  // @ts-expect-error two callers
  await retryAudit(async () => 1, [{ name: 'pay', input: {}, effects: () => 1 }], { scopes: ['ada'] });
}

// An application that makes its own Idempotency.
export async function restarted() {
  await using kit = createTestkit({ concurrent: 'reject' });
  expectTypeOf(kit.store).toEqualTypeOf<Store>();
  createIdempotency({ store: kit.store });
  await kit.crash();
  kit.slow(5);
  // @ts-expect-error these two do not go together, as in createIdempotency
  createTestkit({ transaction: true, onCrash: 'retry' });
}

// The namespaces of both test runners are what a contract takes.
const open = async () => {
  const store = createMemoryStore();
  return { store, [Symbol.asyncDispose]: () => store.close(0) };
};
storeContract('a store', open, runner);
storeContract('a store', open, nodeRunner);
// @ts-expect-error it declares no tests
storeContract('a store', open, {});
