import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { idempotencyResponseMeta } from 'latchkey/trpc';
import { createRouter } from '../../../../trpc-router.ts';
import { idempotency } from '../../../lib/idempotency.ts';

const router = createRouter(idempotency);

const handle = (request: Request) =>
  fetchRequestHandler({
    endpoint: '/trpc',
    req: request,
    router,
    createContext: ({ req, info }) => ({
      user: req.headers.get('x-user') ?? undefined, // stands for your login
      headers: req.headers, // not `await headers()`: these are the same
      info,
    }),
    responseMeta: idempotencyResponseMeta, // sends Retry-After and Idempotent-Replayed
  });

export { handle as GET, handle as POST };
