import fc from 'fast-check';
import { expect, it } from 'vitest';
import { freshDatabase } from '../support/database.ts';
import { seedOfDay } from './seed-of-day.ts';
import { targetsOn } from './targets.ts';

/** For all targets together. `npm run fuzz` goes on for as long as it takes. */
const BUDGET_MS = 10_000;

it('made-up and damaged keys, documents, records, bodies and inputs meet a refusal or their own answer', async () => {
  await using database = await freshDatabase();
  const targets = await targetsOn(database.db);
  const seed = seedOfDay();
  for (const { name, property } of targets) {
    const found = await fc.check(property, {
      seed,
      numRuns: 100_000,
      interruptAfterTimeLimit: BUDGET_MS / targets.length,
    });
    console.log(`fuzz, ${name}: ${found.numRuns} cases of seed ${seed}`);
    // A test that is interrupted before its first case has tried nothing.
    expect(found.numRuns).toBeGreaterThan(0);
    expect(
      found.counterexample,
      `npm run fuzz -- --target ${name} --seed ${seed}: ${fc.defaultReportMessage(found)}`,
    ).toBeNull();
  }
}, 120_000);
