import { createIdempotency } from 'latchkey';
import { createIdempotencyHandler } from 'latchkey/http';
import { createMemoryStore } from 'latchkey/memory';
import { type Host, type HostOptions, provider } from './host.ts';

/** The part of @types/bun that is used here. */
declare const Bun: {
  serve(options: { port: number; fetch(request: Request): Promise<Response> }): {
    readonly url: URL;
    stop(closeActiveConnections?: boolean): Promise<void>;
  };
};

export async function start({ store = createMemoryStore() }: HostOptions = {}): Promise<Host> {
  const idempotency = createIdempotency({ store });
  await idempotency.ready();

  const idempotent = createIdempotencyHandler({
    idempotency,
    scope: ({ request }) => request.headers.get('x-user'), // stands for your login
  });
  const pay = idempotent(async (request: Request) => {
    const { amount } = (await request.json()) as { amount: number };
    return Response.json(await provider.charge(amount), { status: 201 });
  });

  const server = Bun.serve({ port: 0, fetch: (request) => pay(request) });
  return {
    url: new URL('/payments', server.url).href,
    async close() {
      await server.stop(true);
      await idempotency.close();
    },
  };
}
