import { plot, type Series } from './plot.ts';
import type { Row, Table } from './table.ts';

/** The plot of the table by callers: throughput above, the slowest of a hundred below. */
export function callersPlot({ rows, title }: Table): string {
  return plot(altOf({ rows, title }), [
    { title: 'runs a second', series: seriesOf(rows, 'runs/s') },
    { title: 'p99 in ms', series: seriesOf(rows, 'p99 ms') },
  ]);
}

/** Says what the plot shows, in words and with its ends. */
export function altOf({ rows, title }: Pick<Table, 'rows' | 'title'>): string {
  const ends = namesOf(rows).map((name) => {
    const own = rows.filter(({ variant }) => variant === name);
    const [first, last] = [own[0], own.at(-1)];
    return (
      `${name}: ${first?.['runs/s']} runs a second at ${first?.callers} caller, ${last?.['runs/s']} at ${last?.callers}, ` +
      `p99 ${first?.['p99 ms']} ms and ${last?.['p99 ms']} ms`
    );
  });
  return `${title}. ${ends.join('; ')}.`;
}

function seriesOf(rows: readonly Row[], column: string): Series[] {
  return namesOf(rows).map((name) => ({
    name,
    points: rows
      .filter(({ variant }) => variant === name)
      .map((row) => [Number(row.callers), Number(row[column])] as const),
  }));
}

const namesOf = (rows: readonly Row[]) => [...new Set(rows.map(({ variant }) => String(variant)))];
