import type { Command } from 'commander';
import { withExamples } from '../examples.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { actions } from './act.ts';
import { bulk } from './bulk.ts';
import { diff } from './diff.ts';
import { duplicates } from './duplicates.ts';
import { evidence } from './evidence.ts';
import { exportKeys } from './export.ts';
import { find } from './find.ts';
import { list } from './list.ts';
import { reveal } from './reveal.ts';
import { show } from './show.ts';

/** `latchkey keys`: exit code 1 when a key is not there or an action is refused, 2 when a call is wrong or fails. */
export function keys(program: Command, terminal: Terminal): void {
  const group = program
    .command('keys')
    .summary('look at keys, and act on them')
    .description('Looks at keys, and acts on them by the rules of the dashboard.');
  list(group, terminal);
  find(group, terminal);
  duplicates(group, terminal);
  show(group, terminal);
  diff(group, terminal);
  evidence(group, terminal);
  reveal(group, terminal);
  exportKeys(group, terminal);
  actions(group, terminal);
  bulk(group, terminal);
  withExamples(group, [
    'latchkey keys list --state attention',
    'latchkey keys preview 66f0c0ffee0123456789abcd',
    'latchkey keys allow-retry --help',
  ]);
}
