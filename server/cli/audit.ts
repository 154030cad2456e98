import { type Command, InvalidArgumentError } from 'commander';
import type { AuditEntry, AuditFilter, AuditPage } from '../admin/contract/contract.ts';
import { withExamples } from './examples.ts';
import { ageOf } from './keys/key-filter.ts';
import { type ConnectionOptions, withConnection } from './session/connection.ts';
import { inSession, type KeysSession } from './session/session.ts';
import { type ListingOptions, readPages, withListing } from './terminal/listing.ts';
import { type Columns, isoTime, table } from './terminal/table.ts';
import type { Terminal } from './terminal/terminal.ts';

interface AuditOptions extends ConnectionOptions, ListingOptions {
  readonly by?: string;
  readonly action?: string;
  readonly id?: string;
  readonly scope?: string;
  readonly key?: string;
  readonly job?: string;
  readonly since?: Moment;
  readonly until?: Moment;
  readonly words?: string;
  readonly unfold?: boolean;
}

/** A moment is given as a time, or as an age by the clock of the database. */
type Moment = { readonly at: number } | { readonly agoMs: number };

/** `latchkey audit`. */
export function audit(program: Command, terminal: Terminal): void {
  const command = withListing(withConnection(program.command('audit')), {
    rows: 'entries',
    all: 'each entry that matches',
    fields: 'entries, next',
  })
    .summary('list who did what to which key, when and why')
    .description(
      'Lists who did what to which key, when and why, newest first: on a terminal as a table; in a pipe an entry a line, with tabs between time, person, action, result, id, scope, key, reason and note. A bulk job is one entry unless it is unfolded.',
    )
    .option('--by <name>', 'only what this person did, exactly')
    .option('--action <name>', 'only this action, such as allow_retry, reveal, export or bulk_start')
    .option('--id <id>', 'only the key with this record')
    .option('--scope <text>', 'only keys of this scope, exactly')
    .option('--key <text>', 'only keys with this text, as the client sent it')
    .option('--job <id>', 'only this bulk job, and what it did to each of its keys')
    .option('--since <time>', 'from this moment on: 2026-11-30T08:00Z, or an age such as 2h', momentOf)
    .option('--until <time>', 'before this moment: a time or an age, too', momentOf)
    .option('--words <text>', 'only entries with each of these words in reason, note, person, scope or key')
    .option('--unfold', 'also what bulk jobs did to each key')
    .action((options: AuditOptions, command: Command) => {
      // The person whose entries are listed is not the one who lists them.
      const { by: _, ...others } = options;
      return inSession(terminal, command, others, (session) => run(session, terminal, options));
    });
  withExamples(command, [
    'latchkey audit --since 24h',
    'latchkey audit --by ada@shop.example --action reveal --all | cut -f1,5,8',
    'latchkey audit --scope acme --words "refund bank"',
    "latchkey audit --id 66f0c0ffee0123456789abcd --json | jq -r '.entries[].reason'",
  ]);
}

async function run(session: KeysSession, terminal: Terminal, options: AuditOptions): Promise<void> {
  const listed = await readPages(terminal, pagesOf(session, options), {
    json: options.json,
    rowsOf: (page) => page.entries,
    piped: PIPED,
  });
  if (!listed) return;
  const { last, count, rows: entries } = listed;
  const next = last?.next ?? null;
  if (options.json) return terminal.out(JSON.stringify({ entries, next }, null, 2));
  if (count === 0) return terminal.note('Nothing matches.');
  if (entries.length > 0) for (const line of table(COLUMNS, entries, terminal.columns)) terminal.out(line);
  if (next !== null) terminal.note(`More: --cursor ${next}`);
}

/** Reads pages of the API, until there are as many entries as were asked for. */
async function* pagesOf(session: KeysSession, options: AuditOptions): AsyncGenerator<AuditPage> {
  const filter = await filterOf(session, options);
  let left = options.all ? Number.POSITIVE_INFINITY : options.limit;
  let from: string | null | undefined = options.cursor;
  while (from !== null) {
    const page: AuditPage = await session.api.audit.list({
      ...filter,
      ...(from !== undefined && { cursor: from }),
    });
    const entries = page.entries.slice(0, left);
    const isCut = entries.length < page.entries.length;
    yield { entries, next: isCut ? (entries.at(-1)?.id ?? null) : page.next };
    left -= entries.length;
    from = left > 0 ? page.next : null;
  }
}

async function filterOf({ api }: KeysSession, options: AuditOptions): Promise<AuditFilter> {
  const { by, action, id, scope, key, job, since, until, words, unfold = false } = options;
  const now = [since, until].some((moment) => moment && 'agoMs' in moment) ? (await api.me()).now : 0;
  const msOf = (moment: Moment) => ('at' in moment ? moment.at : Math.max(0, now - moment.agoMs));
  return {
    ...(by !== undefined && { by }),
    ...(action !== undefined && { action: action.replaceAll('-', '_') }),
    ...(id !== undefined && { keyId: id }),
    ...(scope !== undefined && { scope }),
    ...(key !== undefined && { key }),
    ...(job !== undefined && { jobId: job }),
    ...(since && { from: msOf(since) }),
    ...(until && { before: msOf(until) }),
    ...(words !== undefined && { words }),
    ...(!unfold && job === undefined && { folded: true }),
  };
}

const COLUMNS: Columns<AuditEntry> = [
  { head: 'TIME', cell: ({ at }) => isoTime(at) },
  { head: 'BY', cell: ({ by }) => by, flexible: true },
  { head: 'ACTION', cell: ({ action }) => action },
  { head: 'RESULT', cell: ({ result }) => result },
  { head: 'SCOPE', cell: ({ scope }) => scope ?? '-', flexible: true },
  { head: 'KEY', cell: ({ key }) => key ?? '-', flexible: true },
  { head: 'REASON', cell: ({ reason }) => reason, flexible: true },
];

const PIPED: Columns<AuditEntry> = [
  ...COLUMNS.slice(0, 4),
  { head: 'ID', cell: ({ keyId }) => keyId ?? '-' },
  ...COLUMNS.slice(4),
  { head: 'NOTE', cell: ({ note }) => note ?? '-' },
];

function momentOf(text: string): Moment {
  if (/^\d+[smhd]$/.test(text)) return { agoMs: ageOf(text) };
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (at >= 0) return { at };
  throw new InvalidArgumentError(
    'Expected a time such as 2026-11-30T08:00Z, or an age such as 90s, 5m, 2h or 7d.',
  );
}
