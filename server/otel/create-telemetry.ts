import { type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api';
import { checkOptions } from '../engine/check-options.ts';
import { type Check, isObject } from '../engine/option-checks.ts';
import type { Telemetry } from '../telemetry.ts';
import { boundedNames } from './bounded-names.ts';
import { CallSpan } from './call-span.ts';
import { createMetrics } from './metrics.ts';

/** The name of the instrumentation scope. */
const SCOPE = 'latchkey';

/** The options of `createTelemetry`. */
export interface TelemetryOptions {
  /**
   * Makes the spans.
   * @default the global provider, also one that is registered later
   */
  readonly tracerProvider?: TracerProvider;
  /**
   * Makes the metrics.
   * @default the global provider, as it is when `createTelemetry` is called: register yours before
   */
  readonly meterProvider?: MeterProvider;
  /**
   * What spans tell of a key beside its operation. Scopes often name people, and keys are as good as a password to a stored answer, so
   * nothing of them leaves the process unless it is asked for. They are never on metrics.
   * @default []
   * @example
   * spanAttributes: ['scope', 'key']
   */
  readonly spanAttributes?: readonly ('scope' | 'key')[];
}

const CHECKS: Readonly<Record<keyof TelemetryOptions, Check>> = {
  tracerProvider: {
    expected: 'a TracerProvider of @opentelemetry/api',
    accepts: (value) => isObject(value) && typeof value.getTracer === 'function',
  },
  meterProvider: {
    expected: 'a MeterProvider of @opentelemetry/api',
    accepts: (value) => isObject(value) && typeof value.getMeter === 'function',
  },
  spanAttributes: {
    expected: "an array of 'scope' and 'key'",
    accepts: (value) => Array.isArray(value) && value.every((one) => one === 'scope' || one === 'key'),
  },
};

/**
 * Makes spans and metrics of what happens to keys, by OpenTelemetry. Each call with a key has one span: `latchkey.run` where the handler ran,
 * `latchkey.claim` where it did not; a replay's span links to that of the run which made the answer, in whatever process that was.
 *
 * @example
 * const idempotency = createIdempotency({ store, telemetry: createTelemetry() })
 * @experimental
 * @throws TypeError for an option that is unknown or not what it should be
 */
export function createTelemetry(options: TelemetryOptions = {}): Telemetry {
  checkOptions<TelemetryOptions>(options, CHECKS, { of: 'createTelemetry' });
  const { tracerProvider = trace, meterProvider = metrics, spanAttributes = [] } = options;
  const tracer = tracerProvider.getTracer(SCOPE);
  return {
    ...createMetrics(meterProvider.getMeter(SCOPE), boundedNames()),
    follow: (call) => new CallSpan(tracer, call, spanAttributes),
  };
}
