import { createProgram } from '../../server/cli/program.ts';
import type { CliResult } from './cli.ts';
import { mongoUri } from './database.ts';

export interface CallOptions {
  /** Standard input. */
  readonly input?: string;
  /** The width of the terminal that somebody reads at; without, standard output is a pipe. */
  readonly columns?: number;
  /** The reader of standard output goes after so many lines, as `head` does. */
  readonly reads?: number;
  /** What somebody types when asked; without, nobody is there. */
  readonly answer?: (question: string) => string | Promise<string>;
  /** Called with what Ctrl-C does, once a command minds it. */
  readonly interrupt?: (press: () => void) => void;
}

class Exit extends Error {}

/** `latchkey …` in this process, on the server of the tests: quicker than `runCli` by a process. */
export async function callCli(
  args: readonly string[],
  { input = '', columns, reads, answer, interrupt }: CallOptions = {},
): Promise<CliResult> {
  let [code, out, err] = [0, '', ''];
  const exit = (given: number): never => {
    code = given;
    throw new Exit();
  };
  const program = createProgram({
    isTerminal: columns !== undefined,
    columns: columns ?? 80,
    get isClosed() {
      return out.split('\n').length > (reads ?? Number.POSITIVE_INFINITY);
    },
    out: (line) => {
      out += `${line}\n`;
    },
    note: (line) => {
      err += `${line}\n`;
    },
    canAsk: answer !== undefined,
    ask: async (question) => (await answer?.(question)) ?? '',
    input: async () => input,
    onInterrupt: (listener) => {
      interrupt?.(listener);
      return { [Symbol.dispose]() {} };
    },
    refuse: () => {
      code = 1;
    },
    exit,
    end: async () => {},
  });
  const uri = args.includes('--uri') || !args.includes('--db') ? [] : ['--uri', mongoUri()];
  try {
    await program.parseAsync([...args, ...uri], { from: 'user' });
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
  }
  return { code, out, err };
}
