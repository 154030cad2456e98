import { createServer } from 'node:http';
import express, { type Request as Req, type Response as Res } from 'express';
import { createIdempotency } from 'latchkey';
import { createIdempotencyHandler, type NodeHost, toNodeHandler } from 'latchkey/http';
import { createMemoryStore } from 'latchkey/memory';
import { type HostOptions, listen, provider } from './host.ts';

export async function start({ store = createMemoryStore() }: HostOptions = {}) {
  const idempotency = createIdempotency({ store });
  await idempotency.ready();

  const idempotent = createIdempotencyHandler<[NodeHost<Req, Res>]>({
    idempotency,
    scope: ({ rest: [{ req }] }) => req.get('x-user'), // stands for your login: req.user?.id
  });
  const pay = idempotent(async (request) => {
    const { amount } = (await request.json()) as { amount: number };
    return Response.json(await provider.charge(amount), { status: 201 });
  });

  const app = express();
  app.post('/payments', toNodeHandler(pay)); // before body parsers: then the bytes are compared that the client sent
  app.use(express.json());
  return await listen(createServer(app), '/payments', idempotency);
}
