import type { Command } from 'commander';
import type { ActionName } from '../../admin/contract/contract.ts';
import { givenText, hintFor, withReason } from '../asked.ts';
import { withExamples } from '../examples.ts';
import { type ConnectionOptions, withBodies } from '../session/connection.ts';
import { requireSameKeys, withRerunners } from '../session/rerunners.ts';
import {
  findKey,
  inSession,
  type KeysSession,
  print,
  refuse,
  type Target,
  withTarget,
} from '../session/session.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { ACTINGS } from './actings.ts';
import { foresee } from './foresee.ts';

interface ActOptions extends ConnectionOptions, Target {
  readonly reason: string;
  readonly by: string;
  readonly commandKey: string;
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly rerunners?: string;
  readonly response?: string;
  readonly evidence?: string;
  readonly yesMayRepeat?: boolean;
  readonly yesExpire?: boolean;
  readonly yesForce?: boolean;
  readonly yesPurge?: boolean;
  readonly yesRerun?: boolean;
}

/** The commands that act on one key, one for each action of the page. */
export function actions(group: Command, terminal: Terminal): void {
  for (const { name, action, summary, description, options, example } of ACTINGS) {
    const command = withReason(withTarget(withRerunners(withBodies(group.command(name)))))
      .summary(summary)
      .description(description)
      .option(
        '--evidence <id>',
        'the evidence that you act upon, by its id in `keys evidence`: the audit keeps it',
      )
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
      'Expected --rerunners <module>: only your own server can run the request again, see latchkey/docs/command-line.md',
    );
  const response = await givenText(terminal, options.response);
  const detail = await findKey(session, id, options);
  const { seen } = detail;
  if (!seen) return refuse(terminal, json, { why: 'The record can not be understood', code: 'unreadable' });
  const { evidence } = options;
  const command = {
    ...{ action, seen, reason, commandKey },
    ...(response !== undefined && { response }),
    ...(evidence !== undefined && { evidence }),
  };
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
