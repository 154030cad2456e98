import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { callersPlot } from './report/callers-plot.ts';
import { performancePage } from './report/performance-page.ts';
import { RESULTS, type Result, readResult } from './report/result.ts';

/** Writes the results of the benches into `docs/performance.md`, between its markers, and the plot beside it. */
const { values } = parseArgs({ options: { from: { type: 'string', default: RESULTS } } });

const DOCS = join(import.meta.dirname, '../docs');
const files = await readdir(values.from).catch(() => [] as string[]);
const names = files.filter((name) => name.endsWith('.json')).toSorted();
const found = await Promise.all(names.map((name) => readResult(values.from, name.replace(/\.json$/, ''))));
const results = found.filter((result): result is Result => result !== undefined);

const page = join(DOCS, 'performance.md');
await writeFile(page, performancePage(await readFile(page, 'utf8'), results));
const byCallers = results.flatMap(({ tables }) => tables).find(({ name }) => name === 'callers');
if (byCallers) await writeFile(join(DOCS, 'performance.svg'), callersPlot(byCallers));
console.log(`${page} shows ${names.join(', ')}`);
