import { readFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import { startApp } from '../measure/app.ts';
import { APIS, DIFFERENT, FRESH, httpVariant, UNUSED } from '../measure/http-variant.ts';
import { type KeyPlan, startCallers } from '../measure/load.ts';
import { COSTS, costsOf, sourcesIn } from '../measure/profile-costs.ts';
import type { ServerUnderTest } from '../measure/server.ts';
import type { Part } from './part.ts';

const CONNECTIONS = 50;

/** This part says what the app's CPU time is spent on, by a profile of its process. */
export const profilePart: Part = async ({ machine, database, rounds }) => {
  await using callers = await startCallers(machine);
  await using bare = await startApp(machine, { uri: database.uri, keyed: false });
  await using keyed = await startApp(machine, { uri: database.uri, keyed: true });
  const profiled = async (app: ServerUnderTest, keys: KeyPlan) => {
    const run = httpVariant({ app, callers, database, call: APIS.Yoga, connections: CONNECTIONS, keys });
    await run(rounds.warmUpSeconds);
    await app.ask('profile');
    const { runs, appMicros } = await run(rounds.seconds * rounds.rounds);
    const costs = costsOf(await app.ask<Profiler.Profile>('profile'), sourceOf);
    const onMain = Object.values(costs).reduce((sum, micros) => sum + micros, 0);
    return { ...costs, [OTHER_THREADS]: Math.max(0, appMicros - onMain), runs };
  };
  const variants = {
    bare: await profiled(bare, UNUSED),
    fresh: await profiled(keyed, FRESH),
    replays: await profiled(keyed, DIFFERENT),
  };
  const rows = [...COSTS, OTHER_THREADS].map((cost) => ({
    'µs of a run': cost,
    ...Object.fromEntries(
      Object.entries(variants).map(([name, { runs, ...costs }]) => [
        name,
        Math.round(costs[cost as keyof typeof costs] / runs),
      ]),
    ),
  }));
  const title = `What the app's CPU time is spent on, Yoga, ${CONNECTIONS} connections`;
  return [{ name: 'profile', title, rows }];
};

/** V8 collects garbage with several threads. */
const OTHER_THREADS = 'other threads, mostly for garbage';

const bundles = new Map<string, readonly string[]>();

function sourceOf(url: string, line: number): string {
  const sources = bundles.get(url) ?? sourcesIn(readFileSync(fileURLToPath(url), 'utf8'));
  bundles.set(url, sources);
  return sources[line] ?? '';
}
