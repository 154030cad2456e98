import { startProxy } from '../../test/support/tcp-proxy.ts';
import { startApp } from '../measure/app.ts';
import { APIS, DIFFERENT, FRESH, httpVariant, UNUSED } from '../measure/http-variant.ts';
import { interleaved } from '../measure/interleaved.ts';
import { type KeyPlan, startCallers } from '../measure/load.ts';
import type { ServerUnderTest } from '../measure/server.ts';
import { figureRows } from '../report/figure-row.ts';
import type { Row } from '../report/table.ts';
import type { Part } from './part.ts';

const CONNECTIONS = 50;
const ROUND_TRIPS_MS = [0, 1, 5, 20];

/** This part puts the same server at some distance from its database: each round trip takes longer. */
export const distancePart: Part = async ({ machine, database, rounds }) => {
  await using callers = await startCallers(machine);
  const rows: Row[] = [];
  for (const ms of ROUND_TRIPS_MS) {
    console.error(`${ms} ms away…`);
    await using proxy = await startProxy(database.port);
    proxy.delayMs = ms;
    const { uri } = ms === 0 ? database : proxy;
    await using bare = await startApp(machine, { uri, keyed: false });
    await using keyed = await startApp(machine, { uri, keyed: true });
    const variant = (app: ServerUnderTest, keys: KeyPlan) =>
      httpVariant({ app, callers, database, call: APIS.Yoga, connections: CONNECTIONS, keys });
    const figures = await interleaved(
      {
        bare: variant(bare, UNUSED),
        fresh: variant(keyed, FRESH),
        'replays of different keys': variant(keyed, DIFFERENT),
      },
      rounds,
    );
    rows.push(...figureRows(figures, { lead: { 'added ms': ms } }));
  }
  return [{ name: 'distance', title: `The database farther away, Yoga, ${CONNECTIONS} connections`, rows }];
};
