import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { AnyTRPCRouter } from '@trpc/server';
import { createNextApiHandler } from '@trpc/server/adapters/next';
import { idempotencyResponseMeta as responseMeta } from '../../../plugin/trpc/index.ts';
import { adapterContract, contextOf as createContext, MOUNT } from './adapter-contract.ts';

/** `pages/api/trpc/[trpc].ts` as Next.js calls it: the file's parameter among the query's. */
type NextApiHandler = (
  req: IncomingMessage & { query: Record<string, string>; body?: unknown },
  res: ServerResponse,
) => Promise<void>;

const serverOf = (parse: (req: IncomingMessage) => Promise<object>) => (router: AnyTRPCRouter) => {
  const handler: NextApiHandler = createNextApiHandler({ router, createContext, responseMeta });
  return createServer(async (req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://localhost');
    const query = { ...Object.fromEntries(searchParams), trpc: pathname.slice(MOUNT.length + 1) };
    await handler(Object.assign(req, { query }, await parse(req)), res);
  });
};

// Next.js makes {} of an empty body that is said to be JSON, and a text of a multipart body.
adapterContract(
  'a handler of the Next.js Pages Router, its body parsed',
  serverOf(async (req) => ({ body: req.headers['content-length'] === '0' ? {} : await json(req) })),
  { forms: false },
);

adapterContract(
  'a handler of the Next.js Pages Router with `bodyParser: false`',
  serverOf(async () => ({})),
);
