import type { Terminal } from './terminal.ts';

const GAP = '  ';
/** A cell that is longer is cut: a key may have 255 characters. */
const MOST_CHARS = 48;
const SHORTEST = 12;

interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  /** What would not fit on the line may be cut here. */
  readonly flexible?: true;
}

export type Columns<Row> = readonly Column<Row>[];

/** Writes rows for people: with heads, aligned, each on one line of `width` characters where that can be done. */
export function table<Row>(columns: Columns<Row>, rows: readonly Row[], width: number): string[] {
  const cells = rows.map((row) => columns.map(({ cell }) => shown(cell(row))));
  const heads = columns.map(({ head }) => head);
  const widths = columns.map(({ flexible }, index) => {
    const longest = Math.max(...[heads, ...cells].map((line) => (line[index] as string).length));
    return flexible ? Math.min(longest, MOST_CHARS) : longest;
  });
  const fitting = fittedTo(width, columns, widths);
  return [heads, ...cells].map((line) =>
    line
      .map((text, index) => cutTo(fitting[index] as number, text).padEnd(fitting[index] as number))
      .join(GAP)
      .trimEnd(),
  );
}

/** Takes from the widest flexible column until a line fits, or all of them are short. */
function fittedTo<Row>(width: number, columns: Columns<Row>, wanted: readonly number[]): readonly number[] {
  const widths = [...wanted];
  let over = widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1) - width;
  while (over > 0) {
    const most = Math.max(...widths.filter((_, index) => columns[index]?.flexible));
    if (!(most > SHORTEST)) break;
    widths[widths.findIndex((each, index) => each === most && columns[index]?.flexible)] = most - 1;
    over -= 1;
  }
  return widths;
}

const cutTo = (width: number, text: string) =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;

/** Writes rows for a pipe: no heads, tabs between, a line each. */
export function tabbed<Row>(columns: Columns<Row>, rows: readonly Row[]): string[] {
  return rows.map((row) => columns.map(({ cell }) => shown(cell(row))).join('\t'));
}

/** Rows have columns for people who read them at a terminal, and columns for what reads a pipe. */
interface TwoForms<Row> {
  readonly read: Columns<Row>;
  readonly piped: Columns<Row>;
}

/** Writes rows in the form that suits whoever reads standard output. */
export function printRows<Row>(
  { isTerminal, columns, out }: Terminal,
  { read, piped }: TwoForms<Row>,
  rows: readonly Row[],
): void {
  if (rows.length === 0) return;
  for (const line of isTerminal ? table(read, rows, columns) : tabbed(piped, rows)) out(line);
}

/** Makes a text safe for a terminal: a stored one may hold what a terminal would obey, and signs that turn a line around. */
export function shown(text: string): string {
  return text.replace(/\p{C}/gu, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`);
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** Writes how long ago a time was, in its largest unit: `90s` is `1m`. */
export function age(at: number | null, now: number): string {
  if (at === null) return '-';
  const ms = Math.max(0, now - at);
  const [unit, size] = UNITS.find(([, each]) => ms >= each) ?? ['s', 1_000];
  return `${Math.floor(ms / size)}${unit}`;
}

export const isoTime = (at: number): string => new Date(at).toISOString();
