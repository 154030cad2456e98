import type { KeysOfAttention, Store } from '../engine/store.ts';
import type { CommandListener } from '../engine/store-command.ts';
import { type EventListener, guarded, warn } from '../events.ts';
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
  const [first, second] = [guarded(onEvent), telemetry?.onEvent && guarded(telemetry.onEvent)];
  const stops = [onStoreCommand, telemetry?.onStoreCommand].map(
    (listener) => listener && store.observe?.((command) => safely(() => listener(command))),
  );
  const count = telemetry?.watchKeys && counterOf(store);
  stops.push(count && safely(() => telemetry?.watchKeys?.(count)));
  return {
    tell(event) {
      first(event);
      second?.(event);
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

/** The handler is called once whatever a tracing system does: also where it throws before it, or after it. */
function aroundOnce<T>(trace: CallTrace, work: () => T): T {
  let called: { readonly result: T } | { readonly thrown: unknown } | undefined;
  safely(() =>
    trace.around(() => {
      try {
        called ??= { result: work() };
      } catch (thrown) {
        called = { thrown };
      }
    }),
  );
  if (!called) return work();
  if ('thrown' in called) throw called.thrown;
  return called.result;
}

function safely<T>(tell: () => T): T | undefined {
  try {
    return tell();
  } catch (error) {
    warn(error);
    return undefined;
  }
}
