import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DIFFERENT, FRESH, httpVariant, UNUSED } from '../measure/http-variant.ts';
import { type Figures, interleaved, type Variant } from '../measure/interleaved.ts';
import { startCallers } from '../measure/load.ts';
import { startServer } from '../measure/server.ts';
import { installPeers } from '../peers/install.ts';
import type { PeerOptions } from '../peers/peer-process.ts';
import { PEERS, type PeerId } from '../peers/peers.ts';
import { startRedis } from '../peers/redis.ts';
import type { Row } from '../report/table.ts';
import type { Part } from './part.ts';

const CONNECTIONS = 50;
const CALL = { path: '/charge', body: '{"amount":5,"currency":"EUR"}' };
const PROCESS = new URL('../peers/peer-process.ts', import.meta.url);

/** Our HTTP adapter beside other libraries: the same Express 5, the same handler, which writes nothing, in one run. */
export const peersPart: Part = async ({ machine, database, rounds }) => {
  await using installed = await installPeers();
  await using redis = await startRedis(machine, installed.folder);
  const running: AsyncDisposable[] = [];
  await using _all = { [Symbol.asyncDispose]: () => disposeAll(running) };
  const common = { folder: installed.folder, mongoUri: database.uri, redisUrl: redis.url };
  const variants: Record<string, Variant> = {};
  for (const peer of ['bare', 'latchkey', ...Object.keys(PEERS)] as PeerOptions['peer'][]) {
    const app = await startServer(machine, PROCESS, { ...common, peer } satisfies PeerOptions);
    running.push(app);
    // Callers of its own for each, who know which keys have run there.
    const callers = await startCallers(machine);
    running.push(callers);
    const store = storeOf(peer) === 'Redis' ? redis : database;
    const of = (keys: typeof FRESH) =>
      httpVariant({ app, callers, database: store, call: CALL, connections: CONNECTIONS, keys });
    if (peer === 'bare') variants.bare = of(UNUSED);
    else Object.assign(variants, { [`${peer} fresh`]: of(FRESH), [`${peer} replay`]: of(DIFFERENT) });
  }
  const figures = await interleaved(variants, rounds);
  await database.db.client.db(`${database.db.databaseName}_peer`).dropDatabase();
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    version: string;
  };
  const servers = { MongoDB: `MongoDB ${database.version}`, Redis: `Redis ${redis.version}` };
  const row = (name: string, store: string, what: string, own: Figures | undefined): Row[] =>
    own ? [rowOf({ name, store, what, own })] : [];
  const rows = [
    ...row('bare Express 5', '-', 'no key', figures.bare),
    ...['fresh', 'replay'].flatMap((what) =>
      row(`Latchkey ${version}`, servers.MongoDB, what, figures[`latchkey ${what}`]),
    ),
    ...Object.entries(PEERS).flatMap(([id, { name, store, packages }]) =>
      ['fresh', 'replay'].flatMap((what) =>
        row(`${name} ${Object.values(packages)[0]}`, servers[store], what, figures[`${id} ${what}`]),
      ),
    ),
  ];
  const title = `Beside others: one run on one machine, ${CONNECTIONS} connections, a handler that writes nothing`;
  return [{ name: 'peers', title, rows }];
};

/** Node.js 20 has no AsyncDisposableStack. */
async function disposeAll(all: readonly AsyncDisposable[]): Promise<void> {
  for (const one of all.toReversed()) await one[Symbol.asyncDispose]();
}

const storeOf = (peer: PeerOptions['peer']) =>
  peer === 'bare' || peer === 'latchkey' ? 'MongoDB' : PEERS[peer satisfies PeerId].store;

function rowOf(of: { name: string; store: string; what: string; own: Figures }): Row {
  const { name, store, what, own } = of;
  return {
    library: name,
    store,
    what,
    'runs/s': Math.round(own.perSecond),
    'share of bare': own.ratio.toFixed(2),
    'app µs': Math.round(own.appMicros),
    'store µs': store === '-' ? '-' : Math.round(own.databaseMicros),
    'p50 ms': own.p50Ms.toFixed(1),
    'p99 ms': own.p99Ms.toFixed(1),
  };
}
