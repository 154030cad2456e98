import { type Violation, violations } from '../history/promises.ts';
import { historiesOf } from './histories.ts';
import { isOf } from './in-shares.ts';
import { play } from './play.ts';
import { makeProgram, type Program } from './program.ts';
import { type Scenario, scenarioOf } from './scenario.ts';
import { shortest } from './shrink.ts';
import type { Task } from './task.ts';

/** Plays the seeds until one breaks a promise, and then shows the shortest history that does. */
export function playSeeds({ seed: first, runs }: { seed: number; runs: number }): Task {
  return {
    items: runs,
    async work(share) {
      const program = await makeProgram();
      const total = { effects: 0, answers: 0, replays: 0, faults: 0, writes: 0 };
      for (let seed = first; seed < first + runs; seed++) {
        if (!isOf(share, seed - first)) continue;
        const played = await play(scenarioOf(seed), program);
        const [violation] = violations(historiesOf(played));
        if (violation) {
          await show(played.scenario, violation, program);
          return undefined;
        }
        total.effects += played.effects.length;
        total.answers += played.answers.length;
        total.replays += played.answers.filter(({ ran, receipt }) => receipt && ran === undefined).length;
        total.faults += played.scenario.faults.length;
        total.writes += played.server.log.length;
        if (seed % 500 === 0) console.error(`seed ${seed}`);
      }
      return total;
    },
    tell({ faults, answers, replays, effects, writes }, seconds) {
      console.log(
        `${runs} seeds from ${first} on: ${faults} faults, ${answers} answers (${replays} replays), ` +
          `${effects} effects, ${writes} writes to records. No promise was broken. ${seconds} s`,
      );
      return 0;
    },
  };
}

async function show(scenario: Scenario, violation: Violation, program: Program): Promise<void> {
  console.error(`Seed ${scenario.seed} breaks a promise; looking for the shortest history that does …`);
  const { scenario: small, history } = await shortest(scenario, violation, program);
  console.log(history.join('\n'));
  console.log(`\nBroken: ${violation.promise}\n${violation.detail}`);
  console.log(`Mode ${small.mode}, ${JSON.stringify(small.policy)}, timeoutMs ${small.timeoutMs}`);
  console.log(`Again: npm run simulate -- --seed ${scenario.seed} --runs 1`);
}
