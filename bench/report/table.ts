export type Row = Readonly<Record<string, string | number>>;

/** A table of a bench is printed, and shown by `docs/performance.md`. */
export interface Table {
  /** The marker around it in `docs/performance.md` has this name. */
  readonly name: string;
  readonly title: string;
  readonly rows: readonly Row[];
}

/** Rows as a table of Markdown. All have the columns of the first. */
export function markdownOf(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  return [
    line(columns),
    `|${columns.map(() => '---|').join('')}`,
    ...rows.map((row) => line(columns.map((column) => shown(row[column] ?? '')))),
  ].join('\n');
}

function shown(cell: string | number): string {
  return typeof cell === 'number' ? cell.toLocaleString('en-US') : cell;
}

/** Prints the rows of one table as Markdown, each as soon as it is known. */
export function markdownTable(title: string): (row: Row) => void {
  let started = false;
  return (row) => {
    const [columns, rule, line] = markdownOf([row]).split('\n');
    if (!started) console.log(`\n### ${title}\n\n${columns}\n${rule}`);
    console.log(line);
    started = true;
  };
}
