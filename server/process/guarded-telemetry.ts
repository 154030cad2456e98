import { textOf } from '../engine/reason.ts';
import type { KeysOfAttention, Store } from '../engine/store.ts';
import type { CommandListener } from '../engine/store-command.ts';
import type { EventListener } from '../events.ts';
import type { CallTrace, FollowedCall, Telemetry } from '../telemetry.ts';

interface Listeners {
  readonly onEvent: EventListener | undefined;
  readonly onStoreCommand: CommandListener | undefined;
  readonly telemetry: Telemetry | undefined;
}

/** `GuardedTelemetry` tells all listeners of an `Idempotency`, and keeps what they throw from the calls. */
export interface GuardedTelemetry {
  readonly tell: EventListener;
  /** Follows a call; undefined where nobody does. */
  follow(call: FollowedCall): CallTrace | undefined;
  /** Tells nobody of the store any more. */
  stop(): void;
}

/** Connects the listeners with the store. Where there are none, nothing of the store is measured. */
export function guardedTelemetry(
  { onEvent, onStoreCommand, telemetry }: Listeners,
  store: Store,
): GuardedTelemetry {
  const stops = [onStoreCommand, telemetry?.onStoreCommand].map(
    (listener) => listener && store.observe?.((command) => safely(() => listener(command))),
  );
  const count = telemetry?.watchKeys && counterOf(store);
  stops.push(count && safely(() => telemetry?.watchKeys?.(count)));
  return {
    tell(event) {
      if (onEvent) safely(() => onEvent(event));
      if (telemetry?.onEvent) safely(() => telemetry.onEvent?.(event));
    },
    follow({ scope, key, operation }) {
      if (!telemetry?.follow) return undefined;
      const trace = safely(() => telemetry.follow?.({ scope, key, operation }));
      return trace && guardedTrace(trace);
    },
    stop() {
      for (const stop of stops.splice(0)) if (stop) safely(stop);
    },
  };
}

/** One function for each store, so that two who watch it are known to watch the same keys. */
const counters = new WeakMap<Store, () => Promise<KeysOfAttention>>();

function counterOf(store: Store): (() => Promise<KeysOfAttention>) | undefined {
  const count = counters.get(store) ?? store.countAttention?.bind(store);
  if (count) counters.set(store, count);
  return count;
}

function guardedTrace(trace: CallTrace): CallTrace {
  return {
    traceparent: safely(() => trace.traceparent),
    onEvent: (event) => safely(() => trace.onEvent(event)),
    around: (work) => aroundOnce(trace, work),
    end: (error) => safely(() => trace.end(error)),
  };
}

/** The handler is called once whatever a tracing system does: also where it throws before it or after it, or would call it only later. */
function aroundOnce<T>(trace: CallTrace, work: () => T): T {
  let called: Called<T> | undefined;
  const once = (): Called<T> => {
    called ??= callOf(work);
    return called;
  };
  safely(() => trace.around(() => void once()));
  if (!called)
    warn(
      'Expected `around` of a CallTrace to call what it is given at once: that was called without its span',
    );
  const ended = once();
  if ('thrown' in ended) throw ended.thrown;
  return ended.result;
}

type Called<T> = { readonly result: T } | { readonly thrown: unknown };

function callOf<T>(work: () => T): Called<T> {
  try {
    return { result: work() };
  } catch (thrown) {
    return { thrown };
  }
}

/** A listener that fails must not change what becomes of a payment: it is reported as a process warning. */
function safely<T>(tell: () => T): T | undefined {
  try {
    const told = tell();
    // An `async` listener: its rejection would end the process. So would that of anything else with a `then`.
    if (typeof told === 'object' && told !== null) Promise.resolve(told).catch(warn);
    return told;
  } catch (error) {
    warn(error);
    return undefined;
  }
}

/** Tells the operator that a listener has failed. */
function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : textOf(error), { type: 'LatchkeyWarning' });
}
