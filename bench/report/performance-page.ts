import { aimRows } from './aims.ts';
import { altOf } from './callers-plot.ts';
import { machineLine } from './machine-line.ts';
import type { Result } from './result.ts';
import { markdownOf } from './table.ts';

const MARKED = /(<!-- bench:([\w-]+) -->\n)[\s\S]*?(<!-- \/bench -->)/g;

/** The page with the results between its markers. A part that was not measured yet says so. */
export function performancePage(page: string, results: readonly Result[]): string {
  const tables = results.flatMap((result) => result.tables.map((table) => ({ ...table, result })));
  const texts = new Map(
    tables.map(({ name, title, rows, result }) => [
      name,
      `**${title}.**\n\n${markdownOf(rows)}\n\n${machineLine(result)}`,
    ]),
  );
  const aims = aimRows(tables);
  if (aims.length > 0) texts.set('aims', markdownOf(aims));
  const byCallers = tables.find(({ name }) => name === 'callers');
  if (byCallers) texts.set('plot', `![${altOf(byCallers)}](performance.svg)`);
  return page.replaceAll(
    MARKED,
    (_, start: string, name: string, end: string) =>
      `${start}\n${texts.get(name) ?? 'Not measured yet.'}\n\n${end}`,
  );
}
