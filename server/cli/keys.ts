import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ActionName, KeyDetail, KeyFilter, Operator } from '../admin/contract.ts';
import {
  type Connection,
  type ConnectionOptions,
  connect,
  orError,
  peer,
  withConnection,
} from './connection.ts';
import { detailText, listText } from './key-text.ts';

interface Target {
  readonly scope?: string;
  readonly key?: string;
  readonly json?: boolean;
}

interface ActionOptions extends ConnectionOptions, Target {
  readonly reason: string;
  readonly by: string;
  readonly commandKey: string;
  readonly response?: string;
  readonly yesMayRepeat?: boolean;
  readonly yesExpire?: boolean;
  readonly yesForce?: boolean;
}

/** The commands, the action of each, and what it asks for beside a reason. */
const ACTIONS: readonly [name: string, ActionName, summary: string, extra: (command: Command) => Command][] =
  [
    ['allow-retry', 'allow_retry', 'let the same request run again', (command) => command],
    [
      'expire',
      'expire',
      'forget the key: any payload may run',
      (command) => command.option('--yes-expire', 'confirm'),
    ],
    [
      'mark-completed',
      'mark_completed',
      'store the response that retries get',
      (command) => command.requiredOption('--response <json>', 'the data, as JSON'),
    ],
    [
      'mark-failed',
      'mark_failed',
      'store the error that retries get',
      (command) => command.requiredOption('--response <message>', 'the message of the error'),
    ],
    [
      'force-release',
      'force_release',
      'free a running key; its worker is not stopped',
      (command) => command.option('--yes-force', 'confirm'),
    ],
    ['purge-body', 'purge_body', 'keep the outcome, drop the bodies', (command) => command],
  ];

/** `latchkey keys`: exit code 1 when a key is not there or an action is refused, 2 when a call is wrong or fails. */
export function keys(program: Command): void {
  const group = program
    .command('keys')
    .description('Look at keys, and act on them by the rules of the dashboard.');
  list(group);
  withTarget(withConnection(group.command('show').argument('[id]')))
    .summary('show one key')
    .action((id: string | undefined, options: ConnectionOptions & Target, command: Command) =>
      orError(command, async () => {
        await using session = await open(options);
        const detail = await find(session, id, options);
        if (detail) print(options.json, detail, () => detailText(detail));
      }),
    );
  for (const [name, action, summary, extra] of ACTIONS) {
    extra(withTarget(withConnection(group.command(name).argument('[id]'))))
      .summary(summary)
      .requiredOption('--reason <text>', 'why, for the audit: 8 characters or more')
      .option('--by <name>', 'who, for the audit', userInfo().username)
      .option('--yes-may-repeat', 'confirm that the effect may happen twice')
      .addOption(
        new Option('--command-key <key>', 'the same one twice acts once').default(randomUUID(), 'a new one'),
      )
      .action((id: string | undefined, options: ActionOptions, command: Command) =>
        orError(command, () => take(action, id, options)),
      );
  }
}

const withTarget = (command: Command) =>
  command
    .option('--scope <text>', 'with --key, instead of an id')
    .option('--key <text>', 'with --scope')
    .option('--json', 'print JSON');

interface ListOptions extends ConnectionOptions, Target {
  readonly state?: NonNullable<KeyFilter['state']>;
  readonly operation?: string;
  readonly olderThan?: number;
  readonly newerThan?: number;
  readonly error?: boolean;
  readonly cursor?: string;
}

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

