import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { initTRPC } from '@trpc/server';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { createSchema, createYoga } from 'graphql-yoga';
import superjson from 'superjson';
import { z } from 'zod';
import { useIdempotency } from '../../plugin/graphql/index.ts';
import { withIdempotency } from '../../plugin/http/index.ts';
import {
  createIdempotencyMiddleware,
  idempotencyErrorData,
  idempotencyResponseMeta,
} from '../../plugin/trpc/index.ts';
import { createIdempotency, type IdempotencyEvent, type Policy } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { serve } from '../http/server.ts';
import { emptyDatabase, type FreshDatabase, freshDatabase } from '../support/database.ts';

export const PASSWORD = 'correct horse battery staple';

export interface SecretAnswer {
  readonly status: number;
  /** As it came over the wire. */
  readonly body: string;
  readonly replayed: boolean;
  readonly retryAfter: string | null;
  /** Of a refusal. */
  readonly code: string | undefined;
  readonly reason: string | undefined;
}

export interface SecretApp extends AsyncDisposable {
  readonly database: FreshDatabase;
  readonly events: IdempotencyEvent[];
  /** What the handlers handed out, once each. */
  readonly secrets: string[];
  /** Of GraphQL and tRPC. */
  readonly url: string;
  readonly httpUrl: string;
  readonly idempotency: ReturnType<typeof createIdempotency>;
}

interface Options {
  /** Where an earlier process of the same service has its records. */
  readonly database?: FreshDatabase;
  /** One that no other test has used, not even in the oplog. */
  readonly ownDatabase?: boolean;
  /** Sent along with a new key. */
  readonly note?: () => string;
}

/** `createApiKey` and `login`, each with a secret in its answer, behind real GraphQL, tRPC and HTTP servers. */
export async function startSecretApp(
  policy: Policy = {},
  { database: given, ownDatabase, note }: Options = {},
): Promise<SecretApp> {
  const database = given ?? (await (ownDatabase ? freshDatabase() : emptyDatabase()));
  const events: IdempotencyEvent[] = [];
  const idempotency = createIdempotency({
    store: createMongoStore({ db: database.db }),
    onEvent: (event) => events.push(event),
    ...policy,
  });
  const secrets: string[] = [];
  const drawn = () => {
    const secret = `sk_live_${randomUUID()}`;
    secrets.push(secret);
    return secret;
  };
  const createApiKey = () => ({ id: randomUUID(), secret: drawn(), note: note?.() ?? null });
  const login = () => ({ token: drawn() });

  const yoga = createYoga({
    logging: false,
    schema: createSchema({
      typeDefs: `
        type Query { ok: Boolean }
        type ApiKey { id: ID! secret: String! note: String }
        type Session { token: String! }
        input Credentials { user: String! password: String! }
        type Mutation { createApiKey(name: String!): ApiKey! login(credentials: Credentials!): Session! }
      `,
      resolvers: { Mutation: { createApiKey, login } },
    }),
    plugins: [useIdempotency({ idempotency, scope: () => 'alice' })],
  });

  const t = initTRPC.context<{ req: IncomingMessage }>().create({
    transformer: superjson,
    errorFormatter: ({ shape, error }) => ({
      ...shape,
      data: { ...shape.data, idempotency: idempotencyErrorData(error) },
    }),
  });
  const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: () => 'alice' });
  const trpc = createHTTPHandler({
    basePath: '/trpc/',
    responseMeta: idempotencyResponseMeta,
    router: t.router({
      createApiKey: t.procedure
        .input(z.object({ name: z.string() }))
        .use(idempotent())
        .mutation(createApiKey),
      login: t.procedure
        .input(z.object({ user: z.string(), password: z.string() }))
        .use(idempotent())
        .mutation(login),
    }),
    createContext: ({ req }) => ({ req }),
  });

  const plain = await serve(
    withIdempotency(
      async (request) =>
        Response.json(request.url.endsWith('/login') ? login() : createApiKey(), { status: 201 }),
      { idempotency, scope: () => 'alice' },
    ),
  );
  const server = createServer((req, res) =>
    req.url?.startsWith('/trpc/') ? trpc(req, res) : yoga(req, res),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as { port: number };
  return {
    database,
    events,
    secrets,
    idempotency,
    url: `http://127.0.0.1:${address.port}`,
    httpUrl: plain.url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await plain[Symbol.asyncDispose]();
      await idempotency.close();
      if (!given) await database[Symbol.asyncDispose]();
    },
  };
}

type Operation = 'createApiKey' | 'login';
type Send = (app: SecretApp, operation: Operation, key: string) => Promise<SecretAnswer>;

const QUERIES = {
  createApiKey: 'mutation ($name: String!) { createApiKey(name: $name) { id shownOnce: secret note } }',
  login: 'mutation ($in: Credentials!) { login(credentials: $in) { bearer: token } }',
};
const INPUTS = { createApiKey: { name: 'ci' }, login: { user: 'alice', password: PASSWORD } };

/** The same two operations by each API, as a client that picks aliases of its own sends them. */
export const SECRET_APIS: Readonly<Record<string, Send>> = {
  GraphQL: ({ url }, operation, key) => {
    const input = INPUTS[operation];
    const variables = operation === 'login' ? { in: input } : input;
    return send(`${url}/graphql`, key, { query: QUERIES[operation], variables });
  },
  tRPC: ({ url }, operation, key) => send(`${url}/trpc/${operation}`, key, { json: INPUTS[operation] }),
  HTTP: ({ httpUrl }, operation, key) => send(`${httpUrl}/${operation}`, key, INPUTS[operation]),
};

async function send(url: string, key: string, body: object): Promise<SecretAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'idempotency-key': key,
      authorization: `Bearer ${PASSWORD}`,
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const { errors, error, code, reason } = JSON.parse(text);
  const details = errors?.[0]?.extensions ?? error?.json?.data?.idempotency ?? { code, reason };
  return {
    status: response.status,
    body: text,
    replayed: response.headers.get('idempotent-replayed') === 'true',
    retryAfter: response.headers.get('retry-after'),
    code: details.code,
    reason: details.reason,
  };
}
