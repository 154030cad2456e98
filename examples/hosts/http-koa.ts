import { createServer } from 'node:http';
import Koa, { type Context } from 'koa';
import { createIdempotency } from 'latchkey';
import { createIdempotencyHandler, toKoaHandler } from 'latchkey/http';
import { createMemoryStore } from 'latchkey/memory';
import { type HostOptions, listen, provider } from './host.ts';

export async function start({ store = createMemoryStore() }: HostOptions = {}) {
  const idempotency = createIdempotency({ store });
  await idempotency.ready();

  const idempotent = createIdempotencyHandler<[Context]>({
    idempotency,
    scope: ({ rest: [ctx] }) => ctx.get('x-user'), // stands for your login: ctx.state.user?.id
  });
  const pay = toKoaHandler(
    idempotent(async (request) => {
      const { amount } = (await request.json()) as { amount: number };
      return Response.json(await provider.charge(amount), { status: 201 });
    }),
  );

  const app = new Koa();
  app.use((ctx, next) => (ctx.path === '/payments' ? pay(ctx) : next())); // with a router: router.post('/payments', pay)
  return await listen(createServer(app.callback()), '/payments', idempotency);
}
