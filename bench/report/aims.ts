import type { Row, Table } from './table.ts';

/** An `Aim` is what we want to reach on a machine that is otherwise idle, and where the figure for it stands. */
interface Aim {
  readonly what: string;
  readonly aim: string;
  readonly measured: (find: Find) => number | undefined;
  readonly isReached: (value: number) => boolean;
}

/** A cell of a table, by the cells that its row has. */
type Find = (
  table: string,
  column: string,
  row: Readonly<Record<string, string | number | RegExp>>,
) => number | undefined;

const AIMS: readonly Aim[] = [
  ...(['yoga', 'trpc'] as const).flatMap((table): Aim[] => [
    {
      what: `${table}: fresh runs, share of bare`,
      aim: '≥ 0.75',
      measured: (find) => find(table, 'share of bare', { variant: 'fresh' }),
      isReached: (value) => value >= 0.75,
    },
    {
      what: `${table}: replays of different keys, share of bare`,
      aim: '≥ 1.6',
      measured: (find) => find(table, 'share of bare', { variant: 'replays of different keys' }),
      isReached: (value) => value >= 1.6,
    },
    {
      what: `${table}: CPU of the app for a fresh run, times bare`,
      aim: '≤ 1.4',
      measured: (find) =>
        over(find(table, 'app µs', { variant: 'fresh' }), find(table, 'app µs', { variant: 'bare' })),
      isReached: (value) => value <= 1.4,
    },
    {
      what: `${table}: CPU of mongod for a fresh run, beyond bare`,
      aim: '≤ 220 µs',
      measured: (find) =>
        minus(find(table, 'mongod µs', { variant: 'fresh' }), find(table, 'mongod µs', { variant: 'bare' })),
      isReached: (value) => value <= 220,
    },
    {
      what: `${table}: CPU of mongod for a replay`,
      aim: '≤ 150 µs',
      measured: (find) => find(table, 'mongod µs', { variant: 'replays of different keys' }),
      isReached: (value) => value <= 150,
    },
  ]),
  ...[32, 128].map(
    (callers): Aim => ({
      what: `the store alone, ${callers} callers, share of the floor`,
      aim: '≥ 0.8',
      measured: (find) => find('store', 'share of floor', { callers, variant: 'store' }),
      isReached: (value) => value >= 0.8,
    }),
  ),
  ...(['fresh', 'replay of a recent key'] as const).map(
    (what): Aim => ({
      what: `10,000,000 keys of version 7: ${what}, cost beside 10,000 keys`,
      aim: '≤ 1.15',
      measured: (find) =>
        find('scale', 'cost beside the fewest keys', { keys: 10_000_000, version: 'v7', what }),
      isReached: (value) => value <= 1.15,
    }),
  ),
  ...(
    [
      ['express-idempotency on MongoDB', /^express-idempotency/, 4],
      ['Powertools on Redis', /^Powertools/, 0.5],
    ] as const
  ).map(
    ([name, library, least]): Aim => ({
      what: `HTTP: fresh runs, times those of ${name}`,
      aim: `≥ ${least}`,
      measured: (find) =>
        over(
          find('peers', 'runs/s', { library: /^Latchkey/, what: 'fresh' }),
          find('peers', 'runs/s', { library, what: 'fresh' }),
        ),
      isReached: (value) => value >= least,
    }),
  ),
];

/** Makes a row of each aim, with what was measured, and whether that reaches it. */
export function aimRows(tables: readonly Table[]): Row[] {
  const find: Find = (table, column, wanted) => {
    const rows = tables.find(({ name }) => name === table)?.rows;
    const row = rows?.find((one) => Object.entries(wanted).every(([key, value]) => isLike(one[key], value)));
    return row?.[column] === undefined ? undefined : Number(row[column]);
  };
  return AIMS.flatMap(({ what, aim, measured, isReached }) => {
    const value = measured(find);
    if (value === undefined) return [];
    return [{ what, aim, measured: Number(value.toFixed(2)), reached: isReached(value) ? 'yes' : 'no' }];
  });
}

const isLike = (cell: unknown, wanted: string | number | RegExp) =>
  wanted instanceof RegExp ? wanted.test(String(cell)) : cell === wanted;

const over = (one: number | undefined, other: number | undefined) =>
  one === undefined || other === undefined ? undefined : one / other;
const minus = (one: number | undefined, other: number | undefined) =>
  one === undefined || other === undefined ? undefined : one - other;
