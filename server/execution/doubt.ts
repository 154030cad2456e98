import type { KeyedCall } from '../call.ts';
import { lostRunOf } from '../engine/lost-run.ts';
import type { UnresolvedRecord } from '../engine/record.ts';
import type { Doubt } from '../engine/resolution.ts';
import type { Held } from '../engine/store.ts';
import { downstreamKeyOf } from '../run/run.ts';
import { openStep, placeOfStep } from './step-value.ts';

/** What a doubt is made of: the record as it was found, and the takeover under which the question is asked. */
interface Doubtful<Value> {
  readonly call: KeyedCall<Value>;
  readonly record: UnresolvedRecord;
  readonly held: Held;
  readonly signal: AbortSignal;
}

/** Makes what a `resolve` function is shown: what is known of the lost run, and the call that asks. */
export async function doubtOf<Value>({ call, record, held, signal }: Doubtful<Value>): Promise<Doubt> {
  const { scope, key, operation, state } = record;
  const steps = new Map(held.steps?.map(({ name, value }) => [name, value]));
  const doubt: Doubt = {
    scope,
    key,
    operation,
    state: state === 'running' ? 'lapsed' : 'in_doubt',
    ...lostRunOf(record),
    finishedSteps: [...steps.keys()],
    signal,
    downstreamKey: (name) => downstreamKeyOf(held, name),
    async step<T>(name: string) {
      if (!steps.has(name)) return undefined;
      return (await openStep(steps.get(name), placeOfStep(held, name), call.policy.cipher)) as T;
    },
  };
  // A copy, for the developer may have made what is seen; and as it is, for what is read only when somebody asks for it may fail.
  const seen = (await call.seen?.()) ?? {};
  const members = { ...Object.getOwnPropertyDescriptors(seen), ...Object.getOwnPropertyDescriptors(doubt) };
  return Object.defineProperties({} as Doubt, members);
}
