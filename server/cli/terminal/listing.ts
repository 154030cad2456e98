import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Columns, tabbed } from './table.ts';
import type { Terminal } from './terminal.ts';

export interface ListingOptions {
  readonly limit: number;
  readonly all?: boolean;
  readonly cursor?: string;
  readonly json?: boolean;
}

/** Adds what each list takes. */
export function withListing(
  command: Command,
  { rows, all, fields }: { rows: string; all: string; fields: string },
): Command {
  return command
    .option('--limit <number>', `at most so many ${rows}`, countOf, 50)
    .addOption(new Option('--all', all).conflicts('limit'))
    .option('--cursor <id>', 'go on behind the list that ended with this', cursorOf)
    .option('--json', `print one document of JSON: ${fields}`);
}

interface Reading<Page, Row> {
  readonly json: boolean | undefined;
  readonly rowsOf: (page: Page) => readonly Row[];
  readonly piped: Columns<Row>;
}

/**
 * Reads the pages of a list. In a pipe each is written as it comes; the rows of a table and of a document of JSON are returned, to be
 * written whole.
 * @returns undefined once nobody reads any more
 */
export async function readPages<Page, Row>(
  terminal: Terminal,
  pages: AsyncIterable<Page>,
  { json, rowsOf, piped }: Reading<Page, Row>,
): Promise<{ last: Page | undefined; count: number; rows: readonly Row[] } | undefined> {
  const isStreamed = !json && !terminal.isTerminal;
  const rows: Row[] = [];
  let count = 0;
  let last: Page | undefined;
  for await (const page of pages) {
    const found = rowsOf(page);
    count += found.length;
    if (isStreamed) for (const line of tabbed(piped, found)) terminal.out(line);
    else rows.push(...found);
    last = page;
    if (terminal.isClosed) return undefined;
  }
  return { last, count, rows };
}

function cursorOf(text: string): string {
  if (/^[0-9a-f]{24}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected 24 digits from 0 to f, as the page before has ended with.');
}

export function countOf(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError('Expected a whole number from 1 on.');
}
