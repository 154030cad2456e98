import { violations } from '../history/promises.ts';
import { historiesOf } from './histories.ts';
import { isOf } from './in-shares.ts';
import { PLANTED_FAULTS, type PlantedFault } from './planted-faults.ts';
import { play } from './play.ts';
import { makeProgram } from './program.ts';
import { scenarioOf } from './scenario.ts';
import type { Task } from './task.ts';

interface Search {
  readonly seed: number;
  readonly runs: number;
  /** Only the faults with these words in their names. */
  readonly words: string;
}

/** Puts each fault into the sources, and looks for the seed that finds it. */
export function findPlanted({ seed, runs, words }: Search): Task {
  const faults = PLANTED_FAULTS.filter(({ name }) => name.includes(words));
  return {
    items: faults.length,
    async work(share) {
      let found = 0;
      for (const [index, fault] of faults.entries()) {
        if (!isOf(share, index)) continue;
        const first = await seedThatFinds(fault, { seed, runs });
        if (first) found++;
        console.log(
          first
            ? `found by seed ${String(first.seed).padStart(4)}: ${fault.name} (broken: ${first.promise})`
            : `NOT FOUND in ${runs} seeds: ${fault.name}`,
        );
      }
      return { found };
    },
    tell({ found }) {
      console.log(`${found} of ${faults.length} planted faults found`);
      return found === faults.length ? 0 : 1;
    },
  };
}

async function seedThatFinds(
  fault: PlantedFault,
  { seed: first, runs }: Omit<Search, 'words'>,
): Promise<{ seed: number; promise: string } | undefined> {
  const program = await makeProgram(fault);
  for (let seed = first; seed < first + runs; seed++) {
    const [violation] = violations(historiesOf(await play(scenarioOf(seed), program)));
    if (violation) return { seed, promise: violation.promise };
  }
  return undefined;
}
