import { spawn } from 'node:child_process';
import { processWide } from '../../server/engine/process-wide.ts';

/** Ends a child process and removes its directory when this process dies, whatever it dies of. */
export interface Reaper {
  /** The process to end from now on; `undefined` when there is none. */
  watch(pid: number | undefined): void;
  /** Nothing is left to clean up. */
  dismiss(): void;
}

interface Watched {
  readonly directory: string;
  pid: number | undefined;
}

// The shell sees its standard input close even when we were killed with SIGKILL, where an exit handler
// would not run. It is detached, so that Ctrl-C in a terminal does not end it before its work is done.
const script = `while read -r pids && read -r directories; do kill=$pids remove=$directories; done
  [ -z "$kill" ] || kill -9 $kill
  IFS=:; set -f; [ -z "$remove" ] || rm -rf $remove`;

/** One shell watches for all of this process: to start a process takes a large one 20 ms. */
const watchAll = () => {
  const watched = new Set<Watched>();
  const shell = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  shell.unref();
  const tell = () => {
    const all = [...watched];
    const pids = all.flatMap(({ pid }) => pid ?? []).join(' ');
    const directories = all.flatMap(({ directory }) => directory || []).join(':');
    shell.stdin.write(`${pids}\n${directories}\n`);
  };
  return { watched, tell };
};

export function startReaper(directory = ''): Reaper {
  const { watched, tell } = processWide('reaper of the tests', 1, watchAll);
  const one: Watched = { directory, pid: undefined };
  watched.add(one);
  tell();
  return {
    watch(pid) {
      one.pid = pid;
      tell();
    },
    dismiss() {
      watched.delete(one);
      tell();
    },
  };
}
