import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** Resolves when each thread has stopped. SIGSTOP is only sent: on a busy machine a process goes on for a while after it. */
export async function untilStopped(pid: number): Promise<void> {
  const read = process.platform === 'linux' ? readThreads : readProcess;
  while (!(await read(pid)).every((state) => state.startsWith('T'))) {
    // Once more.
  }
}

/** proc(5): the state follows the name, which is in brackets and may hold any sign. */
async function readThreads(pid: number): Promise<string[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const stats = await Promise.all(
    // A thread that has ended meanwhile does nothing either.
    threads.map((id) => readFile(`/proc/${pid}/task/${id}/stat`, 'utf8').catch(() => ') T')),
  );
  return stats.map((stat) => stat.slice(stat.lastIndexOf(')') + 2));
}

async function readProcess(pid: number): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'stat=', '-p', String(pid)]);
  return [stdout.trim()];
}
