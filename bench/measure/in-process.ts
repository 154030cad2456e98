import type { Database } from './database.ts';
import type { Measured } from './interleaved.ts';
import { percentile } from './median.ts';

interface InProcessOptions {
  readonly seconds: number;
  readonly callers: number;
  /** Each call makes so many runs. Default: 1. */
  readonly runsEach?: number;
  /** Is called when the runs have ended; its CPU time counts as theirs. */
  readonly end?: () => Promise<unknown>;
}

/** Calls `run` from as many callers at a time as are asked for, in this process. */
export async function inProcess(
  database: Database,
  { seconds, callers, runsEach = 1, end }: InProcessOptions,
  run: () => Promise<unknown>,
): Promise<Measured> {
  const databaseBefore = await database.cpuMicros();
  const from = performance.now();
  const cpu = process.cpuUsage();
  const until = from + seconds * 1_000;
  const times: number[] = [];
  const caller = async () => {
    for (let startedAt = performance.now(); startedAt < until; startedAt = performance.now()) {
      await run();
      times.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const took = performance.now() - from;
  await end?.();
  const { user, system } = process.cpuUsage(cpu);
  const sorted = Float64Array.from(times).sort();
  return {
    runs: times.length * runsEach,
    seconds: took / 1_000,
    appMicros: user + system,
    databaseMicros: (await database.cpuMicros()) - databaseBefore,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
  };
}
