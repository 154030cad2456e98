import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { bundledProgram } from './bundled.ts';

const CLI = new URL('../../server/cli.ts', import.meta.url);

export interface CliOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly input?: string;
}

export interface CliResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export function spawnCli(args: readonly string[], { env = {}, cwd }: CliOptions = {}) {
  const all = { ...process.env, ...env };
  return spawn(process.execPath, [bundledProgram(CLI), ...args], { env: all, cwd, stdio: 'pipe' });
}

/** `latchkey …`, in a process of its own, to its end. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = spawnCli(args, options);
  child.stdin.end(options.input);
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<ChildProcess['exitCode'][]>,
  ]);
  return { code: code ?? null, out, err };
}
