import { Command } from 'commander';
import { audit } from './audit.ts';
import { dashboard } from './dashboard.ts';
import { doctor } from './doctor.ts';
import { withExamples } from './examples.ts';
import { indexes } from './indexes.ts';
import { jobs } from './jobs/jobs.ts';
import { keys } from './keys/keys.ts';
import { lint } from './lint.ts';
import type { Terminal } from './terminal/terminal.ts';
import { version } from './version.ts';

const EXAMPLES = [
  "export MONGODB_URI='mongodb://db1,db2,db3/shop?replicaSet=rs0'",
  'latchkey keys list --state attention',
  'latchkey keys list --state in_doubt --fail || page-somebody    # in cron',
  'latchkey dashboard',
  'latchkey doctor',
];

/** Puts all commands together. Nothing is read or written before one of them is called. */
export function createProgram(terminal: Terminal): Command {
  const program = new Command('latchkey')
    .description(
      'Idempotency keys for GraphQL and tRPC on MongoDB: what became of them, and what an operator may do.',
    )
    .version(version(), '-V, --version', 'print the version of this package')
    // 1 is a command's own "no"; a call that could not be understood or carried out is 2.
    .exitOverride(({ exitCode }) => terminal.exit(exitCode === 0 ? 0 : 2))
    .configureOutput({
      writeOut: (text) => terminal.out(text.replace(/\n$/, '')),
      writeErr: (text) => terminal.note(text.replace(/\n$/, '')),
    });
  dashboard(program);
  keys(program, terminal);
  jobs(program, terminal);
  audit(program, terminal);
  indexes(program);
  doctor(program);
  lint(program, terminal);
  return withExamples(program, EXAMPLES);
}
