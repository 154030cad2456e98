import { internalsOf } from '../../server/adapter/internals.ts';
import type { StoredRecord } from '../../server/engine/record.ts';
import { createIdempotency, type IdempotencyOptions, type Run, type Store } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { claimOf } from '../../server/testing/contract/requests.ts';
import { type CallOptions, callOf, type Result } from '../support/calls.ts';

type Options = Partial<IdempotencyOptions> & {
  faults?: Partial<Store>;
  inner?: Store;
};

/** Keyed calls on the reference store, some of whose operations may be replaced. */
export function openEngine({ faults = {}, inner = createMemoryStore(), ...options }: Options = {}) {
  const store = new Proxy(inner, {
    get(_, name) {
      const method = faults[name as keyof Store] ?? inner[name as keyof Store];
      return (method as (...args: unknown[]) => unknown).bind(inner);
    },
  });
  const idempotency = createIdempotency({ ...options, store });
  return {
    idempotency,
    store: inner,
    call: (handler: (run: Run) => Promise<Result>, callOptions?: CallOptions) =>
      internalsOf(idempotency).execute(callOf(idempotency, handler, callOptions)),
    /** The record of key `k`. A takeover from nobody changes nothing, and says what stands. */
    async record(): Promise<StoredRecord | null> {
      const found = await inner.takeOver(claimOf({ owner: 'a reader' }), { owner: '', fence: 0 }, 'running');
      return found.won ? null : found.record;
    },
  };
}

/** A handler as an adapter has it: what is thrown is a result. */
export function handled(body: (run: Run) => Promise<unknown>): (run: Run) => Promise<Result> {
  return async (run) => {
    try {
      return { data: await body(run) };
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  };
}
