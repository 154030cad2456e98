import type { Profiler } from 'node:inspector';

/** `COSTS` names what a sample of a profile may have been spent on. */
export const COSTS = [
  'Latchkey',
  'garbage collection',
  'async hooks',
  'driver and BSON',
  'GraphQL and its server',
  'Node.js and the system',
] as const;

export type Cost = (typeof COSTS)[number];

const DRIVER = /^(mongodb|bson|mongodb-connection-string-url)$/;
/** V8 counts these as functions. */
const COLLECTOR = '(garbage collector)';
const IDLE = '(idle)';

/**
 * Adds up a profile, in µs of the main thread, by what the time was spent on.
 * @param sourceOf gives the source of a function in a bundle, by its line from 0 on: `node_modules/bson/lib/bson.cjs`
 */
export function costsOf(
  { nodes, samples = [], timeDeltas = [] }: Profiler.Profile,
  sourceOf: (url: string, line: number) => string,
): Record<Cost, number> {
  const costs = Object.fromEntries(COSTS.map((cost) => [cost, 0])) as Record<Cost, number>;
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  for (const [index, id] of samples.entries()) {
    const { functionName, url, lineNumber } = frames.get(id) as Profiler.ProfileNode['callFrame'];
    if (functionName === IDLE) continue;
    costs[costOf(functionName, url, () => sourceOf(url, lineNumber))] += timeDeltas[index] ?? 0;
  }
  return costs;
}

function costOf(name: string, url: string, source: () => string): Cost {
  if (name === COLLECTOR) return 'garbage collection';
  if (/^node:(internal\/)?async_hooks$/.test(url)) return 'async hooks';
  if (url === '' || url.startsWith('node:')) return 'Node.js and the system';
  const path = source().split('node_modules/');
  const [library = ''] = path.at(-1)?.split('/') ?? [];
  if (path.length === 1) return 'Latchkey';
  return DRIVER.test(library) ? 'driver and BSON' : 'GraphQL and its server';
}

/** Reads the names of sources that esbuild writes above each of them: `// node_modules/bson/lib/bson.cjs`. */
export function sourcesIn(bundle: string): readonly string[] {
  let source = '';
  return bundle.split('\n').map((line) => {
    source = /^\s*\/\/ (\S+\.[cm]?[jt]s)\s*$/.exec(line)?.[1] ?? source;
    return source;
  });
}
