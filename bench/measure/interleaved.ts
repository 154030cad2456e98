import { median } from './median.ts';

export interface Rounds {
  /** Each variant runs for so many seconds before anything is measured, so that its code is compiled and its caches are filled. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly rounds: number;
}

/** `Measured` is what one round of one variant did. */
export interface Measured {
  readonly runs: number;
  readonly seconds: number;
  /** CPU time of the process under test, in µs, of all runs. */
  readonly appMicros: number;
  /** CPU time of the database, in µs, of all runs. */
  readonly databaseMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The medians of all rounds of one variant. */
export interface Figures {
  readonly perSecond: number;
  /** Runs a second as a part of those of the first variant, in the same round. */
  readonly ratio: number;
  /** The app used so much CPU for one run, in µs. */
  readonly appMicros: number;
  /** The database used so much CPU for one run, in µs. */
  readonly databaseMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export type Variant = (seconds: number) => Promise<Measured>;

/**
 * Runs the variants turn by turn, so that what else the machine does falls on all of them, and gives the medians.
 * The first one is what the others are compared with.
 */
export async function interleaved<Name extends string>(
  variants: Readonly<Record<Name, Variant>>,
  { warmUpSeconds, seconds, rounds }: Rounds,
): Promise<Record<Name, Figures>> {
  const names = Object.keys(variants) as Name[];
  for (const name of names) await variants[name](warmUpSeconds);
  const turns: Record<Name, Measured>[] = [];
  for (let round = 0; round < rounds; round++) {
    const turn = {} as Record<Name, Measured>;
    for (const name of names) {
      turn[name] = await variants[name](seconds);
      if (turn[name].runs === 0)
        throw new Error(
          `Expected \`${name}\` to end a run within ${seconds} s, got none: take longer rounds`,
        );
    }
    turns.push(turn);
  }
  const [first] = names as [Name];
  const figures = names.map((name): [Name, Figures] => [name, figuresOf(turns, name, first)]);
  return Object.fromEntries(figures) as Record<Name, Figures>;
}

function figuresOf<Name extends string>(
  turns: readonly Record<Name, Measured>[],
  name: Name,
  first: Name,
): Figures {
  const of = (figure: (turn: Measured) => number) => median(turns.map((turn) => figure(turn[name])));
  return {
    perSecond: of(rate),
    ratio: median(turns.map((turn) => rate(turn[name]) / rate(turn[first]))),
    appMicros: of(({ appMicros, runs }) => appMicros / runs),
    databaseMicros: of(({ databaseMicros, runs }) => databaseMicros / runs),
    p50Ms: of(({ p50Ms }) => p50Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
  };
}

const rate = ({ runs, seconds }: Measured) => runs / seconds;
