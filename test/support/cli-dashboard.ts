import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { spawnCli } from './cli.ts';
import { mongoUri } from './database.ts';

export interface CliDashboard extends AsyncDisposable {
  /** That opens it once. */
  readonly link: string;
  readonly origin: string;
}

/** `latchkey dashboard` on a database of the test's server, until the end of the scope. */
export async function startCliDashboard(
  database: string,
  args: readonly string[] = [],
): Promise<CliDashboard> {
  const child = spawnCli(['dashboard', '--db', database, ...args], { env: { MONGODB_URI: mongoUri() } });
  const stop = async () => {
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    const [code, signal] = await closed;
    if (code !== 0) throw new Error(`The dashboard ended with ${code ?? signal}`);
  };
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('http'))
      return { link: line, origin: new URL(line).origin, [Symbol.asyncDispose]: stop };
  }
  throw new Error('The dashboard did not start');
}
