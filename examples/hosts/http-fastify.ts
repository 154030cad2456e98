import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { createIdempotency } from 'latchkey';
import { createIdempotencyHandler, toFastifyHandler } from 'latchkey/http';
import { createMemoryStore } from 'latchkey/memory';
import { type Host, type HostOptions, provider } from './host.ts';

/** `Known` is what the handlers get beside the request. */
interface Known {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

export async function start({ store = createMemoryStore() }: HostOptions = {}): Promise<Host> {
  const idempotency = createIdempotency({ store });
  await idempotency.ready();

  const idempotent = createIdempotencyHandler<[Known]>({
    idempotency,
    scope: ({ rest: [{ request }] }) => request.headers['x-user'] as string, // stands for your login
  });
  const pay = idempotent(async (request) => {
    const { amount } = (await request.json()) as { amount: number };
    return Response.json(await provider.charge(amount), { status: 201 });
  });

  const app = fastify();
  app.post('/payments', toFastifyHandler(pay)); // Fastify's own parser may stay: JSON is compared by what it made of it
  app.addHook('onClose', () => idempotency.close());
  const url = await app.listen({ port: 0 });
  return { url: `${url}/payments`, close: () => app.close() };
}
