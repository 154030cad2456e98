/** A version of W3C Trace Context that this release knows, with ids that are not all zero. */
const TRACEPARENT = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;

/** A `TraceContext` names the span of a run, as W3C Trace Context does. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits: the span of the run. */
  readonly spanId: string;
  /** True where the process that ran it has kept the trace; a collector may still have thrown it away. */
  readonly sampled: boolean;
  /** All of it in one text: `00-<traceId>-<spanId>-<flags>`. */
  readonly traceparent: string;
}

/** Reads a traceparent; undefined for anything else. A record whose trace is damaged loses a link, and nothing more. */
export function readTraceparent(traceparent: unknown): TraceContext | undefined {
  if (typeof traceparent !== 'string' || !TRACEPARENT.test(traceparent)) return undefined;
  const [, traceId, spanId, flags] = traceparent.split('-') as [string, string, string, string];
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1, traceparent };
}

/** The trace of the last run of a record, where it has one. */
export const traceparentOf = ({ traceparent }: { readonly traceparent?: unknown }): string | undefined =>
  readTraceparent(traceparent)?.traceparent;
