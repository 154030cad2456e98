import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';

/** A `Terminal` is where a command reads and writes: the process's own streams, or those of a test. */
export interface Terminal {
  /** Tells whether somebody reads standard output; false in a pipe. */
  readonly isTerminal: boolean;
  /** A line of the terminal holds so many characters. */
  readonly columns: number;
  /** Tells whether the reader of standard output has gone, such as `head`: nothing more needs to be found. */
  readonly isClosed: boolean;
  /** Writes what the command was asked for: a line, or several, to standard output. */
  out(line: string): void;
  /** Writes a remark to standard error, where no pipe takes it for a result. */
  note(line: string): void;
  /** Tells whether somebody sits at the terminal who can be asked. */
  readonly canAsk: boolean;
  ask(question: string): Promise<string>;
  /** Reads all of standard input. */
  input(): Promise<string>;
  /** Calls a function at the first Ctrl-C, until it is disposed of; the second one ends the process. */
  onInterrupt(listener: () => void): Disposable;
  /** Makes 1 the exit code: the command's own "no". */
  refuse(): void;
  /** Ends the process at once. */
  exit(code: number): never;
  /** Ends the process when all is written, whatever the modules that were loaded have open. */
  end(): Promise<void>;
}

/** The terminal of this process. */
export const processTerminal: Terminal = {
  isTerminal: process.stdout.isTTY === true,
  columns: process.stdout.columns ?? 80,
  canAsk: process.stdin.isTTY === true && process.stderr.isTTY === true,
  get isClosed() {
    return process.stdout.errored !== null || !process.stdout.writable;
  },
  // The console's methods bear a pipe whose reader has gone, such as `head`.
  out: (line) => console.log(line),
  note: (line) => console.error(line),
  async ask(question) {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return await lines.question(question);
    } finally {
      lines.close();
    }
  },
  input: () => text(process.stdin),
  onInterrupt(listener) {
    process.once('SIGINT', listener).once('SIGTERM', listener);
    return { [Symbol.dispose]: () => void process.off('SIGINT', listener).off('SIGTERM', listener) };
  },
  refuse() {
    process.exitCode = 1;
  },
  exit: (code) => process.exit(code),
  async end() {
    process.stdout.once('error', () => {});
    await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
    process.exit();
  },
};
