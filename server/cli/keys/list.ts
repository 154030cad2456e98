import type { Command } from 'commander';
import type { KeyPage, KeyRow } from '../../admin/contract/contract.ts';
import { withExamples } from '../examples.ts';
import { type ConnectionOptions, withBodies } from '../session/connection.ts';
import { inSession, type KeysSession } from '../session/session.ts';
import { type ListingOptions, readPages, withListing } from '../terminal/listing.ts';
import { age, type Columns, isoTime, table } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { type FilterOptions, filterOf, withFilter } from './key-filter.ts';

interface ListOptions extends ConnectionOptions, FilterOptions, ListingOptions {
  readonly fail?: boolean;
}

const EXAMPLES = [
  'latchkey keys list --state attention',
  'latchkey keys list --state in_doubt --fail || page-somebody    # in cron',
  'latchkey keys list --scope acme --older-than 2h --all | cut -f1',
  "latchkey keys list --operation chargeCard --error --json | jq -r '.rows[].id'",
];

/** `latchkey keys list`. */
export function list(group: Command, terminal: Terminal): void {
  const command = withListing(withFilter(withBodies(group.command('list'))), {
    rows: 'keys',
    all: 'each key that matches, however far it has to look',
    fields: 'rows, next, searched',
  })
    .summary('list keys, newest first')
    .description(
      'Lists keys, newest first: on a terminal as a table; in a pipe one a line, with tabs between id, state, outcome, scope, key and operation. ' +
        'Standard error says where the list goes on, and how far it looked.',
    )
    .option('--fail', 'exit with 1 when any key is listed, for cron')
    .action((options: ListOptions, command: Command) =>
      inSession(terminal, command, options, (session) => run(session, options, terminal)),
    );
  withExamples(command, EXAMPLES);
}

async function run(session: KeysSession, options: ListOptions, terminal: Terminal): Promise<void> {
  const listed = await readPages(terminal, pagesOf(session, terminal, options), {
    json: options.json,
    rowsOf: (page) => page.rows,
    piped: PIPED,
  });
  if (!listed?.last) return;
  const { last, count, rows } = listed;
  if (options.fail && count > 0) terminal.refuse();
  if (options.json) return terminal.out(JSON.stringify({ ...last, rows }, null, 2));
  if (rows.length > 0)
    for (const line of table(columnsAt(last.now), rows, terminal.columns)) terminal.out(line);
  for (const remark of remarksOn(last, count)) terminal.note(remark);
}

/**
 * Reads pages of the API, until there are as many keys as were asked for, or one has stopped to look before it was full. What they have
 * looked at is added up.
 */
async function* pagesOf(
  { api }: KeysSession,
  terminal: Terminal,
  { limit, all = false, cursor, ...options }: ListOptions,
): AsyncGenerator<KeyPage> {
  const filter = filterOf(options);
  let left = all ? Number.POSITIVE_INFINITY : limit;
  let records = 0;
  let from: string | null | undefined = cursor;
  let newest: string | null | undefined;
  while (from !== null) {
    const page: KeyPage = await api.keys.list({ filter, ...(from !== undefined && { cursor: from }) });
    records += page.searched.records;
    newest ??= page.newest;
    yield { ...cutTo(left, page, records), newest };
    left -= page.rows.length;
    from = left > 0 && (all || page.searched.complete) ? page.next : null;
    if (from !== null && !page.searched.complete) terminal.note(`Looked at ${records} records so far …`);
  }
}

function cutTo(most: number, page: KeyPage, records: number): KeyPage {
  const { rows, searched } = page;
  if (rows.length <= most) return { ...page, searched: { ...searched, records } };
  const next = rows[most - 1]?.id ?? null;
  return { ...page, rows: rows.slice(0, most), next, searched: { records, complete: true, backTo: null } };
}

/** The columns for programs. */
export const PIPED: Columns<KeyRow> = [
  { head: 'id', cell: ({ id }) => id },
  { head: 'state', cell: ({ state }) => state },
  { head: 'outcome', cell: ({ outcome }) => outcome ?? '-' },
  { head: 'scope', cell: ({ scope }) => scope },
  { head: 'key', cell: ({ key }) => key },
  { head: 'operation', cell: ({ operation }) => operation },
];

/** The columns for people: the outcome stands with the state, and the age at the end. */
export const columnsAt = (now: number): Columns<KeyRow> => [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'STATE', cell: ({ state, outcome }) => (outcome === 'error' ? 'error' : state) },
  { head: 'SCOPE', cell: ({ scope }) => scope, flexible: true },
  { head: 'KEY', cell: ({ key }) => key, flexible: true },
  { head: 'OPERATION', cell: ({ operation }) => operation, flexible: true },
  { head: 'ATTEMPTS', cell: ({ attempts }) => attempts },
  { head: 'AGE', cell: ({ startedAt }) => age(startedAt, now) },
];

function remarksOn({ next, searched }: KeyPage, count: number): string[] {
  if (next === null) return count === 0 ? ['Nothing matches.'] : [];
  const { records, complete, backTo } = searched;
  const since = backTo === null ? '' : `, back to ${isoTime(backTo)}`;
  const far = complete ? [] : [`Looked at ${records} records${since}.`];
  return [...far, `More: --cursor ${next}`];
}
