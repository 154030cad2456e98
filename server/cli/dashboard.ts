import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Command, InvalidArgumentError } from 'commander';
import { withExamples } from './examples.ts';
import { LocalSession } from './local-session.ts';
import { type ConnectionOptions, connect, orError, peer, withBodies } from './session/connection.ts';

interface Options extends ConnectionOptions {
  readonly port: number;
  readonly readOnly?: boolean;
}

/** `latchkey dashboard`: serves the dashboard alone, to the browser of whoever started it, until it is stopped. */
export function dashboard(program: Command): void {
  const command = withBodies(program.command('dashboard'))
    .summary('serve the dashboard on this machine')
    .description('Serves the dashboard on 127.0.0.1, and prints a link that opens it once.')
    .option('--port <number>', 'where it listens on 127.0.0.1; 0 takes a free one', portOf, 0)
    .option('--read-only', 'refuse each action and command that writes')
    .action((options: Options, command: Command) => orError(command, () => serve(options)));
  withExamples(command, [
    'latchkey dashboard --uri mongodb://localhost:27017/shop',
    'latchkey dashboard --port 4640 --read-only',
    'latchkey dashboard --cipher ./cipher.js',
  ]);
}

async function serve({ port, readOnly = false, ...options }: Options): Promise<void> {
  const { createDashboard, toNodeHandler } = await peer('@trpc/server', () => import('../admin/index.ts'));
  const { secured } = await import('../admin/page/security.ts');
  await using connection = await connect(options);
  await connection.store.ready({ transactions: false, readOnly });
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const session = new LocalSession((server.address() as AddressInfo).port, readOnly ? 'viewer' : 'admin');
  const { idempotency } = connection;
  const handle = createDashboard({ idempotency, authorize: session.authorize, readOnly });
  server.on(
    'request',
    toNodeHandler(async (request) => {
      const own = session.answer(request);
      return own ? secured(own) : handle(request);
    }),
  );
  console.log(
    `The dashboard of ${connection.store.db.databaseName}.${connection.store.collection}, open once:`,
  );
  console.log(session.link);
  await stopped();
  await handle.close();
  server.closeAllConnections();
  server.close();
}

function stopped(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('Expected a port from 0 to 65535.');
}
