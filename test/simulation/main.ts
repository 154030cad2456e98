import { Command, InvalidArgumentError } from 'commander';
import { type Violation, violations } from '../history/promises.ts';
import { historiesOf } from './histories.ts';
import { PLANTED_FAULTS, type PlantedFault } from './planted-faults.ts';
import { play } from './play.ts';
import { makeProgram, type Program } from './program.ts';
import { type Scenario, scenarioOf } from './scenario.ts';
import { shortest } from './shrink.ts';

const count = (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('Expected a count from 1 on.');
  return value;
};

const given = new Command('simulate')
  .description(
    'Plays made-up days of servers that crash, freeze and lose messages, and checks what is promised',
  )
  .option('--seed <seed>', 'the first seed', count, 1)
  .option('--runs <count>', 'so many seeds, one after the other; default 2000, with --planted 5000', count)
  .option(
    '--planted',
    'puts each fault of planted-faults.ts into the sources, and looks for it in up to --runs seeds',
  )
  .option('--fault <words>', 'with --planted: only those whose names have these words', '')
  .parse()
  .opts<{ seed: number; runs?: number; planted?: true; fault: string }>();
const options = { ...given, runs: given.runs ?? (given.planted ? 5_000 : 2_000) };

// A thousand errors are part of each second that is played; none of their stacks is shown.
Error.stackTraceLimit = 0;
process.exitCode = options.planted ? await findPlanted() : await simulate();

/** Plays the seeds until one breaks a promise, and then shows the shortest history that does. */
async function simulate(): Promise<number> {
  const program = await makeProgram();
  const { seed: first, runs } = options;
  const startedAt = performance.now();
  const total = { effects: 0, answers: 0, replays: 0, faults: 0, writes: 0 };
  for (let seed = first; seed < first + runs; seed++) {
    const played = await play(scenarioOf(seed), program);
    const [violation] = violations(historiesOf(played));
    if (violation) return await show(played.scenario, violation, program);
    total.effects += played.effects.length;
    total.answers += played.answers.length;
    total.replays += played.answers.filter(({ ran, receipt }) => receipt && ran === undefined).length;
    total.faults += played.scenario.faults.length;
    total.writes += played.server.log.length;
    if (seed % 500 === 0) console.error(`seed ${seed}`);
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  console.log(
    `${runs} seeds from ${first} on: ${total.faults} faults, ${total.answers} answers (${total.replays} replays), ` +
      `${total.effects} effects, ${total.writes} writes to records. No promise was broken. ${seconds} s`,
  );
  return 0;
}

async function show(scenario: Scenario, violation: Violation, program: Program): Promise<number> {
  console.error(`Seed ${scenario.seed} breaks a promise; looking for the shortest history that does …`);
  const { scenario: small, history } = await shortest(scenario, violation, program);
  console.log(history.join('\n'));
  console.log(`\nBroken: ${violation.promise}\n${violation.detail}`);
  console.log(`Mode ${small.mode}, ${JSON.stringify(small.policy)}, timeoutMs ${small.timeoutMs}`);
  console.log(`Again: npm run simulate -- --seed ${scenario.seed} --runs 1`);
  return 1;
}

async function findPlanted(): Promise<number> {
  const missed: PlantedFault[] = [];
  const faults = PLANTED_FAULTS.filter(({ name }) => name.includes(options.fault));
  for (const fault of faults) {
    const found = await seedThatFinds(fault);
    console.log(
      found === undefined
        ? `NOT FOUND in ${options.runs} seeds: ${fault.name}`
        : `found by seed ${String(found.seed).padStart(4)}: ${fault.name} (broken: ${found.promise})`,
    );
    if (found === undefined) missed.push(fault);
  }
  console.log(`${faults.length - missed.length} of ${faults.length} planted faults found`);
  return missed.length === 0 ? 0 : 1;
}

async function seedThatFinds(fault: PlantedFault): Promise<{ seed: number; promise: string } | undefined> {
  const program = await makeProgram(fault);
  for (let seed = options.seed; seed < options.seed + options.runs; seed++) {
    const [violation] = violations(historiesOf(await play(scenarioOf(seed), program)));
    if (violation) return { seed, promise: violation.promise };
  }
  return undefined;
}
