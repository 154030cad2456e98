import { spawn } from 'node:child_process';

/** Ends a child process and removes its directory when this process dies, whatever it dies of. */
export interface Reaper {
  /** The process to end from now on; `undefined` when there is none. */
  watch(pid: number | undefined): void;
  /** Nothing is left to clean up. */
  dismiss(): void;
}

// The shell sees its standard input close even when we were killed with SIGKILL, where an exit handler
// would not run. It is detached, so that Ctrl-C in a terminal does not end it before its work is done.
const script = `while read -r line; do pid=$line; done; [ -z "$pid" ] || kill -9 "$pid"; [ -z "$1" ] || rm -rf "$1"`;

export function startReaper(directory = ''): Reaper {
  const shell = spawn('sh', ['-c', script, 'sh', directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.unref();
  return {
    watch: (pid) => void shell.stdin.write(`${pid ?? ''}\n`),
    dismiss: () => void shell.kill('SIGKILL'),
  };
}
