import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  type Link,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { isIdempotencyError } from '../engine/errors.ts';
import { readTraceparent } from '../engine/traceparent.ts';
import type { IdempotencyEvent } from '../events.ts';
import type { CallTrace, FollowedCall } from '../telemetry.ts';
import { OTHER } from './bounded-names.ts';
import { outcomeOf } from './metrics.ts';

/**
 * `CallSpan` is the span of one keyed call, from its claim to its answer. It begins as `latchkey.claim`, and is `latchkey.run` once the handler
 * runs: so its id is known when the claim is sent, and the record can keep it before anything has happened.
 */
export class CallSpan implements CallTrace {
  readonly traceparent: string | undefined;
  readonly #tracer: Tracer;
  readonly #span: Span;
  readonly #around: Context;
  readonly #operation: Attributes;
  /** The two clocks when the call began: a span's times are those of one of them. */
  readonly #began = { at: Date.now(), by: performance.now() };
  #hasOutcome = false;
  #hasEnded = false;

  constructor(tracer: Tracer, call: FollowedCall, shown: readonly ('scope' | 'key')[]) {
    this.#tracer = tracer;
    this.#operation = { 'latchkey.operation': call.operation };
    const named = Object.fromEntries(shown.map((name) => [`latchkey.${name}`, call[name]]));
    const parent = context.active();
    const attributes = { ...this.#operation, ...named };
    this.#span = tracer.startSpan('latchkey.claim', { startTime: this.#began.at, attributes }, parent);
    this.#around = trace.setSpan(parent, this.#span);
    const found = this.#span.spanContext();
    const flags = (found.traceFlags & 0xff).toString(16).padStart(2, '0');
    this.traceparent = isSpanContextValid(found) ? `00-${found.traceId}-${found.spanId}-${flags}` : undefined;
  }

  around<T>(work: () => T): T {
    return context.with(this.#around, work);
  }

  onEvent(event: IdempotencyEvent): void {
    if (this.#hasEnded) return;
    switch (event.type) {
      case 'started':
        this.#becomeRun(event);
        break;
      case 'waited':
        this.#child(
          'latchkey.wait',
          event.waitedMs,
          { 'latchkey.wait.result': event.result },
          event.linkedTo,
        );
        break;
      case 'replayed':
        this.#link(event.linkedTo, 'replayed');
        this.#span.setAttributes({
          'latchkey.outcome': 'replayed',
          'latchkey.replay.age': event.ageMs / 1_000,
        });
        break;
      case 'refused':
        this.#refuse(event);
        break;
      case 'in_doubt':
        if (event.reason === 'lease_lapsed') this.#link(event.linkedTo, 'in_doubt');
        else this.#endRun(event);
        break;
      case 'completed':
      case 'released':
      case 'result_not_recorded':
        this.#endRun(event);
        break;
      case 'lease_lost':
      case 'transaction_retried':
        this.#span.addEvent(`latchkey.${event.type}`, { 'latchkey.reason': event.reason }, this.#now());
        break;
      default:
        break; // of no call, or told by its `waited`
    }
  }

  end(error?: unknown): void {
    if (this.#hasEnded) return;
    if (isIdempotencyError(error)) this.#refuse(error);
    else if (error !== undefined && !this.#hasOutcome) this.#fail({ 'error.type': nameOf(error) });
    this.#span.end(this.#now());
    this.#hasEnded = true;
  }

  /** What became of the run says more than what its caller was told. */
  #refuse({ code, reason }: { readonly code: string; readonly reason?: string | undefined }): void {
    if (this.#hasOutcome) return;
    this.#hasOutcome = true;
    this.#span.setAttribute('latchkey.outcome', 'refused');
    // The message of an error may hold anything, so it stays in the process.
    this.#fail({ 'error.type': code, ...(reason !== undefined && { 'latchkey.reason': reason }) });
  }

  #becomeRun({ attempt, fence, how, linkedTo }: Extract<IdempotencyEvent, { type: 'started' }>): void {
    this.#child('latchkey.claim', performance.now() - this.#began.by, {}, undefined);
    this.#span.updateName('latchkey.run');
    this.#span.setAttributes({ 'latchkey.attempt': attempt, 'latchkey.fence': fence, 'latchkey.how': how });
    this.#link(linkedTo, 'taken_over');
  }

  #endRun(event: IdempotencyEvent): void {
    const { 'error.type': error, ...outcome } = outcomeOf(event) ?? {};
    this.#hasOutcome = true;
    this.#span.setAttributes(outcome);
    // It answers for a lost run, and has none of its own.
    if ('linkedTo' in event) this.#link(event.linkedTo, 'taken_over');
    if (error === undefined) return;
    if (event.type === 'released') this.#span.setAttribute('error.type', error);
    else this.#fail({ 'error.type': error });
  }

  #fail(attributes: Attributes): void {
    this.#span.setAttributes(attributes).setStatus({ code: SpanStatusCode.ERROR });
  }

  /** Makes a span of something that took so long until now. */
  #child(name: string, durationMs: number, attributes: Attributes, linkedTo: string | undefined): void {
    const now = this.#now();
    const link = linkOf(linkedTo, 'waited');
    const options = {
      startTime: now - durationMs,
      attributes: { ...this.#operation, ...attributes },
      ...(link && { links: [link] }),
    };
    this.#tracer.startSpan(name, options, this.#around).end(now);
  }

  #link(traceparent: string | undefined, how: string): void {
    const link = linkOf(traceparent, how);
    if (link) this.#span.addLink(link);
  }

  #now(): number {
    return this.#began.at + (performance.now() - this.#began.by);
  }
}

function linkOf(traceparent: string | undefined, how: string): Link | undefined {
  const found = readTraceparent(traceparent);
  if (!found) return undefined;
  const { traceId, spanId, sampled } = found;
  return {
    context: { traceId, spanId, traceFlags: sampled ? 1 : 0, isRemote: true },
    attributes: { 'latchkey.link': how },
  };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : OTHER;
}
