import { initTRPC } from '@trpc/server';
import {
  createIdempotency,
  type Excluded,
  type Idempotency,
  type IdempotencyOptions,
  type Policy,
} from 'latchkey';
import { useIdempotency } from 'latchkey/graphql';
import { createIdempotencyHandler } from 'latchkey/http';
import { createMemoryStore } from 'latchkey/memory';
import { createIdempotencyMiddleware } from 'latchkey/trpc';
import { expectTypeOf } from 'vitest';

// Options that exclude each other are errors of the compiler wherever a policy may stand. test/engine/policy.test.ts has them at construction.
declare const idempotency: Idempotency;
const shared = { idempotency, scope: () => 'ada' };
const store = createMemoryStore();
const t = initTRPC.context<object>().create();
const call = { scope: 'a', key: 'k', operation: 'ship' };

// @ts-expect-error
createIdempotency({ store, transaction: true, onCrash: 'retry' });
// @ts-expect-error
createIdempotency({ store, concurrent: 'reject', waitTimeoutMs: 5 });
// @ts-expect-error
useIdempotency<object>({ ...shared, policy: { transaction: true, onCrash: 'retry' } });
// @ts-expect-error
useIdempotency<object>({ ...shared, policy: { concurrent: 'reject', waitTimeoutMs: 5 } });
// @ts-expect-error
useIdempotency<object>({ ...shared, fields: { pay: { transaction: true, onCrash: 'retry' } } });
// @ts-expect-error
useIdempotency<object>({ ...shared, fields: { pay: { concurrent: 'reject', waitTimeoutMs: 5 } } });
// @ts-expect-error
createIdempotencyMiddleware(t, { ...shared, policy: { transaction: true, onCrash: 'retry' } });
// @ts-expect-error
createIdempotencyMiddleware(t, { ...shared, policy: { concurrent: 'reject', waitTimeoutMs: 5 } });
// @ts-expect-error
createIdempotencyMiddleware(t, shared)({ transaction: true, onCrash: 'retry' });
// @ts-expect-error
createIdempotencyMiddleware(t, shared)({ require: true, concurrent: 'reject', waitTimeoutMs: 5 });
// @ts-expect-error
createIdempotencyHandler({ ...shared, policy: { transaction: true, onCrash: 'retry' } });
// @ts-expect-error
createIdempotencyHandler({ ...shared, policy: { concurrent: 'reject', waitTimeoutMs: 5 } });
// @ts-expect-error
createIdempotencyHandler(shared)(() => new Response(), { transaction: true, onCrash: 'retry' });
// @ts-expect-error
createIdempotencyHandler(shared)(() => new Response(), { concurrent: 'reject', waitTimeoutMs: 5 });
// @ts-expect-error
idempotency.run(call, () => 1, { transaction: true, onCrash: 'retry' });
// @ts-expect-error
idempotency.run(call, () => 1, { concurrent: 'reject', waitTimeoutMs: 5 });

const versions = { v1: () => 1 };
// @ts-expect-error
createIdempotency({ store, fingerprint: { exclude: ['pin'], versions } });
// @ts-expect-error
useIdempotency<object>({ ...shared, fields: { pay: { fingerprint: { exclude: ['pin'], versions } } } });
// @ts-expect-error
createIdempotencyMiddleware(t, shared)({ fingerprint: { exclude: ['pin'], versions } });
// @ts-expect-error
createIdempotencyHandler(shared)(() => new Response(), { fingerprint: { exclude: ['pin'], versions } });
createIdempotencyHandler(shared)(() => new Response(), { fingerprint: { versions } });

// The compiler says why.
type Forbidden = Extract<Policy, { onCrash?: Excluded<string> }>['onCrash'];
expectTypeOf<NonNullable<Forbidden>>().toExtend<
  Excluded<'a crash in a transaction has committed nothing: leave out `onCrash`, or `transaction: true`'>
>();

// A policy can be put together of parts all the same.
declare const policy: Policy;
declare const some: Partial<IdempotencyOptions>;
declare const isOff: boolean;
createIdempotency({ store, ...policy, captureRequest: isOff, maxCapturedBytes: 5 });
createIdempotency({ ...some, store });
createIdempotency({ store, concurrent: isOff ? 'reject' : 'wait' });
idempotency.run(call, () => 1, { ...policy, retentionMs: 5_000 });
