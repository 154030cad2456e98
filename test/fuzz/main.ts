import { Command, InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import { MongoClient } from 'mongodb';
import { startMongod } from '../support/mongod/start-mongod.ts';
import { seedOfDay } from './seed-of-day.ts';
import { targetsOn } from './targets.ts';

const count = (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('Expected a count from 1 on.');
  return value;
};

const options = new Command('fuzz')
  .description(
    'Sends made-up and damaged keys, documents, records, bodies and inputs, and looks for crashes and wrong answers',
  )
  .option('--cases <count>', 'so many for each target', count, 100_000)
  .option('--seed <seed>', 'the same seed makes the same cases. Default: that of the day', count, seedOfDay())
  .option('--seconds <count>', 'stops each target after so long. Default: when all cases are through', count)
  .option('--target <name>', 'only this one: keys, documents, records, bodies or dashboard')
  .parse()
  .opts<{ cases: number; seed: number; seconds?: number; target?: string }>();

await using mongod = await startMongod();
await using client = await new MongoClient(mongod.uri).connect();
const all = await targetsOn(client.db('fuzz'));
const targets = all.filter(({ name }) => options.target === undefined || name === options.target);
if (targets.length === 0)
  throw new Error(`Expected --target to be one of ${all.map(({ name }) => name).join(', ')}`);
for (const { name, property, reached } of targets) {
  const startedAt = performance.now();
  const { seed, cases: numRuns, seconds: most } = options;
  const limit = most === undefined ? {} : { interruptAfterTimeLimit: most * 1_000 };
  const found = await fc.check(property, { seed, numRuns, ...limit });
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  console.log(
    `${name}: ${found.numRuns} cases of seed ${seed} in ${seconds} s${found.counterexample ? ', and a fault:' : ': none fails'}`,
  );
  const unreached = Object.keys(reached).filter((what) => reached[what] === 0);
  console.log(
    `  ${Object.entries(reached)
      .map(([what, times]) => `${what}: ${times}`)
      .join(', ')}`,
  );
  if (unreached.length > 0) {
    console.error(`${name}: no case was ${unreached.join(', or ')}, so nothing is known of that`);
    process.exitCode = 1;
  }
  if (!found.counterexample) continue;
  console.error(fc.defaultReportMessage(found), found.errorInstance);
  process.exitCode = 1;
}
process.exit();
