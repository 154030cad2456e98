import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { aimRows } from '../../bench/report/aims.ts';
import { altOf, callersPlot } from '../../bench/report/callers-plot.ts';
import { performancePage } from '../../bench/report/performance-page.ts';
import { RESULTS, type Result } from '../../bench/report/result.ts';
import type { Row, Table } from '../../bench/report/table.ts';

const DOCS = join(import.meta.dirname, '../../docs');
const machine = {
  ...{ node: 'v20.0.0', cpu: 'Some CPU', cores: 2, mongod: '8.0.0' },
  ...{ loadBefore: 0.1, loadAfter: 2.3, coresOfOthers: 0.01, noisy: false },
};
const resultOf = (...tables: Table[]): Result => ({
  ...{ part: 'some', at: '2026-11-30T08:00:00.000Z', machine, tables },
  rounds: { warmUpSeconds: 5, seconds: 3, rounds: 5 },
});
const yoga: Table = {
  ...{ name: 'yoga', title: 'Yoga' },
  rows: [
    { variant: 'bare', 'share of bare': '1.00', 'app µs': 1_000, 'mongod µs': 500 },
    { variant: 'fresh', 'share of bare': '0.80', 'app µs': 1_500, 'mongod µs': 720 },
  ],
};
const callers: Table = {
  ...{ name: 'callers', title: 'By callers' },
  rows: [
    { callers: 1, variant: 'bare', 'runs/s': 100, 'p99 ms': '10.0' },
    { callers: 1, variant: 'a <key>', 'runs/s': 50, 'p99 ms': '20.0' },
    { callers: 64, variant: 'bare', 'runs/s': 1_900, 'p99 ms': '40.0' },
    { callers: 64, variant: 'a <key>', 'runs/s': 1_000, 'p99 ms': '79.0' },
  ],
};

it('docs/performance.md shows what is in bench/results (`npm run bench:docs` writes it)', () => {
  const names = existsSync(RESULTS) ? readdirSync(RESULTS).filter((name) => name.endsWith('.json')) : [];
  const results = names
    .toSorted()
    .map((name): Result => JSON.parse(readFileSync(join(RESULTS, name), 'utf8')) as Result);
  const page = readFileSync(join(DOCS, 'performance.md'), 'utf8');
  expect(performancePage(page, results)).toBe(page);
  const measured = results.flatMap(({ tables }) => tables).find(({ name }) => name === 'callers');
  const path = join(DOCS, 'performance.svg');
  if (measured) expect(callersPlot(measured)).toBe(readFileSync(path, 'utf8'));
  else expect(existsSync(path)).toBe(false);
});

it('a table stands between its markers with the machine that it is of, and what was not measured says so', () => {
  const page =
    'Above\n<!-- bench:yoga -->\nold\n<!-- /bench -->\nBetween\n<!-- bench:keys -->\n<!-- /bench -->\n';
  const made = performancePage(page, [resultOf(yoga)]);
  expect(made).toMatch(/^Above\n<!-- bench:yoga -->\n\n\*\*Yoga\.\*\*/);
  expect(made).toContain('| fresh | 0.80 | 1,500 | 720 |');
  expect(made).toContain('2026-11-30, 2 cores (Some CPU), Node v20.0.0, mongod 8.0.0, 5 rounds of 3 s');
  expect(made).toContain('Load 0.1 before and 2.3 after, other processes used 0.01 of its cores.');
  expect(made).toContain('<!-- bench:keys -->\n\nNot measured yet.\n\n<!-- /bench -->');
  expect(made).not.toContain('old');
  expect(performancePage(made, [resultOf(yoga)])).toBe(made);
  const noisy = { ...resultOf(yoga), machine: { ...machine, noisy: true } };
  expect(performancePage(page, [noisy])).toContain(': noisy.');
});

it('an aim that has figures says whether they reach it', () => {
  const reached = (rows: readonly Row[]) =>
    Object.fromEntries(rows.map(({ what, measured, reached }) => [what, [measured, reached]]));
  expect(reached(aimRows([yoga]))).toEqual({
    'yoga: fresh runs, share of bare': [0.8, 'yes'],
    'yoga: CPU of the app for a fresh run, times bare': [1.5, 'no'],
    'yoga: CPU of mongod for a fresh run, beyond bare': [220, 'yes'],
  });
  const peers = ['Latchkey 0.1.0', 'express-idempotency 1.0.6', 'Powertools for AWS Lambda 2.35.0'];
  const rows = peers.map((library, index) => ({
    library,
    what: 'fresh',
    'runs/s': [900, 300, 1_800][index] ?? 0,
  }));
  expect(reached(aimRows([{ name: 'peers', title: 'Beside others', rows }]))).toEqual({
    'HTTP: fresh runs, times those of express-idempotency on MongoDB': [3, 'no'],
    'HTTP: fresh runs, times those of Powertools on Redis': [0.5, 'yes'],
  });
});

it('the plot says in words what it shows, and is readable on a light and on a dark page', () => {
  const svg = callersPlot(callers);
  expect(altOf(callers)).toBe(
    'By callers. bare: 100 runs a second at 1 caller, 1900 at 64, p99 10.0 ms and 40.0 ms; ' +
      'a <key>: 50 runs a second at 1 caller, 1000 at 64, p99 20.0 ms and 79.0 ms.',
  );
  expect(svg).toMatch(/<title id="title">By callers\. bare: .*a &lt;key>/);
  expect(svg).toContain('role="img" aria-labelledby="title"');
  expect(svg).toContain('prefers-color-scheme: dark');
  // Two panels with a line for each of the two variants, each of two points.
  expect(svg.match(/<polyline /g)).toHaveLength(4);
  expect(svg.match(/<circle /g)).toHaveLength(8);
  expect(svg).not.toContain('NaN');
});
