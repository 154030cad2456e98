import fc from 'fast-check';
import { expect, it } from 'vitest';
import { freshDatabase } from '../support/database.ts';
import { seedOfDay } from './seed-of-day.ts';
import { targetsOn } from './targets.ts';

/** For all targets together. `npm run fuzz` goes on for as long as it takes. */
const BUDGET_MS = 5_000;
/** So many cases come to all that a target counts, however slow the machine is. */
const BATCH = 100;

it('made-up and damaged keys, documents, records, bodies and inputs meet a refusal or their own answer', async () => {
  await using database = await freshDatabase();
  const targets = await targetsOn(database.db);
  for (const { name, property, reached } of targets) {
    const until = performance.now() + BUDGET_MS / targets.length;
    let [seed, cases] = [seedOfDay(), 0];
    do {
      const found = await fc.check(property, { seed, numRuns: BATCH });
      const again = `npm run fuzz -- --target ${name} --seed ${seed} --cases ${BATCH}`;
      expect(found.counterexample, `${again}: ${fc.defaultReportMessage(found)}`).toBeNull();
      seed++;
      cases += BATCH;
    } while (performance.now() < until);
    console.log(`fuzz, ${name}: ${cases} cases of the seeds ${seedOfDay()} to ${seed - 1}`);
    // Cases that are all refused have tried nothing.
    for (const [what, times] of Object.entries(reached)) expect(times, `${name}: ${what}`).toBeGreaterThan(0);
  }
}, 120_000);
