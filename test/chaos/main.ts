import { Command, InvalidArgumentError } from 'commander';
import { type CampaignOptions, runCampaign } from './campaign.ts';
import { runControls } from './controls.ts';
import { type Fault, shownFault } from './fault-plan.ts';
import { MODES, type Mode } from './order.ts';
import { doubts, figures, progress, refusals, shownFaults, shownViolations } from './report.ts';

function aNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('Expected a number above 0.');
  return value;
}

function someModes(text: string): Mode[] {
  return text.split(',').map((name) => {
    const mode = MODES.find((one) => one === name);
    if (!mode) throw new InvalidArgumentError(`Expected some of ${MODES.join(',')}.`);
    return mode;
  });
}

const given = new Command('chaos')
  .description(
    'Runs real servers on a real replica set, kills, freezes and cuts them off, and checks the history of each key',
  )
  .option('--minutes <minutes>', 'faults come for so long', aNumber, 1)
  .option('--seed <seed>', 'the seed of the faults and of the requests', aNumber, 1)
  .option('--mode <modes>', `some of ${MODES.join(',')}`, someModes, [...MODES])
  .option('--apps <count>', 'server processes', aNumber, 3)
  .option('--concurrency <count>', 'requests under way at a time', aNumber, 12)
  .option('--no-clocks', 'leaves the clocks alone')
  .option(
    '--controls [words]',
    'runs clusters that are wrong on purpose, or those with these words in their names: each has to be rejected',
  )
  .parse()
  .opts<{
    minutes: number;
    seed: number;
    mode: Mode[];
    apps: number;
    concurrency: number;
    clocks: boolean;
    controls?: true | string;
  }>();

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    console.error(`${signal}: stopping what was started …`);
    interrupted.abort(new Error(`Ended by ${signal}`));
  });

const options: CampaignOptions = {
  seed: given.seed,
  seconds: given.minutes * 60,
  apps: given.apps,
  clients: 2,
  concurrency: Math.ceil(given.concurrency / 2),
  modes: given.mode,
  leaseMs: 4_000,
  setsClocks: given.clocks,
  signal: interrupted.signal,
};

try {
  process.exitCode = given.controls === undefined ? await runOnce() : await control(given.controls);
} catch (error) {
  if (!interrupted.signal.aborted) throw error;
  process.exitCode = 130;
}

async function control(words: true | string): Promise<number> {
  const accepted = await runControls({ ...options, only: words === true ? '' : words }, console.log);
  return accepted === 0 ? 0 : 1;
}

function shownSeconds(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1_000).toFixed(0)} s`;
}

async function runOnce(): Promise<number> {
  const startedAt = performance.now();
  const standing = await runCampaign({
    ...options,
    onPlan: tellPlan,
    onPhase: (phase) => console.log(`${shownSeconds(startedAt)}: ${phase}`),
    onProgress: (seconds, so) => console.log(progress(seconds, so)),
  });
  console.log(`\n${figures(standing)}\n`);
  console.log(`Faults: ${shownFaults(standing)}`);
  console.log(`Refusals: ${refusals(standing)}`);
  console.log(`Keys in doubt, by what their runs met: ${doubts(standing)}`);
  const { violations } = standing;
  if (violations.length === 0) {
    console.log(`0 violations. ${shownSeconds(startedAt)}`);
    return 0;
  }
  console.log(
    `\n${shownViolations(violations)}\n\n${shownSeconds(startedAt)}. The faults again: --seed ${options.seed}`,
  );
  return 1;
}

function tellPlan(plan: readonly Fault[], hasFakeTime: boolean): void {
  console.log(`${plan.length} faults of seed ${options.seed}:`);
  for (const fault of plan) console.log(shownFault(fault));
  if (!hasFakeTime && given.clocks)
    console.log('No clock is set: this machine has no libfaketime (apt-get install libfaketime).');
}
