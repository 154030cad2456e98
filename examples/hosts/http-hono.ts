import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { createIdempotency } from 'latchkey';
import { createIdempotencyHandler } from 'latchkey/http';
import { createMemoryStore } from 'latchkey/memory';
import { type HostOptions, listen, provider } from './host.ts';

export async function start({ store = createMemoryStore() }: HostOptions = {}) {
  const idempotency = createIdempotency({ store });
  await idempotency.ready();

  const idempotent = createIdempotencyHandler<[Context]>({
    idempotency,
    scope: ({ rest: [c] }) => c.req.header('x-user'), // stands for your login: c.get('user')?.id
  });
  const pay = idempotent(async (request, c: Context) => {
    const { amount } = (await request.json()) as { amount: number }; // of `request`: the body of c.req has been read
    return c.json(await provider.charge(amount), 201);
  });

  const app = new Hono();
  app.post('/payments', (c) => pay(c.req.raw, c));
  return await listen(createAdaptorServer(app) as Server, '/payments', idempotency);
}
