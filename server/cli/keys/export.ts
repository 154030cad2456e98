import { writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { leftText } from '../../admin/contract/left-text.ts';
import { withReason } from '../asked.ts';
import { withExamples } from '../examples.ts';
import { type ConnectionOptions, withConnection } from '../session/connection.ts';
import { inSession } from '../session/session.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { type FilterOptions, filterOf, withFilter } from './key-filter.ts';

interface ExportOptions extends ConnectionOptions, FilterOptions {
  readonly format: 'ndjson' | 'csv';
  readonly out?: string;
  readonly reason: string;
  readonly by: string;
  readonly commandKey: string;
}

/** `latchkey keys export`. */
export function exportKeys(group: Command, terminal: Terminal): void {
  const command = withReason(withFilter(withConnection(group.command('export'))))
    .summary('write the keys of a filter as CSV or NDJSON')
    .description(
      'Writes the keys that a filter matches, newest first, without their bodies: up to 10,000 of them. The audit keeps who exported what and why. Standard error says how many there are, and whether any may be missing.',
    )
    .addOption(
      new Option('--format <name>', 'a line of JSON for each key, or a table for spreadsheets')
        .choices(['ndjson', 'csv'])
        .default('ndjson'),
    )
    .option('--out <file>', 'the file to write, instead of standard output')
    .action((options: ExportOptions, command: Command) =>
      inSession(terminal, command, options, async ({ api }) => {
        const { format, reason, commandKey } = options;
        const { text, rows, left } = await api.keys.export({
          filter: filterOf(options),
          ...{ format, reason, commandKey },
        });
        if (options.out !== undefined) await writeFile(options.out, text);
        // The text ends its last line itself.
        else if (text !== '') terminal.out(text.replace(/\n$/, ''));
        terminal.note(`${rows === 1 ? '1 key' : `${rows} keys`}.${leftText(left)}`);
      }),
    );
  withExamples(command, [
    'latchkey keys export --scope acme --reason "audit of November" --format csv --out acme.csv',
    'latchkey keys export --state in_doubt --reason "open charges, for the bank" | jq -r \'.key\'',
  ]);
}
