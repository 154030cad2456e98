import { type Command, InvalidArgumentError } from 'commander';
import type { DiffVersion } from '../../admin/contract/contract.ts';
import { withExamples } from '../examples.ts';
import { type ConnectionOptions, withBodies } from '../session/connection.ts';
import { findKey, inSession, type KeysSession, type Target, withTarget } from '../session/session.ts';
import { isoTime, shown } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { lineDiff } from './line-diff.ts';

interface DiffOptions extends ConnectionOptions, Target {
  readonly from?: number;
  readonly to?: number;
  readonly with?: string;
  readonly json?: boolean;
}

/** `latchkey keys diff`. */
export function diff(group: Command, terminal: Terminal): void {
  const command = withTarget(withBodies(group.command('diff')))
    .summary('say what differs between versions of a key, or between two keys')
    .description(
      'Says what differs between two of: the request, the response, the record before and after each action, and as it is now. Without numbers it compares what the last action found with what it left behind. What can be compared, with its numbers, stands on standard error.',
    )
    .option('--from <number>', 'the version that is compared', versionOf)
    .option('--to <number>', 'the version that it is compared with', versionOf)
    .option('--with <id>', 'compare the record as it is now with that of another key, by its id')
    .action((id: string | undefined, options: DiffOptions, command: Command) =>
      inSession(terminal, command, options, (session) => run(session, terminal, id, options)),
    );
  withExamples(command, [
    'latchkey keys diff 66f0c0ffee0123456789abcd',
    'latchkey keys diff 66f0c0ffee0123456789abcd --from 0 --to 1',
    'latchkey keys diff 66f0c0ffee0123456789abcd --with 66f0c0ffee0123456789abce',
  ]);
}

async function run(
  session: KeysSession,
  terminal: Terminal,
  id: string | undefined,
  options: DiffOptions,
): Promise<void> {
  const key = await findKey(session, id, options);
  const versions =
    options.with === undefined
      ? await session.api.keys.diff({ id: key.id, life: key.life })
      : [key, await findKey(session, options.with, {})].map(({ id, now, raw }) => ({
          label: `Record ${id}`,
          at: now,
          text: raw,
        }));
  const newest = newestChange(versions);
  const { from = newest - 1, to = newest } = options;
  const [one, other] = [versions[from], versions[to]];
  const known = versions.map((version, index) => `  ${index}  ${titleOf(version)}`);
  if (versions.length < 2)
    throw new Error(
      'There is nothing to compare yet: nobody has acted on this key, and it holds no bodies that can be read',
    );
  if (!one || !other) throw new Error(`Expected --from and --to to be two of\n${known.join('\n')}`);
  const lines = lineDiff(one.text, other.text);
  if (options.json) return terminal.out(JSON.stringify({ from: one, to: other, lines, versions }, null, 2));
  terminal.out([`--- ${titleOf(one)}`, `+++ ${titleOf(other)}`, ...lines.map(shown)].join('\n'));
  if (lines.length === 0) terminal.note('There is no difference.');
  if (options.with === undefined) terminal.note(['Versions:', ...known].join('\n'));
}

/** Finds the version that the last action left behind, which follows the one that it found; without an action, the second of all. */
function newestChange(versions: readonly DiffVersion[]): number {
  const last = versions.findLastIndex(({ label }) => label.startsWith('After '));
  return last > 0 ? last : 1;
}

const titleOf = ({ label, at }: DiffVersion) => `${shown(label)}${at === null ? '' : `, ${isoTime(at)}`}`;

function versionOf(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected the number of a version, from 0 on.');
}
