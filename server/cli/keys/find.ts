import type { Command } from 'commander';
import type { Sought } from '../../admin/contract/contract.ts';
import { withExamples } from '../examples.ts';
import { type ConnectionOptions, withConnection } from '../session/connection.ts';
import { inSession } from '../session/session.ts';
import { printRows, shown } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { columnsAt, PIPED } from './list.ts';

interface FindOptions extends ConnectionOptions {
  readonly json?: boolean;
}

/** `latchkey keys find`. */
export function find(group: Command, terminal: Terminal): void {
  const command = withConnection(group.command('find'))
    .argument(
      '<text>',
      'the key, bare or quoted, with its header, a record id, a link, a line of a log; - is standard input',
    )
    .summary('find the key that a customer or a log gives')
    .description(
      'Finds the key that a text means, as the search of the dashboard does, and lists what it found as `keys list` does. It is refused, with 1, when there is none.',
    )
    .option('--json', 'print one document of JSON: rows, by, tried, complete')
    .action((text: string, options: FindOptions, command: Command) =>
      inSession(terminal, command, options, async ({ api }) => {
        const found = await api.keys.find({ text: text === '-' ? await terminal.input() : text });
        const { rows, tried, complete } = found;
        if (rows.length === 0) terminal.refuse();
        if (options.json) return terminal.out(JSON.stringify(found, null, 2));
        if (rows.length > 0)
          return printRows(terminal, { piped: PIPED, read: columnsAt((await api.me()).now) }, rows);
        terminal.note(`Nothing was found. It was looked for ${tried.map(soughtText).join(', ')}.`);
        if (!complete)
          terminal.note('Not all keys were looked at: name the scope, or list keys by --scope and --key.');
      }),
    );
  withExamples(command, [
    'latchkey keys find 8e03978e-40d5-43dd-bc93-6894a57f9324',
    'latchkey keys find \'Idempotency-Key: "8e03978e-40d5-43dd-bc93-6894a57f9324"\'',
    'grep IN_DOUBT app.log | tail -1 | latchkey keys find -',
  ]);
}

function soughtText(sought: Sought): string {
  if ('recordId' in sought) return `by the id ${sought.recordId}`;
  const within = sought.scope === undefined ? '' : ` in the scope ${shown(sought.scope)}`;
  return `by the key ${shown(sought.key)}${within}`;
}
