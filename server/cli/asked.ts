import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { RefusalCode } from '../admin/contract/refusal.ts';
import { osUser } from './session/os-user.ts';
import type { Terminal } from './terminal/terminal.ts';

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