function list(group: Command): void {
  withConnection(group.command('list'))
    .summary('list keys, newest first')
    .addOption(new Option('--state <state>', 'as it stands now').choices(STATES))
    .option('--scope <text>')
    .option('--key <text>')
    .option('--operation <name>')
    .option('--older-than <age>', 'started at least so long ago: 90s, 5m, 2h, 7d', ageOf)
    .option('--newer-than <age>', 'started at most so long ago', ageOf)
    .option('--error', 'completed with an error')
    .option('--cursor <id>', 'the `next` of the page before')
    .option('--json', 'print JSON')
    .action((options: ListOptions, command: Command) =>
      orError(command, async () => {
        const { listKeys } = await import('../admin/list.ts');
        await using session = await open(options);
        const page = await listKeys(session.dashboard.records, {
          filter: filterOf(options),
          cursor: options.cursor,
        });
        print(options.json, page, () => listText(page.rows, page.next));
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

async function take(action: ActionName, id: string | undefined, options: ActionOptions): Promise<void> {
  const [{ act }, { actionCommand }, { CONFIRM_WORDS }] = await Promise.all([
    peer('@trpc/server', () => import('../admin/act.ts')),
    import('../admin/schemas.ts'),
    import('../engine/operator.ts'),
  ]);
  await using session = await open(options, options.by);
  const detail = await find(session, id, options);
  if (!detail) return;
  if (!detail.seen) return refuse(options.json, 'The record can not be understood');
  const word = CONFIRM_WORDS[action];
  const isConfirmed = options.yesExpire === true || options.yesForce === true;
  const command = actionCommand.safeParse({
    action,
    seen: detail.seen,
    reason: options.reason,
    commandKey: options.commandKey,
    mayRepeat: options.yesMayRepeat === true,
    ...(options.response !== undefined && { response: options.response }),
    ...(word !== null && isConfirmed && { confirm: word }),
  });
  if (!command.success) throw new Error(command.error.issues.map(({ message }) => message).join('; '));
  const result = await act(session.dashboard, session.operator, command.data);
  if (!result.done) return refuse(options.json, `${result.why}${hintOf(result.why)}`);
  print(options.json, result, () => result.note);
}

/** As the options are called here. */
function hintOf(why: string): string {
  if (why.startsWith('Type the word')) return ` (--yes-${why.split(' ')[3]})`;
  return why.includes('may happen twice') ? ' (--yes-may-repeat)' : '';
}

interface Session extends AsyncDisposable {
  readonly dashboard: import('../admin/dashboard.ts').Dashboard;
  readonly operator: Operator;
}

async function open(options: ConnectionOptions, by = userInfo().username): Promise<Session> {
  const { openDashboard } = await peer('@trpc/server', () => import('../admin/open-dashboard.ts'));
  const connection: Connection = await connect(options);
  const { db, collection } = connection.store;
  const policy = connection.idempotency.policy(undefined, '');
  return {
    dashboard: openDashboard({
      db,
      collection,
      policy,
      readOnly: false,
      replayers: [],
      vault: connection.idempotency,
    }),
    operator: { id: by, role: 'admin' },
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

/** Undefined, and exit code 1, when there is none. */
async function find(
  { dashboard, operator }: Session,
  id: string | undefined,
  { scope, key, json }: Target,
): Promise<KeyDetail | undefined> {
  const [{ listKeys }, { readDetail }, { barOf }, { isObjectId }] = await Promise.all([
    import('../admin/list.ts'),
    import('../admin/detail.ts'),
    import('../admin/dashboard.ts'),
    import('../admin/records.ts'),
  ]);
  if ((id === undefined) === (scope === undefined || key === undefined))
    throw new Error('Expected an id, or --scope and --key');
  if (id !== undefined && !isObjectId(id)) throw new Error(`Expected an id of 24 digits, got ${id}`);
  const { rows } =
    id === undefined
      ? await listKeys(dashboard.records, { filter: filterOf({ scope, key } as ListOptions) })
      : { rows: [{ id }] };
  const found = rows[0]?.id;
  const bar = (action: ActionName, record: Parameters<typeof barOf>[3]) =>
    barOf(dashboard, operator, action, record);
  const detail = found === undefined ? undefined : await readDetail(dashboard.records, found, undefined, bar);
  if (!detail) refuse(json, 'There is no such key');
  return detail;
}

function refuse(json: boolean | undefined, why: string): void {
  process.exitCode = 1;
  if (json) console.log(JSON.stringify({ done: false, why }));
  else console.error(`Refused: ${why}`);
}

function print(json: boolean | undefined, value: unknown, text: () => string): void {
  console.log(json ? JSON.stringify(value, null, 2) : text());
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function ageOf(text: string): number {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const size = UNITS[unit];
  if (count === undefined || size === undefined)
    throw new InvalidArgumentError('Expected an age such as 90s, 5m, 2h or 7d.');
  return Number(count) * size;
}
