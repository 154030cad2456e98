import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { ActionCommand, ActionName, KeyDetail } from '../admin/contract/contract.ts';
import type { RefusalCode } from '../admin/contract/refusal.ts';
import { type ConnectionOptions, withBodies } from './connection.ts';
import { withExamples } from './examples.ts';
import { dryRunText } from './key-text.ts';
import {
  findKey,
  inSession,
  type KeysSession,
  print,
  refuse,
  type Target,
  withTarget,
} from './keys-session.ts';
import { osUser } from './os-user.ts';
import { requireSameKeys, withRerunners } from './rerunners.ts';
import type { Terminal } from './terminal.ts';

interface ActOptions extends ConnectionOptions, Target {
  readonly reason: string;
  readonly by: string;
  readonly commandKey: string;
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly rerunners?: string;
  readonly response?: string;
  readonly yesMayRepeat?: boolean;
  readonly yesExpire?: boolean;
  readonly yesForce?: boolean;
  readonly yesPurge?: boolean;
  readonly yesRerun?: boolean;
}

interface Acting {
  readonly name: string;
  readonly action: ActionName;
  readonly summary: string;
  readonly description: string;
  /** What the command takes beside what each of them takes, by the page's dialog. */
  readonly options: readonly Option[];
  readonly example: string;
}

const MAY_REPEAT = new Option('--yes-may-repeat', 'confirm that the effect may happen twice');
const yes = (word: string) =>
  new Option(`--yes-${word}`, `confirm what can not be taken back: the word ${word}`);
const response = (placeholder: string, what: string) =>
  new Option(
    `--response <${placeholder}>`,
    `${what}; @file reads a file, - standard input`,
  ).makeOptionMandatory();

const ACTIONS: readonly Acting[] = [
  {
    name: 'allow-retry',
    action: 'allow_retry',
    summary: 'let the same request run again',
    description: 'Lets the same request run again, and no other, when its client sends it.',
    options: [MAY_REPEAT],
    example: '--reason "bank confirmed: not charged" --yes-may-repeat',
  },
  {
    name: 'rerun',
    action: 'rerun',
    summary: 'let the same request run again, and send it as it was captured',
    description:
      'Releases the key and sends its captured request once more through your own server, by a rerunner. With --dry-run it says what would be sent, and as whom.',
    options: [yes('rerun'), MAY_REPEAT],
    example: '--rerunners ./dist/rerunners.js --reason "client is gone" --yes-rerun --yes-may-repeat',
  },
  {
    name: 'complete',
    action: 'complete',
    summary: 'store the response that retries get',
    description: 'Stores the response that retries get, for an effect that has happened.',
    options: [
      response('json', 'the data, as JSON: for GraphQL the `data` object, else what the call returns'),
    ],
    example: '--reason "charge ch_1 is there" --response @data.json',
  },
  {
    name: 'fail',
    action: 'fail',
    summary: 'store the error that retries get',
    description: 'Stores a final error that retries get, for an effect that will not happen.',
    options: [response('message', 'the message of the error')],
    example: '--reason "bank has refused it" --response "The card was declined"',
  },
  {
    name: 'expire',
    action: 'expire',
    summary: 'forget the key: any payload may run',
    description: 'Forgets the key: the next request with it runs, whatever it asks for.',
    options: [yes('expire'), MAY_REPEAT],
    example: '--reason "customer starts anew" --yes-expire --yes-may-repeat',
  },
  {
    name: 'force-release',
    action: 'force_release',
    summary: 'free a running key; its worker is not stopped',
    description: 'Frees a key that runs. Its worker is not stopped, and what it returns will not be stored.',
    options: [yes('force'), MAY_REPEAT],
    example: '--reason "worker hangs since noon" --yes-force --yes-may-repeat',
  },
  {
    name: 'purge-body',
    action: 'purge_body',
    summary: 'keep the outcome, drop the bodies',
    description: 'Keeps the outcome of the key, and drops its response and its captured request.',
    options: [yes('purge')],
    example: '--reason "erasure was asked for" --yes-purge',
  },
];

/** The commands that act on one key, one for each action of the page. */
export function actions(group: Command, terminal: Terminal): void {
  for (const { name, action, summary, description, options, example } of ACTIONS) {
    const command = withReason(withTarget(withRerunners(withBodies(group.command(name)))))
      .summary(summary)
      .description(description)
      .option('--dry-run', 'say what would change, and change nothing')
      .action((id: string | undefined, options: ActOptions, command: Command) =>
        inSession(terminal, command, options, (session) => take(session, terminal, action, id, options)),
      );
    for (const option of options) command.addOption(option);
    withExamples(command, [
      `latchkey keys ${name} 66f0c0ffee0123456789abcd ${example}`,
      `latchkey keys ${name} 66f0c0ffee0123456789abcd ${example} --dry-run`,
    ]);
  }
}

