// Stands for Next.js: calls the routes of `next/app/` behind a server of node:http.
import { createServer } from 'node:http';
import { createIdempotency, type Idempotency } from 'latchkey';
import { toNodeHandler } from 'latchkey/http';
import { type HostOptions, listen } from './host.ts';

type Route = (request: Request) => Promise<Response>;

export async function start({ store }: HostOptions = {}) {
  if (store) (globalThis as { idempotency?: Idempotency }).idempotency = createIdempotency({ store });
  const { idempotency } = await import('./next/lib/idempotency.ts');
  await idempotency.ready(); // in Next.js: in register() of instrumentation.ts
  const routes: Readonly<Record<string, Route>> = {
    graphql: (await import('./next/app/graphql/route.ts')).POST,
    payments: (await import('./next/app/payments/route.ts')).POST,
    trpc: (await import('./next/app/trpc/[trpc]/route.ts')).POST,
  };
  const route = (request: Request) => routes[new URL(request.url).pathname.split('/')[1] ?? '']?.(request);
  const app = toNodeHandler(async (request) => (await route(request)) ?? new Response(null, { status: 404 }));
  return await listen(createServer(app), '', idempotency);
}
