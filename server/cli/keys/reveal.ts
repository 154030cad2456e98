import { type Command, Option } from 'commander';
import { withReason } from '../asked.ts';
import { withExamples } from '../examples.ts';
import { type ConnectionOptions, withBodies } from '../session/connection.ts';
import { findKey, inSession, type KeysSession, refuse, type Target, withTarget } from '../session/session.ts';
import { shown } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { whyNoText } from './key-text.ts';

interface RevealOptions extends ConnectionOptions, Target {
  readonly part: 'request' | 'response';
  readonly reason: string;
  readonly by: string;
  readonly commandKey: string;
  readonly json?: boolean;
}

/** `latchkey keys reveal`. */
export function reveal(group: Command, terminal: Terminal): void {
  const command = withReason(withTarget(withBodies(group.command('reveal'))))
    .summary('print a body with its secrets; the audit keeps who asked and why')
    .description(
      'Prints a body with its secrets, up to 15 MB of it. Who asked for it and why is in the audit before anything is read.',
    )
    .addOption(
      new Option('--part <name>', 'which body of the key')
        .choices(['request', 'response'])
        .default('response'),
    )
    .action((id: string | undefined, options: RevealOptions, command: Command) =>
      inSession(terminal, command, options, (session) => run(session, terminal, id, options)),
    );
  withExamples(command, [
    'latchkey keys reveal 66f0c0ffee0123456789abcd --reason "customer disputes the amount"',
    'latchkey keys reveal 66f0c0ffee0123456789abcd --part request --reason "ticket 4711" --cipher ./cipher.js | jq .',
  ]);
}

async function run(
  session: KeysSession,
  terminal: Terminal,
  id: string | undefined,
  options: RevealOptions,
): Promise<void> {
  const { json, part, reason, commandKey } = options;
  const { life, ...key } = await findKey(session, id, options);
  if (key[part] === null) return refuse(terminal, json, { why: `The key holds no ${part}` });
  const body = await session.api.keys.reveal({ id: key.id, life, part, reason, commandKey });
  if (json) return terminal.out(JSON.stringify(body, null, 2));
  const { text, cut } = body;
  if (text === null)
    return refuse(terminal, json, { why: `The ${part} has no text here: ${whyNoText(body)}` });
  // A program gets the text as it is; a terminal would obey what is in it.
  terminal.out(terminal.isTerminal ? text.split('\n').map(shown).join('\n') : text);
  if (cut) terminal.note('It was cut: it is longer than a reveal may be.');
}