/** Adds what the audit asks of a command. */
export function withReason(command: Command): Command {
  return withCommandKey(
    command.requiredOption('--reason <text>', 'why, for the audit: 8 characters or more'),
  );
}

/** Adds what the audit asks of a command whose reason is known. */
export function withCommandKey(command: Command): Command {
  return command
    .option('--by <name>', 'who, for the audit, which also keeps who ran the command', osUser())
    .addOption(
      new Option('--command-key <key>', 'makes the same command, sent twice, act once').default(
        randomUUID(),
        'a new one',
      ),
    );
}

async function take(
  session: KeysSession,
  terminal: Terminal,
  action: ActionName,
  id: string | undefined,
  options: ActOptions,
): Promise<void> {
  const { json, reason, commandKey } = options;
  if (action === 'rerun' && options.rerunners === undefined)
    throw new Error(
      'Expected --rerunners <module>: only your own server can run the request again, see latchkey/docs/dashboard.md',
    );
  const response = await givenText(terminal, options.response);
  const detail = await findKey(session, id, options);
  const { seen } = detail;
  if (!seen) return refuse(terminal, json, { why: 'The record can not be understood', code: 'unreadable' });
  const command = { action, seen, reason, commandKey, ...(response !== undefined && { response }) };
  if (action === 'rerun') await requireSameKeys(options.rerunners, seen);
  if (options.dryRun) return foresee(session, terminal, { detail, command, json });
  const word = detail.actions.find((offered) => offered.action === action)?.confirm ?? null;
  const { yesExpire, yesForce, yesPurge, yesRerun } = options;
  const isConfirmed = [yesExpire, yesForce, yesPurge, yesRerun].includes(true);
  const result = await session.api.keys.act({
    ...command,
    mayRepeat: options.yesMayRepeat === true,
    ...(word !== null && isConfirmed && { confirm: word }),
  });
  if (!result.done) {
    const { why, code } = result;
    return refuse(terminal, json, { why: `${why}${hintFor(code, word)}`, code });
  }
  if (result.isProblem) terminal.refuse();
  print(terminal, json, result, () => result.note);
}

interface Foresight {
  readonly detail: KeyDetail;
  readonly command: Omit<ActionCommand, 'evidence' | 'confirm' | 'mayRepeat'>;
  readonly json: boolean | undefined;
}

/** Says what an action would do, and which options confirm it. */
async function foresee(
  { api, services, operator }: KeysSession,
  terminal: Terminal,
  { detail, command, json }: Foresight,
): Promise<void> {
  const [{ foreseeAction }, { actionCommand }, { inputProblems }] = await Promise.all([
    import('../admin/commands/foresee-action.ts'),
    import('../admin/api/schemas.ts'),
    import('../admin/api/input-problems.ts'),
  ]);
  const checked = actionCommand.safeParse(command);
  if (!checked.success) throw new Error(inputProblems(checked.error, command));
  const foreseen = await foreseeAction(services, operator, { key: detail, command: checked.data });
  if (!foreseen.possible) return refuse(terminal, json, foreseen);
  const sent =
    command.action === 'rerun' ? await api.keys.dryRun({ id: detail.id, life: detail.life }) : undefined;
  if (sent?.possible === false) return refuse(terminal, json, { why: sent.why ?? '' });
  const offered = detail.actions.find(({ action }) => action === command.action);
  const { confirm = null, mayRepeat = false } = offered ?? {};
  const shown = { dryRun: true, ...foreseen, confirm, mayRepeat, ...(sent && { sent }) };
  print(terminal, json, shown, () => dryRunText(shown));
}

/** Reads a text from where it does not go through a shell's quoting and history. A message that begins with @ comes from a file, too. */
export async function givenText(terminal: Terminal, given: string | undefined): Promise<string | undefined> {
  if (given === '-') return terminal.input();
  if (!given?.startsWith('@')) return given;
  return readFile(given.slice(1), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`Expected --response @${given.slice(1)} to name a file that can be read: ${error.code}`);
  });
}

/** Names the option that gives the confirmation which a refusal asks for. */
export function hintFor(code: RefusalCode | undefined, word: string | null): string {
  switch (code) {
    case 'confirm_word':
      return ` (--yes-${word})`;
    case 'may_repeat':
      return ' (--yes-may-repeat)';
    default:
      return '';
  }
}
