import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Db } from 'mongodb';
import { createDashboard, toNodeHandler } from '../server/admin/index.ts';
import { createIdempotency } from '../server/index.ts';
import { createMongoStore } from '../server/mongodb/index.ts';

export interface ServedDashboard extends AsyncDisposable {
  readonly origin: string;
}

/** The dashboard of a database's keys, for an admin, on a server of this process. Its indexes are there when it is. */
export async function serveDashboard(db: Db, collection?: string): Promise<ServedDashboard> {
  const idempotency = createIdempotency({
    store: createMongoStore({ db, timeoutMs: 300_000, ...(collection !== undefined && { collection }) }),
  });
  const dashboard = createDashboard({ idempotency, authorize: () => ({ id: 'bench', role: 'admin' }) });
  const server = createServer(toNodeHandler(dashboard));
  await idempotency.ready();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await dashboard.close();
      await idempotency.close({ timeoutMs: 0 });
    },
  };
}
