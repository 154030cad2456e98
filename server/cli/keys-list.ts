import { type Command, InvalidArgumentError, Option } from 'commander';
import type { KeyFilter } from '../admin/contract/contract.ts';
import { type ConnectionOptions, orError, withBodies } from './connection.ts';
import { listText } from './key-text.ts';
import { openSession, print, type Target } from './keys-session.ts';

interface ListOptions extends ConnectionOptions, Target {
  readonly state?: NonNullable<KeyFilter['state']>;
  readonly operation?: string;
  readonly olderThan?: number;
  readonly newerThan?: number;
  readonly error?: boolean;
  readonly cursor?: string;
  readonly fail?: boolean;
}

const EXAMPLES = `
Examples:
  latchkey keys list --state attention
  latchkey keys list --state in_doubt --fail || page-somebody    # in cron
  latchkey keys list --scope acme --older-than 2h | cut -f1`;

const STATES = [
  'attention',
  'running',
  'completed',
  'released',
  'in_doubt',
  'lapsed',
  'expired',
  'unreadable',
];

/** `latchkey keys list`. */
export function list(group: Command): void {
  withBodies(group.command('list'))
    .summary('list keys, newest first')
    .addOption(new Option('--state <state>', 'as it stands now').choices(STATES))
    .description(
      'Lists keys, newest first, one a line: id, state, outcome, scope, key and operation, with tabs between.',
    )
    .option('--scope <text>', 'of this scope')
    .option('--key <text>', 'as the client sent it')
    .option('--operation <name>', 'such as chargeCard, orders.create or "POST /payments"')
    .option('--older-than <age>', 'started at least so long ago: 90s, 5m, 2h, 7d', ageOf)
    .option('--newer-than <age>', 'started at most so long ago', ageOf)
    .option('--error', 'completed with an error')
    .option('--cursor <id>', 'the `next` of the page before', cursorOf)
    .option('--fail', 'exit with 1 when any key is listed, for cron')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action((options: ListOptions, command: Command) =>
      orError(command, async () => {
        const { listKeys } = await import('../admin/keys/list.ts');
        await using session = await openSession(options);
        const page = await listKeys(session.services.records, {
          filter: filterOf(options),
          cursor: options.cursor,
        });
        if (options.fail && page.rows.length > 0) process.exitCode = 1;
        if (options.json) return print(true, page, () => '');
        const { rows, remarks } = listText(page);
        // What is no key goes where a pipe does not read it.
        for (const row of rows) console.log(row);
        for (const remark of remarks) console.error(remark);
      }),
    );
}

function filterOf({ state, scope, key, operation, olderThan, newerThan, error }: ListOptions): KeyFilter {
  return {
    ...(state && { state }),
    ...(scope !== undefined && { scope }),
    ...(key !== undefined && { key }),
    ...(operation !== undefined && { operation }),
    ...(olderThan !== undefined && { olderThanMs: olderThan }),
    ...(newerThan !== undefined && { newerThanMs: newerThan }),
    ...(error && { error }),
  };
}

function cursorOf(text: string): string {
  if (/^[0-9a-f]{24}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected 24 digits from 0 to f, as the page before has ended with.');
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function ageOf(text: string): number {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const size = UNITS[unit];
  if (count === undefined || size === undefined)
    throw new InvalidArgumentError('Expected an age such as 90s, 5m, 2h or 7d.');
  return Number(count) * size;
}
