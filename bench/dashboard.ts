import { parseArgs } from 'node:util';
import { startMongod } from '../test/support/mongod/start-mongod.ts';
import { benchDashboardApi } from './dashboard-api.ts';
import { benchDashboardNetwork } from './dashboard-network.ts';
import { benchDashboardPage } from './dashboard-page.ts';

/** `tsx bench/dashboard.ts [--only api | page | network] [--keys 2000000] [--requests 100] [--rounds 5]`. */
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    keys: { type: 'string' },
    requests: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '5' },
  },
});

const mongod = process.env.MONGODB_URI ? undefined : await startMongod();
const uri = process.env.MONGODB_URI ?? (mongod?.uri as string);
try {
  const runs = (half: string) => values.only === undefined || values.only === half;
  if (runs('api')) {
    await benchDashboardApi({
      uri,
      keys: Number(values.keys ?? 2_000_000),
      requests: Number(values.requests),
    });
  }
  if (runs('page')) {
    await benchDashboardPage({ uri, keys: Number(values.keys ?? 1_000_000), rounds: Number(values.rounds) });
  }
  if (runs('network')) {
    await benchDashboardNetwork({ uri, keys: Number(values.keys ?? 10_000), rounds: Number(values.rounds) });
  }
} finally {
  await mongod?.stop();
}
