import { createIdempotency } from 'latchkey';
import { createIdempotencyHandler } from 'latchkey/http';
import { createMemoryStore } from 'latchkey/memory';
import { type Host, type HostOptions, provider } from './host.ts';

/** The part of Deno's types that is used here. */
declare const Deno: {
  serve(
    options: { port: number; hostname: string },
    handler: (request: Request) => Promise<Response>,
  ): { readonly addr: { readonly port: number }; shutdown(): Promise<void> };
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

  const server = Deno.serve({ port: 0, hostname: '127.0.0.1' }, (request) => pay(request));
  return {
    url: `http://127.0.0.1:${server.addr.port}/payments`,
    async close() {
      await server.shutdown();
      await idempotency.close();
    },
  };
}
