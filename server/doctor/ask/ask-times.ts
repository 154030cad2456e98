import type { Collection } from '../../mongodb/database.ts';
import type { Asked, Times } from '../facts.ts';
import { type Ask, LONGEST_MS } from './asking.ts';
import { Bench, requestOf } from './bench.ts';

const COUNT = 50;
/** A slow server is known by fewer measurements. */
const ENOUGH_MS = 2_500;

/** Times a command that does nothing. */
export function askRoundTrips(keys: Collection, ask: Ask): Promise<Asked<Times>> {
  return ask(() => timesOf(() => keys.run({ ping: 1 })));
}

/** Times claims, each of which a majority of the members acknowledges. */
export function askCommits(scratch: Collection, ask: Ask): Promise<Asked<Times>> {
  const bench = new Bench(scratch);
  return ask(() => timesOf(() => bench.send(bench.writes.fresh(requestOf()))), LONGEST_MS * 2);
}

async function timesOf(work: () => Promise<unknown>): Promise<Times> {
  const times: number[] = [];
  const until = performance.now() + ENOUGH_MS;
  while (times.length < COUNT && (times.length === 0 || performance.now() < until)) {
    const from = performance.now();
    await work();
    times.push(performance.now() - from);
  }
  times.sort((a, b) => a - b);
  const at = (part: number) => times[Math.ceil(times.length * part) - 1] as number;
  return { count: times.length, median: at(0.5), p99: at(0.99) };
}
