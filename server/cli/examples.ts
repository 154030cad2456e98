import type { Command } from 'commander';

const EXIT_CODES = `Exit codes:
  0  done, or nothing to do
  1  refused, not there, or found what was looked for
  2  wrong use, or a failure`;

/** Ends a command's help with calls to copy, and with what its exit codes mean. */
export function withExamples(command: Command, examples: readonly string[], more = ''): Command {
  const lines = ['Examples:', ...examples.map((example) => `  $ ${example}`)].join('\n');
  return command.addHelpText(
    'after',
    ['', lines, '', ...(more === '' ? [] : [more, '']), EXIT_CODES].join('\n'),
  );
}
