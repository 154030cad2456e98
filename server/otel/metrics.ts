import type { Attributes, Meter, ObservableCallback } from '@opentelemetry/api';
import type { KeysOfAttention } from '../engine/store.ts';
import type { IdempotencyEvent } from '../events.ts';
import type { Telemetry } from '../telemetry.ts';
import { OTHER } from './bounded-names.ts';

/** The boundaries that the semantic conventions of OpenTelemetry (1.44) have for durations of requests, in seconds. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
/** A command holds up to 200 writes. */
const WRITES = [1, 2, 5, 10, 20, 50, 100, 200];

const STATES = [
  ['inDoubt', 'in_doubt'],
  ['lapsed', 'lapsed'],
  ['expired', 'expired'],
] as const;

/** Makes the metrics. Scope and key are on none of them. @param nameOf gives the bounded name of an operation */
export function createMetrics(
  meter: Meter,
  nameOf: (operation: string) => string,
): Required<Pick<Telemetry, 'onEvent' | 'onStoreCommand' | 'watchKeys'>> {
  const duration = (name: string, description: string) =>
    meter.createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries: SECONDS } });
  const events = meter.createCounter('latchkey.events', {
    description: 'What happened to keys, by type of event.',
    unit: '{event}',
  });
  const runs = duration(
    'latchkey.run.duration',
    'Duration of a run, from its start until its end was recorded.',
  );
  const waits = duration('latchkey.wait.duration', 'Time that a call waited for another run of its key.');
  const commands = duration('latchkey.store.command.duration', 'Time from sending a command to its answer.');
  const batches = meter.createHistogram('latchkey.claim.batch.size', {
    description: 'Claims of new keys that shared one command to the store.',
    unit: '{claim}',
    advice: { explicitBucketBoundaries: WRITES },
  });
  const resent = meter.createCounter('latchkey.store.resent', {
    description: 'Writes that were sent again, as an earlier copy had failed or got no answer.',
    unit: '{write}',
  });
  const attention = meter.createObservableGauge('latchkey.keys.attention', {
    description:
      'Keys that need attention: in doubt, lapsed, or expired and not deleted. All processes see the same ones.',
    unit: '{key}',
  });
  /** The stores whose keys are counted, with how many of those who asked for it are left. */
  const watched = new Map<() => Promise<KeysOfAttention>, number>();
  const observe: ObservableCallback = async (result) => {
    // Where a store does not answer there is no number: a smaller one would be wrong, and it is no fault of the reader.
    const counts = await Promise.all([...watched.keys()].map((count) => count())).catch(() => undefined);
    if (!counts) return;
    for (const [name, state] of STATES) {
      const sum = counts.reduce((all, of) => all + of[name], 0);
      result.observe(sum, { 'latchkey.state': state });
    }
  };
  return {
    onEvent(event) {
      const operation = { 'latchkey.operation': nameOf(event.operation) };
      events.add(1, { 'latchkey.event': event.type, ...operation, ...reasonOf(event) });
      const outcome = outcomeOf(event);
      if (outcome && 'durationMs' in event && event.durationMs !== undefined)
        runs.record(event.durationMs / 1_000, { ...operation, ...outcome });
      if (event.type === 'waited')
        waits.record(event.waitedMs / 1_000, { ...operation, 'latchkey.wait.result': event.result });
    },
    onStoreCommand({ command, size, again, durationMs, failure }) {
      const name = { 'latchkey.store.command': command };
      commands.record(durationMs / 1_000, { ...name, ...(failure && { 'error.type': failure }) });
      if (command === 'claim') batches.record(size);
      if (again > 0) resent.add(again, name);
    },
    watchKeys(count) {
      watched.set(count, (watched.get(count) ?? 0) + 1);
      if (watched.size === 1) attention.addCallback(observe);
      return () => {
        const others = (watched.get(count) ?? 1) - 1;
        if (others > 0) watched.set(count, others);
        else watched.delete(count);
        if (watched.size === 0) attention.removeCallback(observe);
      };
    },
  };
}

/** How a run ended, as attributes; undefined for an event that is no end of a run. */
export function outcomeOf(event: IdempotencyEvent): Attributes | undefined {
  switch (event.type) {
    case 'completed':
      // What kind of error it was is your handler's to say.
      return { 'latchkey.outcome': event.outcome, ...(event.outcome === 'error' && { 'error.type': OTHER }) };
    case 'released':
    case 'in_doubt':
      return { 'latchkey.outcome': event.type, 'error.type': event.reason };
    case 'result_not_recorded':
      return { 'latchkey.outcome': 'not_recorded', 'error.type': event.reason };
    default:
      return undefined;
  }
}

/** The words of an event that narrow its type. */
function reasonOf(event: IdempotencyEvent): Attributes {
  switch (event.type) {
    case 'refused':
      return {
        'error.type': event.code,
        ...(event.reason !== undefined && { 'latchkey.reason': event.reason }),
      };
    case 'started':
      return { 'latchkey.how': event.how };
    case 'completed':
      return { 'latchkey.outcome': event.outcome };
    case 'waited':
      return { 'latchkey.wait.result': event.result };
    case 'asked':
      return { 'latchkey.state': event.state };
    case 'operator_action':
      return { 'latchkey.action': event.action };
    default:
      return 'reason' in event ? { 'latchkey.reason': event.reason } : {};
  }
}
