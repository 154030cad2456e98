import { startApp } from '../measure/app.ts';
import { APIS, DIFFERENT, FRESH, httpVariant, ONE, UNUSED } from '../measure/http-variant.ts';
import { interleaved, type Rounds } from '../measure/interleaved.ts';
import { type Callers, type KeyPlan, startCallers } from '../measure/load.ts';
import type { ServerUnderTest } from '../measure/server.ts';
import { figureRows } from '../report/figure-row.ts';
import type { Part } from './part.ts';

const CONNECTIONS = 50;
/** More than a process replays in a second. */
const KEYS_A_SECOND = 3_000;

/** Replays in the process that ran the keys, and in another one, which has not seen them. */
export const replaysPart: Part = async ({ machine, database, rounds }) => {
  await using callers = await startCallers(machine);
  const { uri } = database;
  await using bare = await startApp(machine, { uri, keyed: false });
  await using first = await startApp(machine, { uri, keyed: true });
  await using second = await startApp(machine, { uri, keyed: true });
  await runKeys(first, callers, rounds);
  const variant = (app: ServerUnderTest, keys: KeyPlan) =>
    httpVariant({ app, callers, database, call: APIS.Yoga, connections: CONNECTIONS, keys });
  const figures = await interleaved(
    {
      bare: variant(bare, UNUSED),
      'same process, different keys': variant(first, DIFFERENT),
      'same process, one key': variant(first, ONE),
      'another process, keys new to it': variant(second, { kind: 'each' }),
      'another process, one key': variant(second, ONE),
    },
    rounds,
  );
  return [{ name: 'replays', title: `Replays, Yoga, ${CONNECTIONS} connections`, rows: figureRows(figures) }];
};

/** Runs as many keys as the other process may replay, once each. */
async function runKeys(
  { url }: ServerUnderTest,
  callers: Callers,
  { warmUpSeconds, seconds, rounds }: Rounds,
) {
  const amount = Math.ceil(KEYS_A_SECOND * (warmUpSeconds + rounds * seconds));
  console.error(`running ${amount.toLocaleString('en-US')} keys for their replays…`);
  await callers.send({ url, ...APIS.Yoga, callers: CONNECTIONS, amount, keys: FRESH });
}
