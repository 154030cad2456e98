import type { Profiler } from 'node:inspector';
import { expect, it } from 'vitest';
import { costsOf, sourcesIn } from '../../bench/measure/profile-costs.ts';

const BUNDLE = [
  '// server/engine/decide.ts',
  'function decide() {}',
  '// node_modules/bson/lib/bson.cjs',
  'function serialize() {}',
  '// node_modules/graphql-yoga/node_modules/lru-cache/index.js',
  'function get() {}',
].join('\n');

const FRAMES: readonly [name: string, url: string, line: number, micros: number][] = [
  ['decide', 'file:///app.mjs', 1, 1],
  ['serialize', 'file:///app.mjs', 3, 2],
  ['get', 'file:///app.mjs', 5, 4],
  ['(garbage collector)', '', -1, 8],
  ['promiseInitHook', 'node:internal/async_hooks', 319, 16],
  ['_propagate', 'node:async_hooks', 318, 32],
  ['emit', 'node:events', 470, 64],
  ['writeBuffer', '', -1, 128],
  ['(idle)', '', -1, 1_024],
];

it('a profile is added up by what its time was spent on, and idle time is none', () => {
  const profile: Profiler.Profile = {
    nodes: FRAMES.map(([functionName, url, lineNumber], id) => ({
      id,
      callFrame: { functionName, url, lineNumber, columnNumber: 0, scriptId: '0' },
    })),
    startTime: 0,
    endTime: 0,
    samples: FRAMES.map((_, id) => id),
    timeDeltas: FRAMES.map(([, , , micros]) => micros),
  };
  const sources = sourcesIn(BUNDLE);
  expect(costsOf(profile, (_, line) => sources[line] as string)).toEqual({
    Latchkey: 1,
    'driver and BSON': 2,
    'GraphQL and its server': 4,
    'garbage collection': 8,
    'async hooks': 48,
    'Node.js and the system': 192,
  });
});
