import { type Violation, violations } from '../history/promises.ts';
import { historiesOf } from './histories.ts';
import { type Played, play } from './play.ts';
import type { Program } from './program.ts';
import type { Scenario } from './scenario.ts';

/** Leaves calls and faults out for as long as the same promise is broken, and gives what is left. */
export async function shortest(
  scenario: Scenario,
  { promise }: Violation,
  program: Program,
): Promise<Played> {
  let least = await play(scenario, program);
  for (let isShorter = true; isShorter; ) {
    isShorter = false;
    for (const smaller of smallerOnes(least.scenario)) {
      const played = await play(smaller, program);
      if (!violations(historiesOf(played)).some((violation) => violation.promise === promise)) continue;
      least = played;
      isShorter = true;
      break;
    }
  }
  return least;
}

function smallerOnes(scenario: Scenario): Scenario[] {
  return [
    ...scenario.faults.map((_, i) => ({ ...scenario, faults: scenario.faults.toSpliced(i, 1) })),
    ...scenario.calls.map((_, i) => ({ ...scenario, calls: scenario.calls.toSpliced(i, 1) })),
    ...scenario.calls.flatMap((call, i) =>
      call.loss > 0 ? [{ ...scenario, calls: scenario.calls.toSpliced(i, 1, { ...call, loss: 0 }) }] : [],
    ),
  ];
}
