import type { ActionCommand, KeyDetail } from '../../admin/contract/contract.ts';
import { type KeysSession, print, refuse } from '../session/session.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { dryRunText } from './key-text.ts';

interface Foresight {
  readonly detail: KeyDetail;
  readonly command: Omit<ActionCommand, 'confirm' | 'mayRepeat'>;
  readonly json: boolean | undefined;
}

/** Prints what an action would do, and which options confirm it. */
export async function foresee(
  { api, services, operator }: KeysSession,
  terminal: Terminal,
  { detail, command, json }: Foresight,
): Promise<void> {
  const [{ foreseeAction }, { actionCommand }, { inputProblems }] = await Promise.all([
    import('../../admin/commands/foresee-action.ts'),
    import('../../admin/api/schemas.ts'),
    import('../../admin/api/input-problems.ts'),
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
