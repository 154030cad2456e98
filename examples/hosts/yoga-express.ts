import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import express from 'express';
import { createYoga } from 'graphql-yoga';
import { createIdempotency } from 'latchkey';
import { useIdempotency } from 'latchkey/graphql';
import { createMemoryStore } from 'latchkey/memory';
import { type HostOptions, listen } from './host.ts';
import { schema } from './schema.ts';

/** A `Context` has what Yoga puts on it: Express's own request, with what your middlewares have put on it. */
interface Context {
  readonly req: IncomingMessage & { readonly user?: string };
  readonly res: ServerResponse;
}

export async function start({ store = createMemoryStore() }: HostOptions = {}) {
  const idempotency = createIdempotency({ store });
  await idempotency.ready();

  const yoga = createYoga<Context>({
    schema,
    plugins: [useIdempotency<Context>({ idempotency, scope: ({ context }) => context.req.user })],
  });
  const app = express();
  app.use((req, _res, next) => {
    Object.assign(req, { user: req.get('x-user') }); // stands for your login
    next();
  });
  app.use(yoga.graphqlEndpoint, (req, res) => yoga(req, res)); // before or after express.json()
  return await listen(createServer(app), yoga.graphqlEndpoint, idempotency);
}
