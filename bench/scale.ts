import { parseArgs } from 'node:util';
import { atLeast } from './number-option.ts';
import type { Part } from './parts/part.ts';
import { RESULTS } from './report/result.ts';
import { runPart } from './report/run-part.ts';
import { bySize } from './scale/by-size.ts';
import { expiry } from './scale/expiry.ts';
import { lists } from './scale/lists.ts';

/** This bench shows what calls cost with few keys and with many: `npm run bench:scale -- --keys 10000,10000000`. */
const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '10000,1000000' },
    // An index of random keys that has outgrown the cache takes hours to fill.
    'random-keys': { type: 'string', default: '10000,1000000' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
    'warm-up': { type: 'string', default: '5' },
    out: { type: 'string', default: RESULTS },
  },
});
const sizesOf = (option: 'keys' | 'random-keys') =>
  values[option]
    .split(',')
    .map((text) => atLeast(1, `--${option}`, text))
    .toSorted((one, other) => one - other);
const sizes = sizesOf('keys');
const largest = sizes.at(-1) as number;
/** More takes minutes and tells nothing new. */
const MOST_EXPIRED = 1_000_000;

const scale: Part = async ({ database, rounds }) => {
  const seven = await bySize({ database, rounds, version: 7, sizes });
  console.error('the dashboard…');
  const listed = await lists(database, largest);
  await database.db.dropDatabase();
  const four = await bySize({ database, rounds, version: 4, sizes: sizesOf('random-keys') });
  await database.db.dropDatabase();
  const expired = await expiry(database, rounds, Math.min(largest, MOST_EXPIRED));
  return [
    {
      name: 'scale',
      title: 'By the number of keys, the store alone, 64 callers, cache of mongod 1 GB',
      rows: [...seven, ...four],
    },
    { name: 'scale-expiry', title: 'Fresh runs while expired keys are removed', rows: expired },
    { name: 'scale-lists', title: "The dashboard's lists, one request after the other", rows: listed },
  ];
};

await runPart('scale', scale, {
  rounds: {
    warmUpSeconds: atLeast(0.1, '--warm-up', values['warm-up']),
    seconds: atLeast(0.1, '--seconds', values.seconds),
    rounds: atLeast(1, '--rounds', values.rounds),
  },
  keys: largest,
  out: values.out,
  database: { cacheMb: 1_024, parameters: { ttlMonitorSleepSecs: 1, enableFlowControl: false } },
});
