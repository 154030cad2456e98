import { createServer } from 'node:http';
import { createYoga, type YogaInitialContext } from 'graphql-yoga';
import { createIdempotency } from 'latchkey';
import { useIdempotency } from 'latchkey/graphql';
import { createMemoryStore } from 'latchkey/memory';
import { type HostOptions, listen } from './host.ts';
import { schema } from './schema.ts';

export async function start({ store = createMemoryStore() }: HostOptions = {}) {
  const idempotency = createIdempotency({ store });
  await idempotency.ready();

  const yoga = createYoga({
    schema,
    plugins: [
      useIdempotency<YogaInitialContext>({
        idempotency,
        scope: ({ context }) => context.request.headers.get('x-user'), // stands for your login
      }),
    ],
  });
  return await listen(createServer(yoga), '/graphql', idempotency);
}
