import type { KeyedCall } from '../call.ts';
import { lostRunOf } from '../engine/lost-run.ts';
import type { StoredStep, UnresolvedRecord } from '../engine/record.ts';
import type { Doubt } from '../engine/resolution.ts';
import type { Held } from '../engine/store.ts';
import { downstreamKeyOf } from '../run/run.ts';
import { openStep, placeOfStep } from './step-value.ts';

/** What a record says of a lost run, with what opens its steps. */
interface Doubtful {
  readonly record: UnresolvedRecord;
  readonly steps: readonly StoredStep[] | undefined;
  readonly signal: AbortSignal;
  /** Gives the value of a step. */
  open(name: string, stored: unknown): Promise<unknown>;
}

/** Makes what is known of a lost run by its record alone: an operator by code asks about it without a call. */
export function doubtOfRecord({ record, steps: stored, signal, open }: Doubtful): Doubt {
  const { scope, key, operation, state } = record;
  const steps = new Map(stored?.map(({ name, value }) => [name, value]));
  return {
    scope,
    key,
    operation,
    state: state === 'running' ? 'lapsed' : 'in_doubt',
    ...lostRunOf(record),
    finishedSteps: [...steps.keys()],
    signal,
    downstreamKey: (name) => downstreamKeyOf(record, name),
    async step<T>(name: string) {
      return steps.has(name) ? ((await open(name, steps.get(name))) as T) : undefined;
    },
  };
}

/** What a doubt is made of: the record as it was found, and the takeover under which the question is asked. */
interface Asked<Value> {
  readonly call: KeyedCall<Value>;
  readonly record: UnresolvedRecord;
  readonly held: Held;
  readonly signal: AbortSignal;
}

/** Makes what a `resolve` function is shown: what is known of the lost run, and the call that asks. */
export async function doubtOf<Value>({ call, record, held, signal }: Asked<Value>): Promise<Doubt> {
  const open = (name: string, stored: unknown) =>
    openStep(stored, placeOfStep(held, name), call.policy.cipher);
  const doubt = doubtOfRecord({ record, steps: held.steps, signal, open });
  // A copy, for the developer may have made what is seen; and as it is, for what is read only when somebody asks for it may fail.
  const seen = (await call.seen?.()) ?? {};
  const members = { ...Object.getOwnPropertyDescriptors(seen), ...Object.getOwnPropertyDescriptors(doubt) };
  return Object.defineProperties({} as Doubt, members);
}
