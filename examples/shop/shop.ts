import { createServer, type Server } from 'node:http';
import type { Db } from 'mongodb';
import { createGraphQLRerunner } from '../../plugin/graphql/index.ts';
import { createTRPCRerunner } from '../../plugin/trpc/index.ts';
import { createDashboard, type DashboardHandler, toNodeHandler } from '../../server/admin/index.ts';
import { createIdempotency, type Idempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { createApis } from './apis.ts';
import { type Provider, steadyProvider } from './provider.ts';

export interface Shop {
  readonly server: Server;
  readonly idempotency: Idempotency;
  readonly dashboard: DashboardHandler;
}

/**
 * A shop that charges cards and refunds them, by GraphQL at /graphql and by tRPC at /trpc, and shows its operators the keys
 * at /dashboard.
 */
export function createShop(db: Db, provider: Provider = steadyProvider): Shop {
  const idempotency = createIdempotency({
    store: createMongoStore({ db }),
    leaseMs: 5_000,
    captureRequest: true, // so that an operator can see a request, and run it again
  });

  const { yoga, router, listener } = createApis(db, idempotency, provider);
  const dashboard = createDashboard({
    idempotency,
    basePath: '/dashboard',
    // A real shop asks its own session who this is, and what they may do.
    authorize: () => ({ id: 'you', role: 'admin' }),
    rerunners: [
      createGraphQLRerunner({
        yoga,
        actAs: ({ scope }) => ({ scope, label: scope, headers: { authorization: scope } }),
      }),
      createTRPCRerunner({
        router,
        actAs: ({ scope }) => ({ scope, label: scope, ctx: { caller: scope } }),
      }),
    ],
  });

  const pages = toNodeHandler(dashboard);
  const server = createServer((req, res) => {
    if (req.url?.startsWith('/dashboard')) pages(req, res);
    else listener(req, res);
  });
  return { server, idempotency, dashboard };
}
