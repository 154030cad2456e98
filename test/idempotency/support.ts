import { afterEach, expect, vi } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import {
  createIdempotency,
  type IdempotencyEvent,
  type Policy,
  type Run,
  type Store,
} from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { type CallOptions, callOf, type Result } from '../support/calls.ts';

/**
 * An engine on the reference store, some of whose operations a test may replace. The tests here are about the rules of
 * a call: what must hold on MongoDB too is in the store contract and in the tests over HTTP.
 */
export function setUp(options: Policy & { enabled?: boolean; store?: Partial<Store> } = {}) {
  const { store: faults, ...rest } = options;
  const events: IdempotencyEvent[] = [];
  const inner = createMemoryStore();
  const store = new Proxy(inner, {
    get: (_, name) => {
      const method = faults?.[name as keyof Store] ?? inner[name as keyof Store];
      return (method as (...args: unknown[]) => unknown).bind(inner);
    },
  });
  const idempotency = createIdempotency({ ...rest, store, onEvent: (event) => events.push(event) });
  const call = (handler: (run: Run) => Promise<Result>, callOptions?: CallOptions) =>
    internalsOf(idempotency).execute(callOf(idempotency, handler, callOptions));
  return { idempotency, call, events, store: inner, types: () => events.map((event) => event.type) };
}

export const done = async (): Promise<Result> => ({ data: 'done' });

/** Time goes by, and timers with it. */
export const passed = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Matches an error of the product with this code, and this reason where one is given. */
export const code = (wanted: string, reason?: string) =>
  expect.objectContaining({ code: wanted, ...(reason && { reason }) });

afterEach(() => {
  vi.useRealTimers();
});
