import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

/** Starts OpenTelemetry's own SDK, with exporters that keep what they are given. */
export function startSdk() {
  const manager = new AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(manager);
  const spans = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const tracer = tracerProvider.getTracer('test');
  return {
    tracerProvider,
    meterProvider,
    tracer,
    spans: () => spans.getFinishedSpans(),
    named: (name: string, key: string) =>
      spans
        .getFinishedSpans()
        .filter((span) => span.name === name && span.attributes['latchkey.key'] === key),
    /** Reads the points of a metric, as it is now. */
    async points(name: string) {
      metrics.reset();
      await reader.forceFlush();
      const all = metrics
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((one) => one.metrics));
      return all
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap((metric) => [...metric.dataPoints]);
    },
    /** Works inside of a span, as a server with an instrumentation of its own does. */
    inSpan: <T>(name: string, work: () => Promise<T>): Promise<T> => {
      const span = tracer.startSpan(name, {}, context.active());
      return context.with(trace.setSpan(context.active(), span), work).finally(() => span.end());
    },
    async [Symbol.asyncDispose]() {
      context.disable();
      await Promise.all([tracerProvider.shutdown(), meterProvider.shutdown()]);
    },
  };
}

export const traceparentOf = (span: ReadableSpan | undefined): string => {
  const { traceId, spanId } = span?.spanContext() ?? {};
  return `00-${traceId}-${spanId}-01`;
};

/** Lists the links of a span, as the records name what they lead to. */
export const linksOf = (span: ReadableSpan | undefined) =>
  (span?.links ?? []).map(({ context: { traceId, spanId }, attributes }) => ({
    to: `00-${traceId}-${spanId}-01`,
    as: attributes?.['latchkey.link'],
  }));
