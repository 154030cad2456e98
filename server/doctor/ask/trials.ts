import type { Collection } from '../../mongodb/database.ts';
import { type Asked, type ServerFacts, TRIALS, type Trial, type TrialName } from '../facts.ts';
import type { Ask } from './asking.ts';
import { Bench, BrokenPromise } from './bench.ts';
import { FEATURE_PLANS } from './feature-plans.ts';
import type { Plan } from './plan.ts';
import { PROTOCOL_PLANS } from './protocol-plans.ts';

const PLANS: Readonly<Record<TrialName, Plan>> = { ...FEATURE_PLANS, ...PROTOCOL_PLANS };

/** Runs the trials one after the other. */
export async function runTrials(
  scratch: Collection,
  { kind }: ServerFacts,
  ask: Ask,
): Promise<Record<TrialName, Trial>> {
  const bench = new Bench(scratch);
  const ends: Partial<Record<TrialName, Trial>> = {};
  for (const name of TRIALS) {
    const { needs = [], run }: Plan = PLANS[name];
    const lacking = needs.find((need) => ends[need]?.end !== 'kept');
    if (lacking) ends[name] = { end: 'untried', why: `it needs "${lacking}"` };
    else if (name === 'transaction' && kind === 'standalone') ends[name] = NO_SET;
    else ends[name] = endOf(await ask(() => outcomeOf(run(bench))));
  }
  return ends as Record<TrialName, Trial>;
}

const NO_SET: Trial = { end: 'refused', error: 'a standalone has no transactions' };

/** Says of each trial that it was not made. */
export function untried(why: string): Record<TrialName, Trial> {
  const entries = TRIALS.map((name): [TrialName, Trial] => [name, { end: 'untried', why }]);
  return Object.fromEntries(entries) as Record<TrialName, Trial>;
}

async function outcomeOf(run: Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await run;
  } catch (error) {
    if (error instanceof BrokenPromise) return error.message;
    throw error;
  }
}

function endOf(asked: Asked<string | undefined>): Trial {
  if ('unknown' in asked) {
    const { unknown, isRefused } = asked;
    return isRefused ? { end: 'refused', error: unknown } : { end: 'untried', why: unknown };
  }
  return asked.known === undefined ? { end: 'kept' } : { end: 'broken', what: asked.known };
}
