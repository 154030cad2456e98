import { startApp } from '../measure/app.ts';
import { APIS, DIFFERENT, FRESH, httpVariant, UNUSED } from '../measure/http-variant.ts';
import { interleaved } from '../measure/interleaved.ts';
import { type KeyPlan, startCallers } from '../measure/load.ts';
import type { ServerUnderTest } from '../measure/server.ts';
import { figureRows } from '../report/figure-row.ts';
import type { Row } from '../report/table.ts';
import type { Part } from './part.ts';

const CALLERS = [1, 8, 32, 64, 128, 256];
const WARM_UP_SECONDS = 1;

/** This part measures throughput, and how long the slowest wait, from one caller to more than the server can serve. */
export const callersPart: Part = async ({ machine, database, rounds }) => {
  await using callers = await startCallers(machine);
  await using bare = await startApp(machine, { uri: database.uri, keyed: false });
  await using keyed = await startApp(machine, { uri: database.uri, keyed: true });
  const rows: Row[] = [];
  for (const [index, connections] of CALLERS.entries()) {
    console.error(`${connections} callers…`);
    const variant = (app: ServerUnderTest, keys: KeyPlan) =>
      httpVariant({ app, callers, database, call: APIS.Yoga, connections, keys });
    const figures = await interleaved(
      {
        bare: variant(bare, UNUSED),
        fresh: variant(keyed, FRESH),
        'replays of different keys': variant(keyed, DIFFERENT),
      },
      // The processes are the same for all.
      index === 0 ? rounds : { ...rounds, warmUpSeconds: Math.min(WARM_UP_SECONDS, rounds.warmUpSeconds) },
    );
    rows.push(...figureRows(figures, { lead: { callers: connections } }));
  }
  return [{ name: 'callers', title: 'By the number of callers, Yoga', rows }];
};
