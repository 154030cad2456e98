import type { Command } from 'commander';
import type { DuplicateGroup } from '../../admin/contract/contract.ts';
import { withExamples } from '../examples.ts';
import { type ConnectionOptions, withConnection } from '../session/connection.ts';
import { inSession } from '../session/session.ts';
import { age, type Columns, isoTime, printRows } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface DuplicatesOptions extends ConnectionOptions {
  readonly fail?: boolean;
  readonly json?: boolean;
}

/** `latchkey keys duplicates`. */
export function duplicates(group: Command, terminal: Terminal): void {
  const command = withConnection(group.command('duplicates'))
    .summary('list requests that ran under several keys')
    .description(
      'Lists requests of the last 24 hours that ran under several keys within minutes: of one scope and operation, with the same arguments. Each call is a line, those of one request stand together. Their client makes a new key for each attempt.',
    )
    .option('--fail', 'exit with 1 when any request is listed, for cron')
    .option('--json', 'print one document of JSON: now, groups')
    .action((options: DuplicatesOptions, command: Command) =>
      inSession(terminal, command, options, async ({ api }) => {
        const found = await api.duplicates();
        if (options.fail && found.groups.length > 0) terminal.refuse();
        if (options.json) return terminal.out(JSON.stringify(found, null, 2));
        if (found.groups.length === 0) return terminal.note('Nothing is suspected.');
        const calls = found.groups.flatMap((group, index) =>
          group.calls.map((call) => ({ ...group, ...call, request: index + 1 })),
        );
        printRows(terminal, { read: readAt(found.now), piped: PIPED }, calls);
      }),
    );
  withExamples(command, [
    'latchkey keys duplicates',
    'latchkey keys duplicates --fail || tell-the-client-team    # in cron',
  ]);
}

/** A `SuspectedCall` is one call of a request that ran under several keys. */
type SuspectedCall = Omit<DuplicateGroup, 'calls'> &
  DuplicateGroup['calls'][number] & { readonly request: number };

const COLUMNS: Columns<SuspectedCall> = [
  { head: 'REQUEST', cell: ({ request }) => String(request) },
  { head: 'ID', cell: ({ row }) => row?.id ?? '-' },
  { head: 'STATE', cell: ({ row }) => row?.state ?? 'gone' },
  { head: 'SCOPE', cell: ({ scope }) => scope, flexible: true },
  { head: 'KEY', cell: ({ key }) => key, flexible: true },
  { head: 'OPERATION', cell: ({ operation }) => operation, flexible: true },
];

const PIPED: Columns<SuspectedCall> = [...COLUMNS, { head: 'TIME', cell: ({ at }) => isoTime(at) }];
const readAt = (now: number): Columns<SuspectedCall> => [
  ...COLUMNS,
  { head: 'AGE', cell: ({ at }) => age(at, now) },
];
