import { createIdempotency, type IdempotencyEvent, type Store, type Telemetry } from 'latchkey';
import type { TraceContext } from 'latchkey/dashboard';
import { createTelemetry } from 'latchkey/otel';
import { expectTypeOf } from 'vitest';

declare const store: Store;

export function wirings() {
  expectTypeOf(createTelemetry()).toEqualTypeOf<Telemetry>();
  createIdempotency({ store, telemetry: createTelemetry({ spanAttributes: ['scope', 'key'] }) });
  // @ts-expect-error -- arguments are never on spans
  createTelemetry({ spanAttributes: ['args'] });
  createIdempotency({ store, onStoreCommand: ({ command, durationMs }) => [command, durationMs] });
}

export function words(event: IdempotencyEvent, run: TraceContext) {
  if (event.type === 'in_doubt') expectTypeOf(event.reason).not.toEqualTypeOf<string>();
  if (event.type === 'refused') expectTypeOf(event.reason).not.toEqualTypeOf<string | undefined>();
  expectTypeOf(event.operation).toEqualTypeOf<string>();
  // @ts-expect-error -- no such word
  if (event.type === 'lease_lost' && event.reason === 'bad luck') return undefined;
  return `${run.traceId}/${run.spanId}`;
}
