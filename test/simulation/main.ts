import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { findPlanted } from './find-planted.ts';
import { inShares, type Share, WHOLE } from './in-shares.ts';
import { playSeeds } from './play-seeds.ts';
import type { Counts } from './task.ts';

function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('Expected a count from 1 on.');
  return value;
}

function aShare(text: string): Share {
  const [index = Number.NaN, of = Number.NaN] = text.split('/').map(Number);
  if (!(index < of)) throw new InvalidArgumentError('Expected a share such as 0/2.');
  return { index, of };
}

const options = new Command('simulate')
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
  .option('--jobs <count>', 'so many processes share the work', count, availableParallelism())
  .addOption(new Option('--share <share>').argParser(aShare).hideHelp())
  .parse()
  .opts<{ seed: number; runs?: number; planted?: true; fault: string; jobs: number; share?: Share }>();

const { seed, runs, fault: words, share } = options;
const task = options.planted
  ? findPlanted({ seed, runs: runs ?? 5_000, words })
  : playSeeds({ seed, runs: runs ?? 2_000 });

// A thousand errors are part of each second that is played; none of their stacks is shown.
Error.stackTraceLimit = 0;
process.exitCode = share ? await doShare(share) : await doAll();

async function doShare(one: Share): Promise<number> {
  const counts = await task.work(one);
  if (!counts) return 1;
  process.send?.(counts);
  return 0;
}

async function doAll(): Promise<number> {
  const startedAt = performance.now();
  const jobs = Math.min(options.jobs, task.items);
  const shares = jobs > 1 ? await inShares<Counts>(jobs) : [await task.work(WHOLE)];
  const total: Record<string, number> = {};
  for (const counts of shares) {
    if (!counts) return 1;
    for (const [name, value] of Object.entries(counts)) total[name] = (total[name] ?? 0) + value;
  }
  return task.tell(total, ((performance.now() - startedAt) / 1_000).toFixed(1));
}
