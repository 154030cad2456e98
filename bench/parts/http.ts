import { startApp } from '../measure/app.ts';
import { APIS, type Api, DIFFERENT, FRESH, httpVariant, ONE, UNUSED } from '../measure/http-variant.ts';
import { interleaved } from '../measure/interleaved.ts';
import { type KeyPlan, startCallers } from '../measure/load.ts';
import type { ServerUnderTest } from '../measure/server.ts';
import { figureRows } from '../report/figure-row.ts';
import type { Part } from './part.ts';

const CONNECTIONS = 50;

/** Keyed requests beside the same server without the plugin, from 50 connections. Its handler makes one durable insert. */
export const httpPart =
  (api: Api): Part =>
  async ({ machine, database, rounds }) => {
    await using callers = await startCallers(machine);
    await using bare = await startApp(machine, { uri: database.uri, keyed: false });
    await using keyed = await startApp(machine, { uri: database.uri, keyed: true });
    const variant = (app: ServerUnderTest, keys: KeyPlan) =>
      httpVariant({ app, callers, database, call: APIS[api], connections: CONNECTIONS, keys });
    const figures = await interleaved(
      {
        bare: variant(bare, UNUSED),
        fresh: variant(keyed, FRESH),
        'replays of different keys': variant(keyed, DIFFERENT),
        'replays of one key': variant(keyed, ONE),
      },
      rounds,
    );
    const title = `${api} over HTTP, ${CONNECTIONS} connections, a handler with one durable insert`;
    return [{ name: api.toLowerCase(), title, rows: figureRows(figures) }];
  };
