import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { type Context, Hono, type Next } from 'hono';
import { createIdempotency } from 'latchkey';
import { createIdempotencyHandler, toHonoMiddleware } from 'latchkey/http';
import { createMemoryStore } from 'latchkey/memory';
import { type HostOptions, listen, provider } from './host.ts';

export async function start({ store = createMemoryStore() }: HostOptions = {}) {
  const idempotency = createIdempotency({ store });
  await idempotency.ready();

  const idempotent = createIdempotencyHandler<[Context, Next]>({
    idempotency,
    scope: ({ rest: [c] }) => c.req.header('x-user'), // stands for your login: c.get('user')?.id
  });

  const app = new Hono();
  // After CORS, login and rate limits; before what reads the body.
  app.use('/payments', toHonoMiddleware(idempotent, { require: true }));
  app.post('/payments', async (c) => {
    const { amount } = await c.req.json<{ amount: number }>();
    return c.json(await provider.charge(amount), 201);
  });
  return await listen(createAdaptorServer(app) as Server, '/payments', idempotency);
}
