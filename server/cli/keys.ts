import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import type { ActionName } from '../admin/contract/contract.ts';
import type { ActionRefusal, RefusalCode } from '../admin/contract/refusal.ts';
import { type ConnectionOptions, orError, peer, withBodies } from './connection.ts';
import { detailText } from './key-text.ts';
import { list } from './keys-list.ts';
import { findKey, openSession, print, refuse, type Target, withTexts } from './keys-session.ts';
import { osUser } from './os-user.ts';

interface ActionOptions extends ConnectionOptions, Target {
  readonly reason: string;
  readonly by: string;
  readonly commandKey: string;
  readonly response?: string;
  readonly yesMayRepeat?: boolean;
  readonly yesExpire?: boolean;
  readonly yesForce?: boolean;
  readonly yesPurge?: boolean;
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
      'complete',
      'complete',
      'store the response that retries get',
      (command) =>
        command.requiredOption(
          '--response <json>',
          'the data, as JSON; @file reads a file, - standard input',
        ),
    ],
    [
      'fail',
      'fail',
      'store the error that retries get',
      (command) =>
        command.requiredOption(
          '--response <message>',
          'the message of the error; @file reads a file, - standard input',
        ),
    ],
    [
      'force-release',
      'force_release',
      'free a running key; its worker is not stopped',
      (command) => command.option('--yes-force', 'confirm'),
    ],
    [
      'purge-body',
      'purge_body',
      'keep the outcome, drop the bodies',
      (command) => command.option('--yes-purge', 'confirm'),
    ],
  ];

/** `latchkey keys`: exit code 1 when a key is not there or an action is refused, 2 when a call is wrong or fails. */
export function keys(program: Command): void {
  const group = program
    .command('keys')
    .description('Look at keys, and act on them by the rules of the dashboard.');
  list(group);
  withTarget(withBodies(group.command('show').argument('[id]')))
    .summary('show one key')
    .description(
      'Shows a key as the dashboard does: its state, what a retry would get, its times and its bodies without secrets.',
    )
    .action((id: string | undefined, options: ConnectionOptions & Target, command: Command) =>
      orError(command, async () => {
        await using session = await openSession(options);
        const detail = await findKey(session, id, options);
        if (!detail) return;
        const shown = await withTexts(session, detail);
        print(options.json, shown, () => detailText(shown));
      }),
    );
  for (const [name, action, summary, extra] of ACTIONS) {
    extra(withTarget(withBodies(group.command(name).argument('[id]'))))
      .summary(summary)
      .requiredOption('--reason <text>', 'why, for the audit: 8 characters or more')
      .option('--by <name>', 'who, for the audit, which also keeps who ran the command', osUser())
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

async function take(action: ActionName, id: string | undefined, options: ActionOptions): Promise<void> {
  const [{ act }, { actionCommand }, { inputProblems }, { refusalSentence }, { CONFIRM_WORDS }] =
    await Promise.all([
      peer('@trpc/server', () => import('../admin/commands/act.ts')),
      import('../admin/api/schemas.ts'),
      import('../admin/api/input-problems.ts'),
      import('../admin/contract/refusal.ts'),
      import('../engine/operator.ts'),
    ]);
  const response = await givenText(options.response);
  await using session = await openSession(options, options.by);
  const detail = await findKey(session, id, options);
  if (!detail) return;
  if (!detail.seen) {
    const refusal: ActionRefusal = { code: 'unreadable' };
    return refuse(options.json, { why: refusalSentence(refusal), code: refusal.code });
  }
  const word = CONFIRM_WORDS[action];
  const isConfirmed = [options.yesExpire, options.yesForce, options.yesPurge].includes(true);
  const input = {
    action,
    seen: detail.seen,
    reason: options.reason,
    commandKey: options.commandKey,
    mayRepeat: options.yesMayRepeat === true,
    ...(response !== undefined && { response }),
    ...(word !== null && isConfirmed && { confirm: word }),
  };
  const command = actionCommand.safeParse(input);
  if (!command.success) throw new Error(inputProblems(command.error, input));
  const result = await act(session.services, session.operator, { key: detail, command: command.data });
  if (!result.done) {
    const { why, code } = result;
    return refuse(options.json, { why: `${why}${hintFor(code, word)}`, code });
  }
  print(options.json, result, () => result.note);
}

/** Reads a text from where it does not go through a shell's quoting and history. A message that begins with @ comes from a file, too. */
async function givenText(given: string | undefined): Promise<string | undefined> {
  if (given === '-') return text(process.stdin);
  if (!given?.startsWith('@')) return given;
  return readFile(given.slice(1), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`Expected --response @${given.slice(1)} to name a file that can be read: ${error.code}`);
  });
}

/** Names the option of this command that gives the confirmation which a refusal asks for. */
function hintFor(code: RefusalCode, word: string | null): string {
  switch (code) {
    case 'confirm_word':
      return ` (--yes-${word})`;
    case 'may_repeat':
      return ' (--yes-may-repeat)';
    default:
      return '';
  }
}
